"""What one write costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tierwise import Decision, OutcomeLog

from ._rows import decisions as made
from ._timing import quantiles, seconds


def one_write(url: str) -> dict[str, Any]:
    """Microseconds of a decision, of an outcome, of a history; without and with waiting for the disk."""
    found: dict[str, Any] = {}
    for durable in (False, True):
        decisions = made(2_000)
        with OutcomeLog(url, durable=durable) as log:
            parts: dict[str, Callable[[Decision], object]] = {
                "decision": log.record_decision,
                "outcome": lambda d, log=log: log.record_outcome(d.decision_id, "clean"),
                "history": lambda d, log=log: log.history(d.task.task_type),
            }
            found["durable" if durable else "default"] = {
                name: quantiles(seconds(part, decision) for decision in decisions)
                for name, part in parts.items()
            }
    return found
