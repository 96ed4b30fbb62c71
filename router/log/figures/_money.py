"""What decisions were expected to cost, added up in the database: per day, type, tier and policy.

Sums are of tokens alone: what a policy put on top for corrections is taken off again, so that a viewer can
put any price on them. Decisions that came from a file without what led to them have no costs; they are
counted in `n`, not in `n_priced`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, func, null, or_, select

from .._policy_body import policy_from
from .._schema import decisions, policies
from .._times import from_us

US_PER_DAY = 86_400_000_000


class Spent(NamedTuple):
    """Decisions of one day, type, tier and kind.

    is_retry : they answer a failed attempt, which a better tier would have spared.
    usd : tier -> USD for tokens had it done them all; a tier that these decisions did not know has none.
    misses : tier -> how many it would not have passed, where a model said so.
    """

    day: date
    task_type: str | None
    tier: str
    is_retry: bool
    n: int
    n_priced: int
    usd: dict[str, float]
    misses: dict[str, float]


def spending(connection: Connection, tiers: Sequence[str]) -> list[Spent]:
    """All decisions that needed a model, oldest first; `tiers` are those that costs are wanted of."""
    prices: dict[str, Any] = {
        row.fingerprint: policy_from(row.body)[0] for row in connection.execute(select(policies))
    }
    found = []
    for row in connection.execute(_sums(tiers)):
        policy = prices.get(row.policy_fingerprint)
        price = (policy.correction_cost_usd(row.task_type) if policy is not None else None) or 0.0
        values = row._mapping
        misses, usd = {}, {}
        for i, tier in enumerate(tiers):
            if values[f"pass_{i}"] is not None:
                misses[tier] = row.n_told - values[f"pass_{i}"]
            if values[f"usd_{i}"] is not None:
                usd[tier] = values[f"usd_{i}"] - price * misses.get(tier, 0.0)
        day = from_us(row.day * US_PER_DAY).date()
        found.append(
            Spent(day, row.task_type, row.tier, bool(row.is_retry), row.n, row.n_priced, usd, misses)
        )
    return found


def _sums(tiers: Sequence[str]) -> Select[Any]:
    day = (decisions.c.decided_at_us // US_PER_DAY).label("day")
    is_retry = case((decisions.c.follows.is_not(None), 1), else_=0).label("is_retry")
    costs = [decisions.c.details["expected_cost_usd", tier].as_float() for tier in tiers]
    passes = [decisions.c.details["pass_probabilities", tier].as_float() for tier in tiers]
    key = (day, decisions.c.task_type, decisions.c.tier, is_retry, decisions.c.policy_fingerprint)
    sums = [func.sum(each).label(f"usd_{i}") for i, each in enumerate(costs)]
    sums += [func.sum(each).label(f"pass_{i}") for i, each in enumerate(passes)]
    counts = [_with_any(costs).label("n_priced"), _with_any(passes).label("n_told")]
    return (
        select(*key, func.count().label("n"), *counts, *sums)
        .where(or_(decisions.c.mode.is_(None), decisions.c.mode != "none"))
        .group_by(*key)
        .order_by(day)
    )


def _with_any(values: Sequence[ColumnElement[Any]]) -> ColumnElement[int]:
    """How many rows have one: which tiers they know is up to the ladder of their time."""
    return func.count(func.coalesce(*values, null()))
