"""What a pipeline will do and cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..ladder.tier import Tier


@dataclass(frozen=True)
class PlannedStep:
    """One step, for all articles. USD are of tokens alone, and of all articles together.

    tier, model : None where no model is needed. mode : "sync", "batch" or "none".
    plan : tiers to try in order; the next one where the step's check fails.
    reason, reasons : the decisive code, and every rule that spoke; see docs/reasons.md.
    input_tokens, output_tokens, cached_tokens : of one article.
    input_from, output_from : "fact" (the step says so), "log" (typical of the type), "counted" (a quarter of
        the characters, and the outputs that the template uses), "default" (`Policy.default_output_tokens`).
    cost_usd : each article once, on `tier`.
    with_retries_usd : likewise, with the tiers after it in `plan` where the check is expected to fail: at
        once and at the full price, also after a batch.
    cost_usd_on : tier -> USD had it done the step, in the same mode.
    latency_ms : of one article, in sync mode; None in a batch and where the speed is unknown.
    batch_saves_usd : what the batch takes off `cost_usd`; 0 in other modes.
    batch_from_articles : the least number of articles at which the step would go in batch, where that is more
        than these; None where it is in batch, or would not be by their number alone.
    """

    name: str
    task_type: str
    tier: Tier | None
    model: str | None
    mode: str
    plan: tuple[Tier, ...]
    reason: str
    reasons: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    input_from: str
    output_from: str
    cost_usd: float
    with_retries_usd: float
    cost_usd_on: Mapping[str, float]
    latency_ms: float | None
    batch_saves_usd: float = 0.0
    batch_from_articles: int | None = None


@dataclass(frozen=True)
class PipelinePlan:
    """A pipeline before it runs; `print(plan)` shows it as a table.

    articles : how many go through it.
    cost_usd, with_retries_usd : sums of the steps'.
    baselines_usd : tier -> USD with this tier for every step that needs a model, each article once, in the
        same modes (what batches save isn't saved by routing); from the production tier upwards.
    batch_saves_usd : what batches take off `cost_usd`.
    latency_ms : of one article: the longest way through the steps, batches left out; None where a speed is
        unknown.
    assumptions : what the figures rest on, in words.
    """

    pipeline: str
    articles: int
    steps: tuple[PlannedStep, ...]
    cost_usd: float
    with_retries_usd: float
    baselines_usd: Mapping[str, float]
    batch_saves_usd: float
    latency_ms: float | None
    assumptions: tuple[str, ...]

    def __getitem__(self, name: str) -> PlannedStep:
        return next(step for step in self.steps if step.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, for JSON."""
        values = asdict(self)
        for step in values["steps"]:
            step["tier"] = None if step["tier"] is None else str(step["tier"])
            step["plan"] = [str(tier) for tier in step["plan"]]
            step["reasons"] = list(step["reasons"])
        return {**values, "steps": list(values["steps"]), "assumptions": list(self.assumptions)}

    def __str__(self) -> str:
        from ._table import table_of  # prose is needed by few plans

        return table_of(self)
