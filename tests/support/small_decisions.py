"""Decisions with ids that tests choose, and a clock that they set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tierwise import Decision, predict_tier

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXT = "Write a teaser for the post about our old bakery, 155 characters at most"


def decided(decision_id: str, *, task_type: str | None = "meta", text: str = TEXT, **facts) -> Decision:
    decision = predict_tier(text, task_type=task_type, **facts)
    return Decision(decision.task, decision.evidence, decision_id)


class SetClock:
    """The time is what was set last."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
