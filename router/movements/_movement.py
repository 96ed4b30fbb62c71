"""What should become of a task type, and of all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Movement:
    """What should become of one type.

    direction : "down", "up"; "held": a rule keeps it where it is, though its outcomes say otherwise;
        "unsure": too little is known; "stay".
    now, to : tier of most of its latest tasks, and where most of those that would move go (held: would go,
        were there no rule); equal where none should.
    plan : tiers to try in order, from `to` on.
    rule : code of the pin, floor or other rule that holds or forces it, else None.
    probability : P(needed tier > now) where `to` lies above, else P(needed tier <= to); mean over its tasks.
    text_probability : the same by the text alone, of those whose text was read; None where none was.
    threshold : what `probability` had to reach; None where a price decided, or nothing moves.
    evidence : "outcomes"; "text" where no clean pass at `to`, or no correction at `now`, was seen.
    outcomes : tier -> (clean, not clean) that were counted in.
    n_tasks, n_down, n_up : latest tasks that were decided again, and how many of them would move.
    usd_per_1000, usd_per_1000_at : cost of its tasks as they would be decided now, and with one tier for all.
    saves_usd_per_1000 : against the tiers that did the work; negative where going up costs more.
    baseline_saves_usd_per_month : of the tiers decided now, against the baseline for all its tasks.
    pays : that is at least what a person's look at the type is worth.
    """

    task_type: str
    direction: str
    now: str
    to: str
    plan: tuple[str, ...]
    rule: str | None
    probability: float
    text_probability: float | None
    threshold: float | None
    evidence: str
    outcomes: dict[str, tuple[int, int]]
    n_tasks: int
    n_down: int
    n_up: int
    tasks_per_month: float
    usd_per_1000: float
    usd_per_1000_at: dict[str, float]
    saves_usd_per_1000: float
    baseline_saves_usd_per_month: float
    pays: bool

    @property
    def went_down(self) -> bool:
        """It stays, below where its text alone would have it: a demotion that its outcomes have earned."""
        by_text = self.text_probability
        return self.direction == "stay" and by_text is not None and by_text < 0.5 <= self.probability


@dataclass(frozen=True)
class Movements:
    """All types, those first that change most.

    baseline : tier against which savings per month are counted. worth_usd : below it a month, routing does
    not pay. priced : corrections have a price and are in all sums; else tokens only.
    n_left_out : types of less volume, not looked at.
    """

    types: tuple[Movement, ...]
    baseline: str
    worth_usd: float
    priced: bool
    n_left_out: int = 0

    @property
    def baseline_saves_usd_per_month(self) -> float:
        return self.saves_usd_per_month(self.baseline)

    @property
    def pays(self) -> bool:
        return self.baseline_saves_usd_per_month >= self.worth_usd

    def saves_usd_per_month(self, tier: str) -> float:
        """Against this tier for everything; negative where routing costs more."""
        return sum(
            (each.usd_per_1000_at[tier] - each.usd_per_1000) * each.tasks_per_month / 1000.0
            for each in self.types
        )

    def of(self, *directions: str) -> list[Movement]:
        return [each for each in self.types if each.direction in directions]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        sums = {"baseline_saves_usd_per_month": self.baseline_saves_usd_per_month, "pays": self.pays}
        return {**asdict(self), **sums, "types": [asdict(each) for each in self.types]}
