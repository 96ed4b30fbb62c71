"""What became of each article of a pipeline, and of all together. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._work import output_of

if TYPE_CHECKING:
    from ..run.jobs._result import RunSummary, TaskResult


@dataclass(frozen=True)
class ArticleResult:
    """One article.

    number, key : its place among the articles, and what the journal knows it by: its "id", if it has one.
    status : "done" (all steps), "failed" (a step ended in an error or without a usable answer, and what needs
        it was not begun), "left" (the run stopped before).
    outputs : step -> text, of the steps that are done. steps : step -> its result, as of `run_many`.
    failed_step : the first that failed.
    cost_usd : of all its steps, in all runs.
    """

    number: int
    key: str
    status: str
    outputs: Mapping[str, str]
    steps: Mapping[str, TaskResult]
    failed_step: str | None = None

    @property
    def is_done(self) -> bool:
        return self.status == "done"

    @property
    def cost_usd(self) -> float:
        return sum(result.cost_usd for result in self.steps.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "number": self.number,
            "key": self.key,
            "status": self.status,
            "failed_step": self.failed_step,
            "cost_usd": self.cost_usd,
            "outputs": dict(self.outputs),
            "steps": {name: _short(result) for name, result in self.steps.items()},
        }


@dataclass(frozen=True)
class PipelineRun:
    """A run as it stands, earlier runs with the same journal included.

    articles : all, in their order. summary : of their steps; see `RunSummary` (`cost_usd`, `saved_usd`,
        `stopped`, `in_flight`, ...).
    """

    pipeline: str
    articles: tuple[ArticleResult, ...]
    summary: RunSummary

    @property
    def cost_usd(self) -> float:
        """Of everything in the journal."""
        return self.summary.cost_usd

    @property
    def is_done(self) -> bool:
        """Every step of every article."""
        return all(article.is_done for article in self.articles)

    @property
    def n_done(self) -> int:
        return sum(article.is_done for article in self.articles)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; without the articles."""
        failed = [article for article in self.articles if article.status == "failed"]
        return {
            "pipeline": self.pipeline,
            "articles": len(self.articles),
            "done": self.n_done,
            "failed": {article.key: article.failed_step for article in failed},
            "steps": self.summary.to_dict(),
        }


def article_result(
    number: int, key: str, steps: Mapping[str, TaskResult], order: tuple[str, ...]
) -> ArticleResult:
    """From the results of its steps."""
    known = {name: steps[name] for name in order if name in steps}
    outputs = {name: text for name, result in known.items() if (text := output_of(result)) is not None}
    failed = next((name for name in known if name not in outputs), None)
    status = "failed" if failed is not None else "done" if len(outputs) == len(order) else "left"
    return ArticleResult(number, key, status, outputs, known, failed)


def _short(result: TaskResult) -> dict[str, Any]:
    names = ("status", "tier", "cost_usd", "stopped", "error", "decision_id", "was_in_flight")
    return {name: getattr(result, name) for name in names}
