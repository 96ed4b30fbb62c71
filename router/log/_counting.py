"""Verdicts that count: all, of one type, or as they stood at an earlier moment."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, FromClause, Select, and_, bindparam, func, select

from ._schema import outcomes
from ._verdicts import CLEAN, NOT_CLEAN, standing_sql

_COLUMNS = (
    "outcome_id",
    "decision_id",
    "task_type",
    "tier",
    "verdict",
    "basis",
    "at_us",
    "recorded_at_us",
    "note",
)


@cache  # building a query takes longer than SQLite takes to answer it
def effective(*, of_type: bool = False, as_of: bool = False) -> FromClause:
    """The verdict that counts of each decision, as a subquery.

    of_type : of one type only, the parameter `task_type`.
    as_of : as it stood at the parameter `as_of_us`: what was recorded later is not there yet, whatever
        time it speaks of.
    """
    wanted = select(*(outcomes.c[name] for name in _COLUMNS))
    if of_type:
        wanted = wanted.where(outcomes.c.task_type == bindparam("task_type"))
    if not as_of:
        return wanted.where(outcomes.c.is_effective).subquery("counting")
    place = func.row_number().over(partition_by=outcomes.c.decision_id, order_by=standing_sql())
    known = wanted.add_columns(place.label("place")).where(outcomes.c.recorded_at_us <= bindparam("as_of_us"))
    ranked = known.subquery("known")
    return select(*(ranked.c[name] for name in _COLUMNS)).where(ranked.c.place == 1).subquery("counting")


@cache
def _history(as_of: bool) -> Select[str, str, int]:
    counting = effective(of_type=True, as_of=as_of)
    said_something = counting.c.verdict.in_((CLEAN, *NOT_CLEAN))
    return (
        select(counting.c.tier, counting.c.verdict, func.count())
        .where(and_(counting.c.tier.is_not(None), said_something))
        .group_by(counting.c.tier, counting.c.verdict)
        .order_by(counting.c.tier)
    )


def history_counts(
    connection: Connection, task_type: str, as_of_us: int | None
) -> dict[str, tuple[int, int]]:
    """Tier -> (clean, not clean)."""
    asked = {"task_type": task_type, "as_of_us": as_of_us}
    query = _history(as_of_us is not None)
    counts: dict[str, tuple[int, int]] = {}
    for tier, verdict, n in connection.execute(query, asked):
        clean, unclean = counts.get(tier, (0, 0))
        counts[tier] = (clean + n, unclean) if verdict == CLEAN else (clean, unclean + n)
    return counts
