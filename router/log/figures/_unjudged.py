"""Decisions that nobody has judged yet, the unsure first: a verdict teaches most where least was known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, exists, func, or_, select

from ... import reasons
from .._schema import decisions, outcomes
from .._times import from_us

MOST_UNJUDGED = 500
_RULES = [code for code in reasons.MEANING if code.startswith(("floor", "limit"))]
_RULES += [reasons.PIN, reasons.CEILING, reasons.CONSEQUENTIAL]


class Unjudged(NamedTuple):
    """How many there are, and the ids of those to look at first."""

    n: int
    first: tuple[str, ...]


class Work(NamedTuple):
    """A decision as a person who judges the work needs it. specification : None where it was not kept."""

    decision_id: str
    task_type: str | None
    tier: str
    mode: str | None
    reason: str | None
    confidence: float | None
    decided_at: datetime
    specification: str | None
    facts: dict[str, Any]


def unjudged(connection: Connection, *, most: int = MOST_UNJUDGED) -> Unjudged:
    """Steps that needed no model wait for nothing."""
    n = connection.execute(select(func.count()).select_from(decisions).where(*_waits())).scalar_one()
    sure_of_it = func.coalesce(decisions.c.confidence, 0.0)
    unsure = case((decisions.c.reason.in_(_RULES), 1.0), else_=sure_of_it)  # a rule asks no probability
    order = (unsure, decisions.c.decided_at_us.desc(), decisions.c.decision_id)
    first = select(decisions.c.decision_id).where(*_waits()).order_by(*order).limit(most)
    return Unjudged(n, tuple(connection.execute(first).scalars()))


def still_unjudged(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Those of these ids that still wait, in their order."""
    wanted = select(decisions.c.decision_id).where(decisions.c.decision_id.in_(ids), *_waits())
    found = set(connection.execute(wanted).scalars())
    return [each for each in ids if each in found]


def work_of(connection: Connection, decision_id: str) -> Work | None:
    columns = [decisions.c[n] for n in Work._fields if n != "decided_at"]
    wanted = select(*columns, decisions.c.decided_at_us).where(decisions.c.decision_id == decision_id)
    row = connection.execute(wanted).first()
    if row is None:
        return None
    values = row._asdict()
    return Work(decided_at=from_us(values.pop("decided_at_us")), **values)


def _waits() -> tuple[ColumnElement[bool], ...]:
    judged = exists().where(outcomes.c.decision_id == decisions.c.decision_id, outcomes.c.is_effective)
    return ~judged, or_(decisions.c.mode.is_(None), decisions.c.mode != "none")
