"""Whether the promise holds, as far as a log can tell: under-tiering as an interval, and reliability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Subquery, and_, case, cast, func, select

from .._schema import decisions, outcomes
from .._times import from_us
from .._verdicts import CLEAN, NOT_CLEAN
from ._money import US_PER_DAY
from ._stats import wilson

N_BINS = 10


class UnderTiering(NamedTuple):
    """Of `n_judged` first attempts.

    n_proved : not clean, and a retry higher up was, if only the last of several. n_possible : not clean
    below the top tier.
    """

    n_judged: int
    n_proved: int
    n_possible: int

    def interval(self, n_decisions: int) -> tuple[float, float] | None:
        """Between what is proved, were all else well, and what is possible, were all else as judged.

        Each end has its own 90 % interval. n_decisions : first attempts, judged or not.
        """
        low = wilson(self.n_proved, max(n_decisions, self.n_judged))
        high = wilson(self.n_possible, self.n_judged)
        return None if low is None or high is None else (low[0], high[1])


class Bin(NamedTuple):
    """Decisions of one tier whose predicted P(clean) lies close together."""

    tier: str
    predicted: float
    n: int
    n_clean: int


def under_tiering(connection: Connection, tiers: Sequence[str]) -> dict[date, UnderTiering]:
    """By the day of the decision. tiers : the ladder, lowest first."""
    day = (decisions.c.decided_at_us // US_PER_DAY).label("day")
    bad = outcomes.c.verdict.in_(NOT_CLEAN)
    rescued = _rescued(tiers)
    proved = and_(bad, rescued.c.rung > _rung(outcomes.c.tier, tiers))
    rows = connection.execute(
        select(
            day,
            func.count(),
            func.sum(case((proved, 1), else_=0)),
            func.sum(case((and_(bad, outcomes.c.tier != tiers[-1]), 1), else_=0)),
        )
        .join(decisions, decisions.c.decision_id == outcomes.c.decision_id)
        .outerjoin(rescued, rescued.c.decision_id == outcomes.c.decision_id)
        .where(outcomes.c.is_effective, outcomes.c.tier.in_(tiers))
        .where(outcomes.c.verdict.in_((CLEAN, *NOT_CLEAN)), decisions.c.follows.is_(None))
        .group_by(day)
    )
    return {
        from_us(at * US_PER_DAY).date(): UnderTiering(n, int(low), int(high)) for at, n, low, high in rows
    }


def _rescued(tiers: Sequence[str]) -> Subquery:
    """decision_id, and the highest rung of the retries behind it, near or far, that were clean."""
    told = and_(outcomes.c.decision_id == decisions.c.decision_id, outcomes.c.is_effective)
    clean = (
        select(decisions.c.follows.label("decision_id"), _rung(outcomes.c.tier, tiers).label("rung"))
        .join(outcomes, told)
        .where(outcomes.c.verdict == CLEAN, outcomes.c.tier.in_(tiers), decisions.c.follows.is_not(None))
        .cte("clean", recursive=True)
    )
    before = select(decisions.c.follows, clean.c.rung).join(
        clean, clean.c.decision_id == decisions.c.decision_id
    )
    behind = clean.union(
        before.where(decisions.c.follows.is_not(None))
    )  # no row twice: it ends in a ring too
    return (
        select(behind.c.decision_id, func.max(behind.c.rung).label("rung"))
        .group_by(behind.c.decision_id)
        .subquery()
    )


def _rung(tier: ColumnElement[str], tiers: Sequence[str]) -> ColumnElement[int]:
    return case(*((tier == name, rung) for rung, name in enumerate(tiers)))


def added(each: Iterable[UnderTiering]) -> UnderTiering:
    """All of these days together."""
    sums = [sum(column) for column in zip(*each, strict=True)] or [0, 0, 0]
    return UnderTiering(*sums)


def reliability(connection: Connection, tiers: Sequence[str], model_version: str | None) -> list[Bin]:
    """What was predicted for the tier that ran, against what became of it, by tenths; none is empty.

    model_version : of decisions by this model only.
    """
    passes = case(
        *(
            (decisions.c.tier == tier, decisions.c.details["pass_probabilities", tier].as_float())
            for tier in tiers
        )
    )
    judged = (
        select(outcomes.c.tier, passes.label("p"), outcomes.c.verdict)
        .join(decisions, decisions.c.decision_id == outcomes.c.decision_id)
        .where(outcomes.c.is_effective, outcomes.c.verdict.in_((CLEAN, *NOT_CLEAN)))
    )
    if model_version is not None:
        judged = judged.where(decisions.c.model_version == model_version)
    rows = judged.subquery("judged")
    tenth = cast(func.floor(rows.c.p * N_BINS * 0.999999), Integer)
    clean = func.sum(case((rows.c.verdict == CLEAN, 1), else_=0))
    wanted = (
        select(rows.c.tier, func.avg(rows.c.p), func.count(), clean)
        .where(rows.c.p.is_not(None))
        .group_by(rows.c.tier, tenth)
        .order_by(rows.c.tier, tenth)
    )
    return [Bin(tier, float(p), n, int(good)) for tier, p, n, good in connection.execute(wanted)]
