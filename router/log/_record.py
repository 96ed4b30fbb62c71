"""An outcome, an attempt, or both, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..decision import Decision
from ._attempts import add_attempt, check_known
from ._checks import checked_id
from ._outcome import Outcome
from ._states import Learn, keep_states
from ._times import to_us
from ._write import Verdict, add_decision, add_outcome

if TYPE_CHECKING:
    from .outcome_log import OutcomeLog


def record(
    log: OutcomeLog,
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
    outcome = None
    with log._database.write(wait_s=wait_s) as connection:
        if row is not None:
            add_decision(connection, row, log._policies)
        now_us = to_us(log._now())  # after waiting for other writers: the log's times rise with its rows
        if said is not None:
            outcome = add_outcome(connection, decision_id, said, now_us)
            if outcome.is_new and outcome.is_effective and outcome.task_type and outcome.tier:
                keep_states(connection, outcome, outcome.task_type, learn, now_us)
        elif row is None:
            check_known(connection, decision_id)
        if attempt is not None:
            add_attempt(connection, decision_id, attempt, attempted_at_us or now_us)
    if row is not None:
        log._policies.add(row.values["policy_fingerprint"])
    return outcome
