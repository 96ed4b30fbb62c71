"""Many decisions in one transaction: what a service writes aside, while others are being made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...classifier.model import TierModel
from ...classifier.posterior import Posterior
from ._recorder import Waiting
from ._statement import to_json
from ._write import add_decisions
from .outcome_log import OutcomeLog


def record_group(
    log: OutcomeLog, group: Sequence[Waiting], *, wait_s: float, dumps: Callable[[Any], str] = to_json
) -> None:
    """All of them or none. Those that are there already change nothing.

    dumps : writes JSON, compact and not only in ASCII.

    Raises DecisionConflict where an id belongs to another decision, LogUnavailable and its kinds.
    """
    _work_out(group)
    now = log._now()
    rows = [log._row(each.decision, each.at, each.follows, now) for each in group]
    with log._database.write(wait_s=wait_s) as connection:
        add_decisions(connection, rows, log._policies, dumps)
    log._policies.update(row.values["policy_fingerprint"] for row in rows)


def _work_out(group: Sequence[Waiting]) -> None:
    """What the rows say beyond the decisions, for all of a model at once."""
    by_model: dict[str, tuple[TierModel, list[Posterior]]] = {}
    for each in group:
        model, posterior = each.decision.evidence.model, each.decision.evidence.posterior
        if model is not None and posterior is not None:
            by_model.setdefault(model.fingerprint, (model, []))[1].append(posterior)
    for model, posteriors in by_model.values():
        model.work_out(posteriors)
