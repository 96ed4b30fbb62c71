"""Many decisions in one transaction, and what became of them: what is written while others are being made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...classifier.model import TierModel
from ...classifier.posterior import Posterior
from ._entries import Report, Waiting
from ._record import record_within
from ._statement import to_json
from ._write import add_decisions
from .outcome_log import OutcomeLog


def record_group(
    log: OutcomeLog,
    group: Sequence[Waiting],
    reports: Sequence[Report] = (),
    *,
    wait_s: float,
    dumps: Callable[[Any], str] = to_json,
    placing: Callable[[Sequence[Waiting]], object] = len,
) -> None:
    """All of them or none, in their order. Those that are there already change nothing.

    dumps : writes JSON, compact and not only in ASCII. placing : called before, when it is known where the
        texts are placed.

    Raises DecisionConflict where an id belongs to another decision, NotInLog for a report of none,
    LogUnavailable and its kinds.
    """
    if len(group) > 1:  # one works itself out as quickly
        work_out(group)
    placing(group)
    now = log._now()
    rows = [log._row(each.decision, each.at, each.follows, now) for each in group]
    new = {each.decision.decision_id for each in group} if reports else ()
    with log._database.transaction(wait_s=wait_s) as transaction:
        if rows:
            add_decisions(transaction, rows, log._policies, dumps)
        for report in reports:
            known = report.decision_id in new
            given = {"attempt": report.attempt, "attempted_at_us": report.at_us, "learn": report.learn}
            record_within(transaction, log, report.decision_id, report.said, is_known=known, **given)
    log._policies.update(row.values["policy_fingerprint"] for row in rows)


def work_out(group: Sequence[Waiting]) -> None:
    """What the rows say beyond the decisions, for all of a model at once."""
    by_model: dict[str, tuple[TierModel, list[Posterior]]] = {}
    for each in group:
        model, posterior = each.decision.evidence.model, each.decision.evidence.posterior
        if model is not None and posterior is not None:
            by_model.setdefault(model.fingerprint, (model, []))[1].append(posterior)
    for model, posteriors in by_model.values():
        model.work_out(posteriors)
