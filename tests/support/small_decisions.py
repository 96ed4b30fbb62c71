"""Decisions with ids that tests choose, and a clock that they set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tierwise import Decision, Ladder, Policy, predict_tier

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXT = "Write a teaser for the post about our old bakery, 155 characters at most"
PRICED = Policy(correction_minutes=6, hourly_rate_usd=80, correction_minutes_by_type={"meta": 1})
# facts of tasks (and `text`, `history`, `policy`) that every rule of a decision speaks about
EVERY_KIND = [
    {},
    {"items": 240, "verifiable": True},
    {"live": True, "consequential": True},
    {"role": "orchestrator"},
    {"attempts": ("haiku", "sonnet")},
    {"pin": "haiku", "live": True},
    {"deterministic": True},
    {"text": "curl -s https://example.org/feed"},
    {"text": "?"},
    {"text": "x " * 20_000, "context_used": 190_000, "context_window": 200_000},
    {"input_tokens": 900_000, "output_tokens": 2_000},
    {"history": {"haiku": (3, 9), "sonnet": (5, 0)}},
    {"policy": PRICED, "verifiable": True},
    {"policy": PRICED, "verifiable": True, "attempts": ["haiku"]},
    {"policy": Policy(max_under_tier=0.02)},
    {"policy": Policy(ladder=Ladder.load(enable=["fable"])), "floor": "fable"},
    {
        "policy": Policy(ladder=Ladder.load(enable=["fable"]), correction_minutes=6, hourly_rate_usd=80),
        "verifiable": True,
    },
]


def decided(decision_id: str, *, task_type: str | None = "meta", text: str = TEXT, **facts) -> Decision:
    decision = predict_tier(text, task_type=task_type, **facts)
    return Decision(decision.task, decision.evidence, decision_id)


class SetClock:
    """The time is what was set last."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
