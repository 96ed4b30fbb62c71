"""Connections to the log: SQLite or PostgreSQL, safe in threads, between processes, and after fork.

Durability. An acknowledged write survives the death of every process of ours. Against a power cut or
the death of the database server the default promises less: the last moments may be missing (SQLite in
WAL mode with synchronous=NORMAL; PostgreSQL with synchronous_commit=off, three times its
wal_writer_delay, 0.6 s), but never half a write, and writes may be repeated, since they are idempotent.
`durable=True` waits for the disk at every write.

Waiting. For other writers up to `timeout_s`; for a server's answer in what is short and frequent ANSWER_S
longer, or as many seconds as the url says: `postgresql+psycopg://…/name?answer_timeout=2&connect_timeout=3`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, text

from ....classifier.errors import LogError
from ._engine import engine_of, is_as_left, left
from ._faults import translated
from ._patience import at_most
from ._statement import Statement, Transaction, Values
from ._url import split_off_answer_s

_WAIT = Statement(text("SELECT set_config('lock_timeout', :wait, true)"))
_WAITS = "tierwise_waits_s"  # how long a connection of SQLite waits for other writers


class Database:
    """Transactions on one log."""

    def __init__(self, url: URL, *, durable: bool, timeout_s: float) -> None:
        self.url, self.answer_s = split_off_answer_s(url)
        self.durable, self.timeout_s = durable, timeout_s
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.name = url.set(query={}).render_as_string(hide_password=True)
        self._engine: Engine | None = None
        self._at_hand: list[Transaction] = []  # one at most; see `_short`
        self._closed = False
        self._lock = threading.Lock()
        _open.add(self)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: all of it, or nothing.

        On SQLite it holds the write lock from its start, so that what it reads stays true.
        """
        with self.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(tierwise_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def transaction(self, *, wait_s: float | None = None) -> Iterator[Transaction]:
        """The same with few round trips, for what is short and frequent.

        wait_s : for other writers, where less than `timeout_s` is to be waited.
        """
        wait_s = self.timeout_s if wait_s is None else min(wait_s, self.timeout_s)
        with self._brief(wait_s), self._short() as transaction:
            self._let_wait(transaction.opened, wait_s)
            transaction.begin()
            if not self.is_sqlite and wait_s < self.timeout_s:
                transaction.later(_WAIT, {"wait": str(max(int(wait_s * 1000), 1))})
            yield transaction
            transaction.commit()

    def first(self, statement: Statement, values: Values) -> Any:
        """The first row that a statement finds, or None."""
        with self._brief(self.timeout_s), self._short() as transaction:
            return transaction.first_alone(statement, values)

    @contextmanager
    def brief(self, wait_s: float) -> Iterator[None]:
        """Whatever this thread asks of the log meanwhile, it doesn't wait for a server that hangs."""
        with at_most(wait_s + self.answer_s):
            yield

    @contextmanager
    def _brief(self, wait_s: float) -> Iterator[None]:
        with translated(self.name, wait_s), self.brief(wait_s):
            yield

    @contextmanager
    def _short(self) -> Iterator[Transaction]:
        """Of the connection that was used last, if nobody else has it: the way through SQLAlchemy's pool
        takes longer than what is done on it.
        """
        transaction = self._taken() or Transaction(self.engine().connect())
        is_plain = False
        try:
            yield transaction
            is_plain = transaction.is_plain
        finally:
            if is_plain and not self._at_hand:
                left(transaction.opened)
                self._at_hand.append(transaction)
                if self._closed:
                    self._let_go()
            else:
                transaction.opened.close()

    def _taken(self) -> Transaction | None:
        try:
            transaction = self._at_hand.pop()
        except IndexError:
            return None
        if is_as_left(transaction.opened, self.url):
            return transaction
        transaction.opened.close()  # the pool knows what to make of it
        return None

    def _let_go(self) -> None:
        while self._at_hand:
            self._at_hand.pop().opened.close()

    def _let_wait(self, connection: Connection, wait_s: float) -> None:
        """SQLite waits as long as its connection was told last, whatever the transaction."""
        if self.is_sqlite and connection.info.get(_WAITS, self.timeout_s) != wait_s:
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
            connection.info[_WAITS] = wait_s

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one state of the log, however long it takes."""
        with self.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for several transactions, which the caller begins."""
        with translated(self.name, self.timeout_s), self.engine().connect() as connection:
            self._let_wait(connection, self.timeout_s)
            yield connection

    def alone(self, statement: str) -> tuple[Any, ...]:
        """The row that a statement of SQLite answers with, run outside of transactions."""
        with self.connect() as connection:
            connection.execution_options(tierwise_begin="SELECT 1")
            return tuple(connection.exec_driver_sql(statement).one())

    @property
    def is_quick(self) -> bool:
        """Whether a short transaction waits for nothing but other writers: no server, no disk."""
        return self.is_sqlite and not self.durable

    def tidy(self) -> None:
        """Have SQLite move its journal into the file, as far as nobody reads from it."""
        self.alone("PRAGMA wal_checkpoint(PASSIVE)")

    def engine(self) -> Engine:
        with self._lock:
            if self._closed:
                raise LogError(f"The log {self.name} was closed. Open it again.", about=self.name)
            if self._engine is None:
                self._engine = engine_of(self.url, durable=self.durable, timeout_s=self.timeout_s)
            return self._engine

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        self._let_go()
        if engine is not None:
            engine.dispose()

    def close_idle(self) -> None:
        self._let_go()
        engine = self._engine
        if engine is not None:
            engine.pool.dispose()  # and keep the pool: connections in use go back to it

    def forget_inherited(self) -> None:
        """In a forked child: the parent's connections are neither used nor closed here."""
        _inherited.append((self._engine, self._at_hand))
        self._engine, self._at_hand = None, []
        self._lock = threading.Lock()  # the parent's may be held by a thread that is not here


_open: weakref.WeakSet[Database] = weakref.WeakSet()
# kept for good: closing them would disturb the parent
_inherited: list[tuple[Engine | None, list[Transaction]]] = []


def _before_fork() -> None:
    for database in list(_open):
        database.close_idle()  # SQLite forbids to carry a connection into a child


def _in_child() -> None:
    for database in list(_open):
        database.forget_inherited()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
