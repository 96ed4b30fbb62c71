"""What databases complain about, in the words of our own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from ....classifier.errors import LogError, LogFull, LogLocked, LogUnavailable

_LOCKED = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_FULL = ("53100",)  # disk_full
_FORBIDDEN = ("42501",)  # insufficient_privilege
_TOO_LARGE = ("54000",)  # program_limit_exceeded: an index of PostgreSQL takes some thousand bytes


@contextmanager
def translated(name: str, timeout_s: float) -> Iterator[None]:
    """Raise the errors of drivers as LogUnavailable and its kinds; everything else passes."""
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError) as error:
        if _sqlstate(error) in _FORBIDDEN:
            raise _unavailable(name, error, "Ask its owner for the right to read and write.") from error
        # a mistake of ours; not raised from the driver's error, which quotes the row
        raise LogError(f"The log {name} refused a row: {_first_line(error)}.", about=name) from None
    except exc.DBAPIError as error:
        if _sqlstate(error) in _TOO_LARGE:  # the log can be used, but not for this
            told = f"The log {name} refused a row: {_first_line(error)}. Is a task type as long as a text?"
            raise LogError(told, about=name) from None
        raise _as_ours(error, name, timeout_s) from error


def _as_ours(error: exc.DBAPIError, name: str, timeout_s: float) -> LogUnavailable:
    code, state = _sqlite_code(error), _sqlstate(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state in _LOCKED:
        return LogLocked(
            f"The log {name} was held by another writer for more than {timeout_s:g} s; nothing was "
            "written. Try again, or find what keeps a transaction open.",
            about=name,
        )
    if code == sqlite3.SQLITE_FULL or state in _FULL:
        return LogFull(
            f"No space left for the log {name}; nothing was written, and what it holds is intact. "
            "Make room on its disk, then try again. (`tierwise log expire` needs some room itself; what it "
            "frees goes to later writes of the log.)",
            about=name,
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return _unavailable(
            name, error, "Is this a log of tierwise? Restore it from a copy, or choose a new path."
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _unavailable(name, error, "Its folder must exist and be writable.")
    if code == sqlite3.SQLITE_IOERR:  # also what a full disk is, where a log is made or first opened
        return _unavailable(name, error, "Is its disk full, or failing? Make room, then try again.")
    return _unavailable(name, error, "Is it reachable, and is the url right?")


def _unavailable(name: str, error: exc.DBAPIError, todo: str) -> LogUnavailable:
    return LogUnavailable(f"The log {name} can't be used: {_first_line(error)}. {todo}", about=name)


def _first_line(error: exc.DBAPIError) -> str:
    """Without what PostgreSQL adds: its later lines quote rows."""
    return str(error.orig).strip().split("\n")[0].rstrip(".")


def _sqlite_code(error: exc.DBAPIError) -> int | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the low byte; the rest tells kinds apart


def _sqlstate(error: exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
