"""What became of each task of a job, and of all together. Frozen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ...ladder import Ladder
from .._result import USABLE, RunResult
from .._usage import Usage, usage_cost_usd
from ..batches._item import ItemResult

ERROR = "error"


@dataclass(frozen=True)
class TaskResult:
    """What became of one task of a job.

    number, key : its place among the tasks, and what the journal knows it by.
    status, stopped, text, tier, decision_id, attempts : as of `RunResult`; "error" where no answer came (the
        next run of the job tries it again), "no_model" where a program does it and nothing was called.
    cost_usd, latency_ms : of all its attempts, in all runs; nobody knows how long one in a batch took.
    would_cost_usd : what its answer's tokens cost at the production tier, and at the top, in the same mode.
    error, detail : kind and words of the error.
    was_in_flight : it was being run when an earlier process died, so an attempt may have been paid twice;
        what that one cost is not known and not in `cost_usd`.
    """

    number: int
    key: str
    status: str
    tier: str | None = None
    text: str = ""
    stopped: str | None = None
    decision_id: str | None = None
    error: str | None = None
    detail: str = ""
    would_cost_usd: dict[str, float] = field(default_factory=dict)
    cost_usd: float = 0.0
    latency_ms: float = 0.0
    attempts: tuple[dict[str, Any], ...] = ()
    cost_is_exact: bool = True
    was_in_flight: bool = False

    @property
    def mode(self) -> str | None:
        """Of its last attempt: "sync" or "batch"; None where nothing was asked."""
        return self.attempts[-1].get("mode", "sync") if self.attempts else None

    @property
    def is_usable(self) -> bool:
        """There is an answer, and no check said no."""
        return self.status in USABLE

    def replace(self, **values: Any) -> TaskResult:
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "attempts": list(self.attempts)}

    def said(self) -> dict[str, Any]:
        """What the journal keeps of it beside the attempts, which have lines of their own."""
        names = ("key", "status", "tier", "text", "stopped", "decision_id", "would_cost_usd")
        return {name: getattr(self, name) for name in names}


def of_run(number: int, key: str, result: RunResult) -> TaskResult:
    """What the router's run says; its attempts, costs and times are added from the journal."""
    would: dict[str, float] = {}
    if result.attempts:
        would = _would_cost_usd(result.attempts[-1].usage, result.decision.evidence.ladder, batch=False)
    return TaskResult(
        number,
        key,
        result.status,
        str(result.tier) if result.attempts else None,
        result.text,
        result.stopped,
        result.decision.decision_id,
        would_cost_usd=would,
    )


def of_item(number: int, key: str, item: ItemResult, ladder: Ladder, stopped: str | None) -> TaskResult:
    """What a batch says; as above."""
    return TaskResult(
        number,
        key,
        item.status,
        item.tier,
        item.text,
        stopped,
        item.decision_id,
        would_cost_usd=_would_cost_usd(item.usage, ladder, batch=True),
    )


def _would_cost_usd(usage: Usage, ladder: Ladder, *, batch: bool) -> dict[str, float]:
    """One request with these tokens, on the production tier and on the top."""
    rungs = {ladder.rungs[place] for place in (ladder.production, len(ladder.rungs) - 1)}
    ordered = sorted(rungs, key=ladder.rungs.index)
    return {rung.tier: usage_cost_usd(rung, usage, batch=batch) for rung in ordered}


@dataclass(frozen=True)
class RunSummary:
    """A job as it stands: all its tasks, by whichever run of it they were done.

    results : of the tasks that have one, in the order of the tasks; `n_tasks - len(results)` have none yet.
    by_status, by_tier, by_mode : counts. n_new : results of this run.
    cost_usd : of everything in the journal. would_cost_usd : the tokens of the answers, all on one tier.
    in_flight : keys of the tasks that an earlier run died in; see `TaskResult.was_in_flight`.
    stopped : why tasks are left: "budget" (the next one isn't affordable), "errors" (twenty in a row and no
        answer), or None.
    cut_bytes : of a half line that a crash had left at the journal's end.
    """

    n_tasks: int
    results: tuple[TaskResult, ...]
    n_new: int
    cost_usd: float
    in_flight: tuple[str, ...] = ()
    stopped: str | None = None
    cut_bytes: int = 0

    @property
    def n_left(self) -> int:
        """Tasks without a result, and those that ended in an error: the next run takes them up."""
        return self.n_tasks - sum(result.status != ERROR for result in self.results)

    @property
    def by_status(self) -> dict[str, int]:
        return dict(Counter(result.status for result in self.results))

    @property
    def by_tier(self) -> dict[str, int]:
        return dict(Counter(result.tier for result in self.results if result.tier is not None))

    @property
    def by_mode(self) -> dict[str, int]:
        return dict(Counter(result.mode for result in self.results if result.mode is not None))

    @property
    def would_cost_usd(self) -> dict[str, float]:
        return added(result.would_cost_usd for result in self.results)

    @property
    def saved_usd(self) -> dict[str, float]:
        """Against each tier for everything. Negative where routing cost more."""
        return {tier: usd - self.cost_usd for tier, usd in self.would_cost_usd.items()}

    @property
    def cost_is_exact(self) -> bool:
        """False where a request failed, or a process died, in a way that nobody knows the cost of."""
        return not self.in_flight and all(result.cost_is_exact for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; without the results."""
        return {
            "tasks": self.n_tasks,
            "left": self.n_left,
            "new": self.n_new,
            "by_status": self.by_status,
            "by_tier": self.by_tier,
            "by_mode": self.by_mode,
            "cost_usd": self.cost_usd,
            "cost_is_exact": self.cost_is_exact,
            "would_cost_usd": self.would_cost_usd,
            "saved_usd": self.saved_usd,
            "in_flight": list(self.in_flight),
            "stopped": self.stopped,
            "cut_bytes": self.cut_bytes,
        }


def added(costs: Iterable[dict[str, float]]) -> dict[str, float]:
    """Tier -> sum."""
    total: dict[str, float] = {}
    for each in costs:
        for tier, usd in each.items():
            total[tier] = total.get(tier, 0.0) + usd
    return total
