"""Attempts in the rows of an export, and back: a list in the first row of their decision."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Float, String, select
from sqlalchemy.dialects import postgresql, sqlite

from ....classifier.errors import InvalidOutcome
from .._checks import is_binary
from .._schema import attempts, decisions
from .._times import from_us
from ._stage import stage

_VALUES = [column for column in attempts.columns if column.name not in ("decision_id", "ended_at_us")]
_CHUNK = 2_000


def tried_of(connection: Connection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Decision id -> its attempts, in order."""
    query = (
        select(attempts)
        .where(attempts.c.decision_id.in_(ids))
        .order_by(attempts.c.decision_id, attempts.c.number)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        values = {column.name: row[column.name] for column in _VALUES if row[column.name] is not None}
        values["ended_at"] = from_us(row["ended_at_us"]).isoformat()
        found.setdefault(row["decision_id"], []).append(values)
    return found


def checked_tried(given: object, time_of: Callable[[str, object], int]) -> list[dict[str, Any]] | None:
    """As the stage keeps them. Raises InvalidOutcome for what no export has written."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise InvalidOutcome("tried must be a list of attempts, as an export writes it.", about="tried")
    return [_checked(each, time_of) for each in given]


def add_tried(connection: Connection) -> None:
    """From the stage into the log; an attempt that it holds stays as it is."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    add = dialect.insert(attempts).on_conflict_do_nothing()
    found = (
        select(stage.c.decision_id, stage.c.tried)
        .join(decisions, decisions.c.decision_id == stage.c.decision_id)
        .where(stage.c.tried.is_not(None))
        .order_by(stage.c.decision_id)
    )
    for chunk in connection.execute(found).partitions(_CHUNK):
        rows = [{**each, "decision_id": decision_id} for decision_id, tried in chunk for each in tried]
        if rows:
            connection.execute(add, rows)


def _checked(given: Mapping[str, Any], time_of: Callable[[str, object], int]) -> dict[str, Any]:
    known = {"ended_at", *(column.name for column in _VALUES)}
    for name in given:
        if name not in known:
            raise InvalidOutcome(f"tried has an unknown entry {name!r}.", about="tried")
    values = {column.name: _value(column, given.get(column.name)) for column in _VALUES}
    return {**values, "ended_at_us": time_of("ended_at", given.get("ended_at"))}


def _value(column: Any, value: Any) -> Any:
    kind: tuple[type, ...] = (int,)
    if isinstance(column.type, (Boolean, String)):
        kind = (bool,) if isinstance(column.type, Boolean) else (str,)
    elif isinstance(column.type, Float):
        kind = (int, float)
    fits = isinstance(value, kind) and (kind == (bool,) or not isinstance(value, bool))
    fits = fits and (not is_binary(value) if isinstance(value, str) else 0 <= value <= _most(column.type))
    if not fits and not (value is None and column.nullable):
        raise InvalidOutcome(f"tried: {column.name} can't be {value!r:.80}.", about="tried")
    return value


def _most(kind: Any) -> float:
    """What both databases can keep; no whole number becomes another one on the way."""
    if isinstance(kind, Float):
        return sys.float_info.max
    return 2**63 - 1 if isinstance(kind, BigInteger) else 2**31 - 1
