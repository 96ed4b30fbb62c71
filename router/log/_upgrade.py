"""The schema of an opened log: made where there is none, upgraded where it is older, refused where newer.

An upgrade is one transaction under a lock: of several processes that open an old log one upgrades it,
and a process killed meanwhile leaves the old log as it was.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ...classifier.errors import LogLocked, LogTooNew, LogUnavailable, MissingExtra
from ._schema import SCHEMA, VERSION_TABLE
from .database._connections import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_ID = 7_438_531  # of the advisory lock; any number that is ours alone
_PAUSE_S = 0.01
# alembic's `op` is one for the whole process: of two logs upgraded at once, one would get the other's tables
_one_at_a_time = threading.Lock()


def _in_child() -> None:
    global _one_at_a_time
    _one_at_a_time = threading.Lock()  # the parent's may be held by a thread that is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def make_current(database: Database, *, create: bool) -> None:
    """Raises LogTooNew, or LogUnavailable where there is something else than a log, or nothing to open."""
    if not create and database.is_sqlite and not Path(database.url.database or "").exists():
        raise _nothing_there(database)  # connecting would make an empty file
    with database.brief(database.timeout_s), database.read() as connection:
        if _is_current(connection, database):
            return
        if not create and not inspect(connection).has_table(VERSION_TABLE):
            raise _nothing_there(database)
    if database.is_sqlite:
        _read_and_write_at_once(database)
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
        if not _is_current(connection, database):
            upgrade(connection)


def _read_and_write_at_once(database: Database) -> None:
    """Switch the file to WAL, which it keeps.

    The switch needs the file for itself and SQLite does not wait for that, whatever the timeout: of
    several processes that make one log, those that come second are told "locked" at once.
    """
    give_up = time.monotonic() + database.timeout_s
    while True:
        try:
            database.alone("PRAGMA journal_mode=WAL")
            return
        except LogLocked:
            if time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE_S)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the revisions that are missing, in the transaction of this connection."""
    # alembic takes 0.2 s to import and is needed once in the life of a log
    try:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory
    except ModuleNotFoundError as error:
        raise MissingExtra("alembic", "log") from error
    scripts = ScriptDirectory(str(MIGRATIONS))
    environment = EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs(to, revision)
    )
    with _one_at_a_time, environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        environment.run_migrations()


def _is_current(connection: Connection, database: Database) -> bool:
    tables = inspect(connection)
    if not tables.has_table(VERSION_TABLE):
        if database.is_sqlite and tables.get_table_names():
            raise LogUnavailable(
                f"{database.name} holds the tables of something else. Choose a path of its own for the log.",
                about=database.name,
            )
        return False
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if found is not None and found > SCHEMA:
        raise LogTooNew(
            f"The log {database.name} has the schema {found}; this tierwise knows schemas up to {SCHEMA}. "
            "Upgrade tierwise here: pip install --upgrade tierwise",
            about=found,
        )
    return found == SCHEMA


def _nothing_there(database: Database) -> LogUnavailable:
    return LogUnavailable(
        f"There is no log at {database.name}. Is the url right? "
        "`tierwise log import` makes a new one, and so does OutcomeLog(url).",
        about=database.name,
    )
