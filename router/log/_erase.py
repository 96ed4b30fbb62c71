"""Forgetting on request and by age. What is forgotten takes what was learned from it along."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from ...classifier.errors import InvalidOutcome, NotInLog, suggestion
from ._schema import decisions, outcomes
from ._states import drop_states, lock_types
from ._times import MICROSECOND
from .database._connections import Database
from .figures._counts import drop_counts

CHUNK = 2_000  # decisions a transaction, so that writers need not wait long
_log = logging.getLogger("tierwise")


def forget(database: Database, *, task_type: str | None, decision_id: str | None) -> int:
    """How many decisions were removed, with their outcomes and what was learned of their types."""
    if (task_type is None) == (decision_id is None):
        raise InvalidOutcome("forget one thing at a time: give task_type or decision_id.")
    which = (
        decisions.c.task_type == task_type if decision_id is None else decisions.c.decision_id == decision_id
    )
    with database.write() as connection:
        ids = _locked(connection, which, None)
        unknown = None if ids else _unknown(connection, database.name, task_type, decision_id)
        others = [] if decision_id is None else _of_same_task(connection, decision_id)
        if ids:
            _remove(connection, ids)
    if others:
        _log.warning(
            "The task of %s was tried more than once: the log still holds %s. Forget that too, if all of the "
            "task is to go.",
            decision_id,
            ", ".join(others),
        )
    _overwrite(database)
    if unknown is not None:
        raise unknown
    return len(ids)


def expire(database: Database, *, older_than: timedelta, now_us: int, text_only: bool) -> int:
    """How many decisions, made longer ago than this, were removed, or with `text_only` lost their texts."""
    if not isinstance(older_than, timedelta) or older_than < timedelta(0):
        raise InvalidOutcome(
            f"older_than must be a timedelta >= 0, such as timedelta(days=90); got {older_than!r}.",
            about="older_than",
        )
    which = decisions.c.decided_at_us < now_us - older_than // MICROSECOND
    if text_only:
        which &= decisions.c.text_stored == "full"
    total = 0
    while True:
        with database.write() as connection:
            ids = _locked(connection, which, CHUNK)
            if text_only:
                _remove_texts(connection, ids)
            else:
                _remove(connection, ids)
        total += len(ids)
        if len(ids) < CHUNK:
            break
    _overwrite(database)
    return total


def _locked(connection: Connection, which: ColumnElement[bool], limit: int | None) -> list[str]:
    """Ids, in an order that is the same for all, so that no two wait for each other."""
    query = select(decisions.c.decision_id).where(which).order_by(decisions.c.decision_id).limit(limit)
    return list(connection.execute(query.with_for_update()).scalars())


def _of_same_task(connection: Connection, decision_id: str) -> list[str]:
    """The attempt before this one, and those after it."""
    before = select(decisions.c.follows).where(decisions.c.decision_id == decision_id).scalar_subquery()
    near = or_(decisions.c.follows == decision_id, decisions.c.decision_id == before)
    query = select(decisions.c.decision_id).where(near).order_by(decisions.c.decision_id)
    return list(connection.execute(query).scalars())


def _remove(connection: Connection, ids: list[str]) -> None:
    types: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        some = decisions.c.decision_id.in_(ids[start : start + CHUNK])
        found = connection.execute(select(decisions.c.task_type).where(some).distinct()).scalars()
        types.update(task_type for task_type in found if task_type is not None)
    lock_types(connection, types)
    for start in range(0, len(ids), CHUNK):
        connection.execute(delete(decisions).where(decisions.c.decision_id.in_(ids[start : start + CHUNK])))
    drop_states(connection, types)
    drop_counts(connection)


def _remove_texts(connection: Connection, ids: list[str]) -> None:
    connection.execute(
        update(decisions)
        .where(decisions.c.decision_id.in_(ids))
        .values(specification=None, text_stored="none")
    )
    connection.execute(update(outcomes).where(outcomes.c.decision_id.in_(ids)).values(note=None))


def _overwrite(database: Database) -> None:
    """SQLite keeps old pages in its write-ahead log until they are copied; PostgreSQL until its vacuum.

    Also where nothing was found: an earlier call may have been kept from it by readers.
    """
    if not database.is_sqlite:
        return
    busy, *_ = database.alone("PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        _log.warning(
            "What was forgotten still stands in %s-wal, because others are reading; it goes with their "
            "next writes. To be sure now, close them and run it again: it finds nothing more, and empties "
            "that file.",
            database.url.database,
        )


def _unknown(connection: Connection, name: str, task_type: str | None, decision_id: str | None) -> NotInLog:
    if decision_id is not None:
        return NotInLog(f"The log {name} holds no decision with the id {decision_id!r}.", about=decision_id)
    known = select(decisions.c.task_type).where(decisions.c.task_type.is_not(None)).distinct()
    hint = suggestion(task_type, connection.execute(known).scalars())
    return NotInLog(f"The log {name} holds nothing of the type {task_type!r}{hint}", about=task_type)
