"""A verdict: written in a transaction that the caller holds, and which one counts. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, false, insert, select, update

from ...classifier.errors import NotInLog
from ._outcome import Outcome
from ._schema import decisions, outcomes
from ._states import LOCK_DECISION, STATES_OF_DECISION
from ._times import from_us
from ._verdicts import standing
from .database._statement import Statement, Transaction

_OUTCOME = ("outcome_id", "verdict", "basis", "at_us", "recorded_at_us", "note", "is_effective")
_FIND = Statement(
    select(
        decisions.c.task_type, decisions.c.tier, decisions.c.mode, *(outcomes.c[name] for name in _OUTCOME)
    )
    .select_from(decisions.outerjoin(outcomes))
    .where(decisions.c.decision_id == bindparam("id"))
    .order_by(outcomes.c.outcome_id)
)
_ADD_OUTCOME = Statement(
    insert(outcomes).inline(),
    columns=[column.name for column in outcomes.columns if column.name != "outcome_id"],
)
_STAND_DOWN = Statement(
    update(outcomes).where(outcomes.c.outcome_id == bindparam("id")).values(is_effective=false())
)


class Found(NamedTuple):
    """A verdict of a decision; all of it None where there is none."""

    task_type: str | None
    tier: str
    mode: str | None
    outcome_id: int
    verdict: str
    basis: str
    at_us: int
    recorded_at_us: int
    note: str | None
    is_effective: bool


class Verdict(NamedTuple):
    """What is to be recorded; `at_us` None means now, and then a repetition is known by its words."""

    verdict: str
    basis: str
    at_us: int | None
    note: str | None


class Known(NamedTuple):
    """What the log knew of a decision before a verdict. states : of its type; see `TypeStates`."""

    verdicts: list[Found]
    states: list[Any] | None


def known_of(transaction: Transaction, decision_id: str) -> Known:
    """After waiting for other verdicts of this decision and type. Raises NotInLog for an unknown id."""
    asked = {"id": decision_id}
    reading = ((_FIND, asked), (STATES_OF_DECISION, asked))
    if transaction.is_sqlite:  # it has one writer at a time
        found, states = transaction.ask(*reading)
    else:  # statements of their own: what the lock returned would be as it was before the wait
        _, found, states = transaction.ask((LOCK_DECISION, asked), *reading)
    if not found:
        raise NotInLog(
            f"The log holds no decision with the id {decision_id!r}. Log the decision first, or give the "
            "decision itself in place of its id. (Was it forgotten, or is this another log?)",
            about=decision_id,
        )
    return Known([Found(*row) for row in found], states)


def known_of_new(values: Mapping[str, Any]) -> Known:
    """The same of a decision whose row this transaction has added, where no other can write meanwhile."""
    of_decision = (values[name] for name in Found._fields[:3])
    return Known([Found(*of_decision, *[None] * len(_OUTCOME))], None)


def add_outcome(
    transaction: Transaction, decision_id: str, before: Known, new: Verdict, now_us: int
) -> Outcome:
    """Record a verdict and settle which one counts. before : as `known_of` found it in this transaction."""
    decision = before.verdicts[0]
    repeated = _repeated(before.verdicts, new)
    if repeated is not None:
        return _outcome(decision_id, repeated)
    at_us = now_us if new.at_us is None else new.at_us
    counting = next((each for each in before.verdicts if each.is_effective), None)
    counts = counting is None or (
        # an id that is greater than all before it
        standing(new.basis, at_us, counting.outcome_id + 1)
        > standing(counting.basis, counting.at_us, counting.outcome_id)
    )
    replaced = counting if counts else None
    if replaced is not None:
        transaction.later(_STAND_DOWN, {"id": replaced.outcome_id})
    tier = tier_that_worked(decision.tier, decision.mode)
    values = {
        "decision_id": decision_id,
        "task_type": decision.task_type,
        "tier": tier,
        "verdict": new.verdict,
        "basis": new.basis,
        "at_us": at_us,
        "recorded_at_us": now_us,
        "note": new.note,
        "is_effective": counts,
    }
    transaction.later(_ADD_OUTCOME, values)
    return Outcome(
        decision_id,
        decision.task_type,
        tier,
        new.verdict,
        new.basis,
        from_us(at_us),
        from_us(now_us),
        new.note,
        is_effective=counts,
        is_new=True,
        replaced=None if replaced is None else replaced.verdict,
        replaced_at=None if replaced is None else from_us(replaced.at_us),
    )


def tier_that_worked(tier: str, mode: str | None) -> str | None:
    """None where a plain program did the step: its outcomes say nothing about a tier."""
    return None if mode == "none" else tier


def _repeated(known: list[Found], new: Verdict) -> Found | None:
    """The verdict in the log that this one repeats.

    With a time: the same words at the same time. Without: the same words as the latest of its basis,
    so that a call repeated after a lost connection writes nothing.
    """
    same_basis = [each for each in known if each.basis == new.basis]
    if new.at_us is None:
        same_basis = sorted(same_basis, key=lambda each: (each.at_us, each.outcome_id))[-1:]
    for each in same_basis:
        if each.verdict == new.verdict and new.at_us in (None, each.at_us):
            return each
    return None


def _outcome(decision_id: str, known: Found) -> Outcome:
    return Outcome(
        decision_id,
        known.task_type,
        tier_that_worked(known.tier, known.mode),
        known.verdict,
        known.basis,
        from_us(known.at_us),
        from_us(known.recorded_at_us),
        known.note,
        is_effective=bool(known.is_effective),
        is_new=False,
    )
