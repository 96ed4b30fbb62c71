"""Many decisions in one transaction: what a service writes aside, while others are being made."""

from __future__ import annotations

from collections.abc import Sequence

from ._recorder import Waiting
from ._write import add_decision
from .outcome_log import OutcomeLog


def record_group(log: OutcomeLog, group: Sequence[Waiting], *, wait_s: float) -> None:
    """All of them or none. Those that are there already change nothing.

    Raises DecisionConflict where an id belongs to another decision, LogUnavailable and its kinds.
    """
    now = log._now()
    rows = [log._row(each.decision, each.at, each.follows, now) for each in group]
    with log._database.write(wait_s=wait_s) as connection:
        known = set(log._policies)
        for row in rows:
            add_decision(connection, row, known)
            known.add(row.values["policy_fingerprint"])
    log._policies.update(known)
