"""An outcome, an attempt, or both, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decision import Decision
from ._add_decision import add_decision
from ._add_outcome import Known, Verdict, add_outcome, known_of
from ._attempts import add_attempt, check_known
from ._checks import checked_id
from ._opened import OpenedLog
from ._outcome import Outcome
from ._states import Learn, TypeStates, keep_states
from ._times import to_us
from .database._statement import Transaction


def record(
    log: OpenedLog,
    decision_or_id: Decision | str,
    said: Verdict | None,
    *,
    attempt: Mapping[str, Any] | None = None,
    attempted_at_us: int | None = None,
    learn: Learn | None = None,
    wait_s: float | None = None,
) -> Outcome | None:
    """The outcome, where there is a verdict. A decision that was never logged is stored first.

    attempt : values of the columns of attempts; learn, wait_s : as of `OutcomeLog.record_outcome`.
    Raises NotInLog for an unknown id.
    """
    row = None
    if isinstance(decision_or_id, Decision):
        row, decision_id = log._row(decision_or_id, None, None, log._now()), decision_or_id.decision_id
    else:
        decision_id = checked_id(decision_or_id)
    given: dict[str, Any] = {"attempt": attempt, "attempted_at_us": attempted_at_us, "learn": learn}
    with log._database.transaction(wait_s=wait_s) as transaction:
        if row is not None:
            add_decision(transaction, row, log._policies)
        outcome = record_within(transaction, log, decision_id, said, is_known=row is not None, **given)
    if row is not None:
        log._policies.add(row.values["policy_fingerprint"])
    return outcome


def record_within(
    transaction: Transaction,
    log: OpenedLog,
    decision_id: str,
    said: Verdict | None,
    *,
    is_known: bool,
    known: Known | None = None,
    attempt: Mapping[str, Any] | None = None,
    attempted_at_us: int | None = None,
    learn: Learn | None = None,
) -> Outcome | None:
    """The same in a transaction that the caller holds.

    is_known : the decision is in the log by now. known : what is known of it, where that need not be read.
    """
    outcome = None
    if said is not None and known is None:
        known = known_of(transaction, decision_id)
    now_us = to_us(log._now())  # after waiting for other writers: the log's times rise with its rows
    if said is not None and known is not None:
        outcome = add_outcome(transaction, decision_id, known, said, now_us)
        if outcome.is_new and outcome.is_effective and outcome.task_type and outcome.tier:
            states = TypeStates(transaction, outcome.task_type, now_us, known.states)
            keep_states(states, outcome, learn)
    elif not is_known:
        check_known(transaction, decision_id)
    if attempt is not None:
        add_attempt(transaction, decision_id, attempt, attempted_at_us or now_us)
    return outcome
