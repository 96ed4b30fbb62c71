"""Statements that every run needs: on SQLite they go to the driver itself, compiled once.

SQLAlchemy takes some 80 us a statement, SQLite 10. Elsewhere the network outweighs both.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Select

Process = Callable[[Any], Any]


class _Compiled(NamedTuple):
    """binds: in the order of the statement (name, its value where none is given, what makes it storable)."""

    sql: str
    binds: tuple[tuple[str, Any, Process | None], ...]
    results: tuple[tuple[int, Process], ...]


class Quick:
    """Of a select, or of an insert of the columns that are given."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}
        self._row: Callable[..., Any] | None = None

    def __call__(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Its rows, each with its columns as attributes; empty where it returns none."""
        raw = connection.connection.driver_connection
        if connection.dialect.name != "sqlite" or raw is None:
            result = connection.execute(self._statement, values)
            return list(result.all()) if result.returns_rows else []
        names = tuple(values)
        known = self._compiled.get(names)
        if known is None:
            known = self._compiled[names] = _compiled(self._statement, connection.dialect, values)
        given = [
            values.get(name, default) if process is None else process(values.get(name, default))
            for name, default, process in known.binds
        ]
        cursor = raw.execute(known.sql, given)
        if cursor.description is None:
            return []
        make = self._row
        if make is None:
            columns = [column[0] for column in cursor.description]
            make = self._row = namedtuple("Row", columns)  # type: ignore[misc]
        return [make(*_processed(row, known.results)) for row in cursor.fetchall()]


def _compiled(statement: Any, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
    is_select = isinstance(statement, Select)
    found: Any = statement.compile(dialect=dialect, column_keys=None if is_select else list(values))
    binds = tuple(
        (name, found.params.get(name), found.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in found.positiontup
    )
    results = []
    for place, column in enumerate(statement.selected_columns if is_select else ()):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            results.append((place, process))
    return _Compiled(str(found), binds, tuple(results))


def _processed(row: tuple[Any, ...], results: tuple[tuple[int, Process], ...]) -> Any:
    if not results:
        return row
    values = list(row)
    for place, process in results:
        values[place] = process(values[place])
    return values
