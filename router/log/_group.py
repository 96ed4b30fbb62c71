"""Many decisions in one transaction: what a service writes aside, while others are being made."""

from __future__ import annotations

from collections.abc import Sequence

from ._recorder import Waiting
from ._write import add_decisions
from .outcome_log import OutcomeLog


def record_group(log: OutcomeLog, group: Sequence[Waiting], *, wait_s: float) -> None:
    """All of them or none. Those that are there already change nothing.

    Raises DecisionConflict where an id belongs to another decision, LogUnavailable and its kinds.
    """
    now = log._now()
    rows = [log._row(each.decision, each.at, each.follows, now) for each in group]
    with log._database.write(wait_s=wait_s) as connection:
        add_decisions(connection, rows, log._policies)
    log._policies.update(row.values["policy_fingerprint"] for row in rows)
