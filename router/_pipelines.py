"""What a router does with pipelines; the work is in `router/pipeline`, loaded by those who need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

if TYPE_CHECKING:
    from .pipeline import Pipeline, PipelinePlan, PipelineRun, RunOptions
    from .router import Router


class PipelineMethods:
    """Of a `Router`."""

    def plan(self, pipeline: Pipeline, articles: int | Sequence[Mapping[str, Any]] = 1) -> PipelinePlan:
        """What each step of the pipeline would run on, and cost, for so many articles or for these.

        Needs no network, logs nothing. Raises InvalidPipeline, InvalidTask; LogError for a log that is away.
        """
        from .pipeline._plan import planned

        return planned(cast("Router", self), pipeline, articles)

    def run_pipeline(
        self, pipeline: Pipeline, articles: Sequence[Mapping[str, Any]], **options: Unpack[RunOptions]
    ) -> PipelineRun:
        """Run every step of every article, each as `run` does; the same call again goes on where it ended.

        articles : mappings of fields (with an "id", if they have one). The options are those of `RunOptions`.

        A step that fails holds its article, no other; the next run with this journal tries it again, and pays
        for nothing that is done.

        Steps that `plan` has in batch are sent as batches, one for all articles that come to the step, and
        waited for; what a batch can't do, or doesn't pass there, is run at once. What an earlier run has
        begun, and steps of which no more than `Policy.batch_over_items` are left, are run at once too.
        Journals of batches hold prompts; they are in a folder beside `journal`, with its name and ".batches",
        until all is in `journal`. Ctrl-C or a kill leaves batches with the API; the same call again collects
        them.

        Raises InvalidPipeline, InvalidRequest and JournalError before anything is sent; AccountRefused and
        JournalError for a full disk when what was in flight has ended. KeyboardInterrupt likewise.
        """
        from .pipeline._run import run_pipeline

        return run_pipeline(cast("Router", self), pipeline, articles, **options)

    async def arun_pipeline(
        self, pipeline: Pipeline, articles: Sequence[Mapping[str, Any]], **options: Unpack[RunOptions]
    ) -> PipelineRun:
        """`run_pipeline` in asyncio; functions of steps and checks may be async."""
        from .pipeline._run import arun_pipeline

        return await arun_pipeline(cast("Router", self), pipeline, articles, **options)
