"""A statement compiled once, and several of them in one transaction with few round trips.

SQLAlchemy takes several times as long around a short statement as SQLite takes for it, and waits for each
answer of PostgreSQL before it asks again. What every decision and every outcome needs is therefore written
in SQLAlchemy's words, compiled once, and then run on the driver itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Connection, exc
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from ._many_rows import ManyRows

to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # one made once is quicker
Values = Mapping[str, Any]
T = TypeVar("T")


class Statement:
    """For either kind of database. Its parameters are given by name, JSON among them as text.

    columns : of the values that an INSERT is given.
    """

    def __init__(
        self,
        of_sqlite: ClauseElement,
        of_postgresql: ClauseElement | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> None:
        self._sqlite, self._columns = of_sqlite, columns
        self._postgresql = of_sqlite if of_postgresql is None else of_postgresql

    @cached_property
    def sqlite(self) -> str:
        dialect = sqlite.dialect(paramstyle="named")
        return str(self._sqlite.compile(dialect=dialect, column_keys=self._columns))

    @cached_property
    def postgresql(self) -> str:
        dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
        return str(self._postgresql.compile(dialect=dialect, column_keys=self._columns))


class Transaction:
    """What runs in one transaction, on a connection of SQLAlchemy.

    ask : rows of the answers. later : for what answers nothing. connection : for all else.
    opened : the connection, to be closed by who opened it.
    """

    def __init__(self, connection: Connection) -> None:
        self.opened = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self._driver: Any = connection.connection.driver_connection
        self._later: list[tuple[str, Values]] = []
        self._is_ours, self.is_plain = False, True  # plain : SQLAlchemy has done nothing on the connection

    def begin(self) -> None:
        """Where SQLAlchemy has not. What is never committed is undone as the connection is given back."""
        self._is_ours = True
        if self.is_sqlite:
            self._run(lambda: self._driver.execute("BEGIN IMMEDIATE"))

    @property
    def connection(self) -> Connection:
        """After what was said before."""
        if self._later:
            self.ask()
        self.is_plain = False
        if self._is_ours:
            self.opened.execution_options(tierwise_begin="")
        return self.opened

    def later(self, statement: Statement, values: Values) -> None:
        """At the latest with the commit."""
        if self.is_sqlite:
            self.ask((statement, values))
        else:
            self._later.append((statement.postgresql, values))

    def ask(self, *asked: tuple[Statement, Values]) -> list[list[Any]]:
        """Rows of each, in one round trip."""
        if self.is_sqlite:
            return self._run(
                lambda: [self._driver.execute(each.sqlite, values).fetchall() for each, values in asked]
            )
        return self._run(lambda: self._ask_server(asked))

    def insert(self, many: ManyRows, rows: Sequence[Sequence[Any]]) -> int:
        """Add rows, on SQLite; how many were new."""
        return self._run(lambda: many.add(self._driver, rows))

    def commit(self, *asked: tuple[Statement, Values]) -> list[list[Any]]:
        """The same as the last that is done in a transaction of ours; nothing is left to be done."""
        if not self._is_ours:
            return self.ask(*asked)
        self._is_ours = False
        if not self.is_sqlite:
            return self._run(lambda: self._ask_server(asked, commit=True))
        rows = self.ask(*asked)
        self._run(lambda: self._driver.execute("COMMIT"))
        return rows

    def first_alone(self, statement: Statement, values: Values) -> Any:
        """The first row that a statement finds, or None, in no transaction."""
        if self.is_sqlite:
            return self._run(lambda: self._driver.execute(statement.sqlite, values).fetchone())
        return self._run(lambda: self._first_of_server(statement.postgresql, values))

    def _first_of_server(self, text: str, values: Values) -> Any:
        self._driver.autocommit = True  # of the driver alone: the server isn't asked
        try:
            return self._driver.execute(text, values).fetchone()
        finally:
            if not self._driver.closed:  # else the pool lets go of it
                self._driver.autocommit = False

    def _ask_server(
        self, asked: Sequence[tuple[Statement, Values]], *, commit: bool = False
    ) -> list[list[Any]]:
        said, self._later = self._later, []
        if not said and not asked and not commit:
            return []
        if not said and len(asked) + commit == 1:  # a pipeline would only take longer
            if commit:
                self._driver.commit()
            return [self._driver.execute(each.postgresql, values).fetchall() for each, values in asked]
        with self._one_trip():
            for text, values in said:
                self._driver.execute(text, values)
            cursors = [self._driver.execute(each.postgresql, values) for each, values in asked]
            if commit:
                self._driver.execute("COMMIT", prepare=False)
        return [cursor.fetchall() for cursor in cursors]

    @contextmanager
    def _one_trip(self) -> Iterator[None]:
        """Raises what failed first: of what fails because of that the driver would warn on stderr."""
        driver_error = self.opened.dialect.loaded_dbapi.Error
        first = None
        try:
            with self._driver.pipeline():
                try:
                    yield
                except driver_error as error:
                    first = error
        except driver_error as error:
            raise (first or error) from None
        if first is not None:
            raise first

    def _run(self, what: Callable[[], T]) -> T:
        """Errors as SQLAlchemy would raise them, without the values."""
        dialect = self.opened.dialect
        driver_error = dialect.loaded_dbapi.Error
        try:
            return what()
        except driver_error as error:
            raise exc.DBAPIError.instance(
                None, None, error, driver_error, hide_parameters=True, dialect=dialect
            ) from error
