"""Runs a pipeline: each step of each article as `Router.run` does, with a journal to go on from."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...classifier.errors import InvalidRequest
from ..run._given import or_default
from ..run._limits import Limits
from ..run._result import RunResult
from ..run.jobs._perform import OnResult, aperform, perform
from ..run.jobs._run_many import arun_task, run_task, tell
from ..run.jobs._state import Begin
from ._batch_loop import arun_batches, run_batches
from ._batches import Batches
from ._functions import acalled, called, check_blocking
from ._job import PipelineJob
from ._run_job import Articles, job_of
from ._work import Article
from .options import StepInBatch
from .pipeline import Pipeline
from .result import PipelineRun, article_result

if TYPE_CHECKING:
    from ..router import Router

MAX_EVERY_S = 86_400  # a day, in which every batch has ended
OnBatch = Callable[[StepInBatch], Any]


def run_pipeline(
    router: Router,
    pipeline: Pipeline,
    articles: Articles,
    *,
    journal: str | os.PathLike[str] | None,
    limits: Limits | None = None,
    max_usd: float | None = None,
    concurrency: int = 8,
    on_result: OnResult | None = None,
    on_known: OnResult | None = None,
    batch_every_s: float = 60.0,
    on_batch: OnBatch | None = None,
) -> PipelineRun:
    """See `Router.run_pipeline`."""
    check_blocking(pipeline)
    runner, every_s = router._running(), _checked_every_s(batch_every_s)
    runner.driver()  # a client that can't be used is found out now

    def run(begin: Begin) -> RunResult:
        work = job.work(begin)
        if work.step.function is None:
            check, options, start = work.step.built_check, work.options, job.start(begin)
            return run_task(router, begin, job, check=check, options=options, start=start)
        output = called(work)
        return replace(run_task(router, begin, job, check=None, options=None), text=output)

    def call(function: Callable[[], Any]) -> Any:
        return runner.submit(function).result()

    with job_of(router, pipeline, articles, journal, limits, max_usd, concurrency) as (
        job,
        given,
        folder,
    ):
        tell(job.known, on_known)
        batches = Batches(router, job, folder, or_default(limits, Limits), call, on_result, on_batch)
        beside = partial(run_batches, batches, runner.driver(), every_s)
        perform(job, run, concurrency, on_result, beside)
        return _result(job, pipeline, given)


async def arun_pipeline(
    router: Router,
    pipeline: Pipeline,
    articles: Articles,
    *,
    journal: str | os.PathLike[str] | None,
    limits: Limits | None = None,
    max_usd: float | None = None,
    concurrency: int = 8,
    on_result: OnResult | None = None,
    on_known: OnResult | None = None,
    batch_every_s: float = 60.0,
    on_batch: OnBatch | None = None,
) -> PipelineRun:
    """See `Router.arun_pipeline`."""
    runner, every_s = router._running(), _checked_every_s(batch_every_s)
    runner.async_driver()

    async def run(begin: Begin) -> RunResult:
        work = job.work(begin)
        if work.step.function is None:
            check, options, start = work.step.built_check, work.options, job.start(begin)
            return await arun_task(router, begin, job, check=check, options=options, start=start)
        output = await acalled(work)
        return replace(await arun_task(router, begin, job, check=None, options=None), text=output)

    def call(function: Callable[[], Any]) -> Any:
        return asyncio.wrap_future(runner.submit(function))

    with job_of(router, pipeline, articles, journal, limits, max_usd, concurrency) as (
        job,
        given,
        folder,
    ):
        tell(job.known, on_known)
        batches = Batches(router, job, folder, or_default(limits, Limits), call, on_result, on_batch)
        beside = partial(arun_batches, batches, runner.async_driver(), every_s)
        await aperform(job, run, concurrency, on_result, beside)
        return _result(job, pipeline, given)


def _checked_every_s(every_s: float) -> float:
    is_number = isinstance(every_s, (int, float)) and not isinstance(every_s, bool)
    if not is_number or not 0 <= every_s <= MAX_EVERY_S:
        raise InvalidRequest(
            f"batch_every_s must be a number of seconds from 0 to {MAX_EVERY_S:,}; got {every_s!r}.",
            about="batch_every_s",
        )
    return float(every_s)


def _result(job: PipelineJob, pipeline: Pipeline, given: Sequence[Article]) -> PipelineRun:
    if job.trouble is not None:
        raise job.trouble
    order = tuple(step.name for step in pipeline.order)
    results = job.results()
    found = [article_result(each.number, each.key, results.get(each.number, {}), order) for each in given]
    return PipelineRun(pipeline.name, tuple(found), job.summary())
