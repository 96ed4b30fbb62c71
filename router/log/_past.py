"""A decision as the log remembers it: made again from its row, so that it can explain itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ...classifier.errors import NotInLog
from ..decision import Decision, Evidence
from ._outcome import Outcome
from ._policy_body import policy_from
from ._replay import beliefs_of, choice_of, replayed, task_of
from ._schema import decisions, outcomes, policies
from ._times import from_us
from .outcome_log import OutcomeLog


@dataclass(frozen=True)
class Past:
    """row : its columns. decision : None where the row came from a file and says only what was done.

    same : the row's inputs still lead to what was decided. verdicts : all, oldest first.
    retries : ids of decisions that answered its failure.
    """

    row: Mapping[str, Any]
    decision: Decision | None
    same: bool
    verdicts: tuple[Outcome, ...]
    retries: tuple[str, ...]


def past_decision(log: OutcomeLog, decision_id: str) -> Past:
    """Raises NotInLog."""
    database = log._database
    with database.brief(database.timeout_s), database.read() as connection:
        found = connection.execute(select(decisions).where(decisions.c.decision_id == decision_id)).first()
        if found is None:
            raise NotInLog(f"The log holds no decision with the id {decision_id!r}.", about=decision_id)
        row = found._asdict()
        body = connection.execute(
            select(policies.c.body).where(policies.c.fingerprint == found.policy_fingerprint)
        ).scalar()
        said = connection.execute(
            select(outcomes)
            .where(outcomes.c.decision_id == decision_id)
            .order_by(outcomes.c.at_us, outcomes.c.outcome_id)
        ).all()
        retries: tuple[str, ...] = ()
        if row["task_type"] is not None:  # its index spares reading the whole log
            follows = select(decisions.c.decision_id).where(
                decisions.c.task_type == row["task_type"], decisions.c.follows == decision_id
            )
            retries = tuple(connection.execute(follows).scalars())
    decision, same = None, False
    if row["details"] is not None and body is not None:
        decision, same = _again(row, body), replayed(row, body).same
    return Past(row, decision, same, tuple(_outcome(each) for each in said), retries)


def _again(row: Mapping[str, Any], body: Mapping[str, Any]) -> Decision:
    policy, ladder = policy_from(body)
    details = row["details"]
    task, beliefs = task_of(row, details), beliefs_of(details, ladder)
    choice = choice_of(row, policy, ladder)
    if row["propensity"] is not None:
        choice = choice._replace(propensity=row["propensity"])
    trouble = "it could not be loaded then." if details["unavailable"] else None
    evidence = Evidence(policy, ladder, beliefs, choice, None, None, trouble, details["versions"])
    return Decision(task, evidence, row["decision_id"])


def _outcome(row: Any) -> Outcome:
    return Outcome(
        row.decision_id,
        row.task_type,
        row.tier,
        row.verdict,
        row.basis,
        from_us(row.at_us),
        from_us(row.recorded_at_us),
        row.note,
        bool(row.is_effective),
        False,
    )
