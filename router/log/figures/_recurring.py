"""Task types as the log knows them, bounded: what is asked of a million rows must not read them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, or_, select, union_all

from ....classifier.errors import ArtifactMissing
from ....classifier.model import TierModel
from ..._champion import champion
from ..._placing import CAPABILITY
from ...movements import WORTH_USD_PER_MONTH, Judged, Movements, Recurring, Work, movements
from ...policy import Policy
from .._replay import task_of
from .._schema import decisions, outcomes
from .._times import from_us
from .._verdicts import CLEAN, NOT_CLEAN
from ..files._read import with_progress
from ..outcome_log import OutcomeLog
from ._kinds import Kind, kinds
from ._tally import Tally, tally

MOST_TYPES = 200
MOST_OUTCOMES = 100  # per tier, whose texts are read; older ones are counted
LEAST_OUTCOMES = 10  # per tier, where a log has many types
MOST_READ = 6_000  # outcomes in all
MOST_LATEST = 40
DAYS_PER_MONTH = 30.4
_LEAST_DAYS = 7.0  # the first days of a type say little about its months
_NO_PROBE = 0.5  # propensity of what the policy would rather do


def movements_of(
    log: OutcomeLog,
    *,
    model: TierModel | None = None,
    policy: Policy | None = None,
    baseline: str | None = None,
    worth_usd: float = WORTH_USD_PER_MONTH,
    most_types: int = MOST_TYPES,
    counted: Tally | None = None,
    progress: bool = False,
) -> Movements:
    """Which types of a log should move, and what that would save; see `Movement`.

        for each in movements_of(log, baseline="sonnet").of("down"):
            print(each.task_type, each.now, each.to, each.probability, each.saves_usd_per_1000)

    Looked at: the types with most verdicts, of each all outcomes and the newest 40 tasks (no retries, no
    probes). Texts take long to read: those of the newest 100 outcomes per tier are (fewer, but 10 at least,
    where that would be more than 6,000 in all), older ones count as if their texts were like these.
    A type's volume: its decisions since its first verdict, over seven days at least.

    model : default: the champion. baseline : default: the production tier.
    counted : the log's counts, where the caller has them already.

    Raises ArtifactMissing where there is no model, LadderMismatch where it belongs to another ladder.
    """
    found = champion() if model is None else model
    if isinstance(found, str):
        raise ArtifactMissing(f"Without a model nothing can be said of types: {found}")
    with log._database.read() as connection:
        known = kinds(tally(connection) if counted is None else counted)
        shown = known[:most_types]
        return movements(
            _recurring(connection, with_progress(shown, "types", progress), found, _most_outcomes(shown)),
            model=found,
            policy=policy,
            baseline=baseline,
            worth_usd=worth_usd,
            n_left_out=len(known) - len(shown),
        )


def _most_outcomes(shown: Sequence[Kind]) -> int:
    """Per type and tier: texts take long to read, so of many types fewer each."""
    n_tiers = sum(len(kind.outcomes) for kind in shown)
    return min(max(MOST_READ // max(n_tiers, 1), LEAST_OUTCOMES), MOST_OUTCOMES)


def _recurring(
    connection: Connection, shown: Iterable[Kind], model: TierModel, most_outcomes: int
) -> Iterator[Recurring]:
    for kind in shown:
        told = [
            row
            for tier in kind.outcomes
            for row in connection.execute(
                _outcomes(), {"task_type": kind.task_type, "tier": tier, "most": most_outcomes}
            )
        ]
        works = {row.decision_id: _work(row, model) for row in told}
        judged = [
            Judged(_judged(row, works[row.decision_id], model), row.verdict, row.basis, from_us(row.at_us))
            for row in told
        ]
        latest = connection.execute(_latest(), {"task_type": kind.task_type}).scalars().all()
        unknown = [decision_id for decision_id in latest if decision_id not in works]  # nobody judged them
        works |= {
            row.decision_id: _work(row, model) for row in connection.execute(_decided(), {"ids": unknown})
        }
        firsts = tuple(works[each] for each in latest if not works[each].task.attempts)
        per_month = kind.n_decisions / max(kind.days, _LEAST_DAYS) * DAYS_PER_MONTH
        yield Recurring(kind.task_type, firsts, tuple(judged), per_month, _unread(kind, judged))


def _unread(kind: Kind, judged: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Of its outcomes those that are not among these, by tier."""
    read = Counter((each.work.tier, CAPABILITY[each.verdict]) for each in judged)
    left = {
        tier: (clean - read[tier, True], unclean - read[tier, False])
        for tier, (clean, unclean) in kind.outcomes.items()
    }
    return {tier: counts for tier, counts in left.items() if any(counts)}


def _work(row: Any, model: TierModel) -> Work:
    kept = _mass(row, model) if row.specification is None else None
    return Work(task_of(row._mapping, row.details or {}), row.tier, kept)


def _judged(row: Any, work: Work, model: TierModel) -> Work:
    """Where this very model decided, what it read in the text stands in the row: texts are slow to read."""
    if row.model_version != model.version or model.manifest.get("correction") is not None:
        return work
    return work._replace(text=_mass(row, model))


def _mass(row: Any, model: TierModel) -> tuple[float, ...] | None:
    """P(needed tier) by the text, as the decision had it; None where it was not by a model of these tiers."""
    beliefs = (row.details or {}).get("beliefs") or {}
    if beliefs.get("tiers") != list(model.tiers) or not beliefs.get("text"):
        return None
    return tuple(beliefs["text"])


_NAMES = ("decision_id", "task_type", "tier", "mode", "model_version", "specification", "facts", "details")
_TASK = tuple(decisions.c[n] for n in _NAMES)


@cache
def _outcomes() -> Select[Any]:
    """The newest of a type and tier; ids first, so that only their rows are read."""
    newest = union_all(*(select(_newest(verdict).subquery()) for verdict in (CLEAN, *NOT_CLEAN))).subquery()
    ids = (
        select(newest.c.outcome_id)
        .order_by(newest.c.at_us.desc(), newest.c.outcome_id.desc())
        .limit(bindparam("most"))
    )
    return (
        select(outcomes.c.verdict, outcomes.c.basis, outcomes.c.at_us, *_TASK)
        .join(decisions, decisions.c.decision_id == outcomes.c.decision_id)
        .where(outcomes.c.outcome_id.in_(ids))
        .order_by(outcomes.c.at_us, outcomes.c.outcome_id)
    )


def _newest(verdict: str) -> Select[Any]:
    """Of one verdict they stand in the index in this order: the rest of a type is not looked at."""
    return (
        select(outcomes.c.outcome_id, outcomes.c.at_us)
        .where(outcomes.c.task_type == bindparam("task_type"), outcomes.c.tier == bindparam("tier"))
        .where(outcomes.c.is_effective, outcomes.c.verdict == verdict)
        .order_by(outcomes.c.at_us.desc(), outcomes.c.outcome_id.desc())
        .limit(bindparam("most"))
    )


@cache
def _latest() -> Select[Any]:
    """Ids of the newest first attempts, judged or not; a probe was not where the type is."""
    return (
        select(decisions.c.decision_id)
        .where(decisions.c.task_type == bindparam("task_type"), decisions.c.follows.is_(None))
        .where(or_(decisions.c.mode.is_(None), decisions.c.mode != "none"))
        .where(or_(decisions.c.propensity.is_(None), decisions.c.propensity >= _NO_PROBE))
        .order_by(decisions.c.decided_at_us.desc(), decisions.c.decision_id)
        .limit(MOST_LATEST)
    )


@cache
def _decided() -> Select[Any]:
    return select(*_TASK).where(decisions.c.decision_id.in_(bindparam("ids", expanding=True)))
