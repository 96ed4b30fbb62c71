"""Runs a pipeline: each step of each article as `Router.run` does, with a journal to go on from."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ...classifier.errors import InvalidPipeline, InvalidRequest, StepFailed
from ...classifier.task import Task
from ..predict import _Engine
from ..rules._decide import rung_cost_usd
from ..rules._limits import CHARS_PER_TOKEN, tokens_of
from ..run._limits import Limits
from ..run._result import RunResult
from ..run.jobs._past import Past
from ..run.jobs._perform import OnResult, aperform, perform
from ..run.jobs._run_many import _tell, arun_task, checked_budget_usd, run_task
from ..run.jobs._state import Begin
from ._batch_loop import arun_batches, run_batches
from ._batched_job import BatchedJob
from ._batches import Batches
from ._job import PipelineJob
from ._plan import PlannedBatches, task_for, typical_of
from ._template import text_of
from ._tokens import COUNTED, tokens_of_steps
from ._work import Article, Progress, TaskOf, Work, numbered, output_of
from .options import StepInBatch
from .pipeline import Pipeline
from .result import PipelineRun, article_result
from .step import Step

if TYPE_CHECKING:
    from ..router import Router

Articles = Sequence[Mapping[str, Any]]
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
    for step in pipeline.steps:
        if inspect.iscoroutinefunction(step.function):
            raise InvalidRequest(
                f"{step.where}: its function is async; use arun_pipeline, or give a plain function.",
                about=step.name,
            )
    runner, every_s = router._running(), _checked_every_s(batch_every_s)
    runner.driver()  # a client that can't be used is found out now

    def run(begin: Begin) -> RunResult:
        work = job.work(begin)
        if work.step.function is None:
            check, options, start = work.step.built_check, work.options, job.start(begin)
            return run_task(router, begin, job, check=check, options=options, start=start)
        output = _called(work)
        return replace(run_task(router, begin, job, check=None, options=None), text=_text(output))

    def call(function: Callable[[], Any]) -> Any:
        return runner.submit(function).result()

    with _job(router, pipeline, articles, journal, limits, max_usd, concurrency) as (job, given, folder):
        _tell(job.known, on_known)
        batches = Batches(router, job, folder, limits or Limits(), call, on_result, on_batch)
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
        output = await _acalled(work)
        return replace(await arun_task(router, begin, job, check=None, options=None), text=_text(output))

    def call(function: Callable[[], Any]) -> Any:
        return asyncio.wrap_future(runner.submit(function))

    with _job(router, pipeline, articles, journal, limits, max_usd, concurrency) as (job, given, folder):
        _tell(job.known, on_known)
        batches = Batches(router, job, folder, limits or Limits(), call, on_result, on_batch)
        beside = partial(arun_batches, batches, runner.async_driver(), every_s)
        await aperform(job, run, concurrency, on_result, beside)
        return _result(job, pipeline, given)


@contextmanager
def _job(
    router: Router,
    pipeline: Pipeline,
    articles: Articles,
    journal: str | os.PathLike[str] | None,
    limits: Limits | None,
    max_usd: float | None,
    concurrency: int,
) -> Iterator[tuple[BatchedJob, list[Article], Path]]:
    budget_usd = checked_budget_usd(max_usd, concurrency)
    _check_outputs(pipeline)
    given = numbered(pipeline, articles)
    task_of = _task_of(router, pipeline, len(given))
    batched = PlannedBatches(router, pipeline, len(given))
    past = Past(journal)
    try:
        progress = Progress(pipeline, given, task_of, lambda keyed: output_of(past.result(keyed)))
        n_steps = len(given) * len(pipeline.steps)
        ceiling = _ceiling(router, pipeline)
        job = BatchedJob(
            *(progress, n_steps, past, limits or Limits(), budget_usd, ceiling),
            before=pipeline.ancestors,
            batched=batched,
            n_articles=len(given),
        )
        with _folder(journal) as folder:
            yield job, given, folder
    finally:
        past.close()


@contextmanager
def _folder(journal: str | os.PathLike[str] | None) -> Iterator[Path]:
    """For the journals of batches: beside that of the run, or for this run only."""
    if journal is not None:
        folder = Path(f"{os.fspath(journal)}.batches")
        yield folder
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        return
    with TemporaryDirectory(prefix="tierwise-batches-") as made:
        yield Path(made)


def _checked_every_s(every_s: float) -> float:
    if isinstance(every_s, bool) or not isinstance(every_s, (int, float)) or not every_s >= 0:
        raise InvalidRequest(f"batch_every_s must be a number >= 0; got {every_s!r}.", about="batch_every_s")
    return float(every_s)


def _check_outputs(pipeline: Pipeline) -> None:
    """A step that somebody else does writes nothing that a template could use; and checks can be made."""
    for step in pipeline.steps:
        _ = step.built_check  # MissingExtra now and not after the first article
        for used in step.template.steps:
            if pipeline[used].deterministic and pipeline[used].function is None:
                raise InvalidPipeline(
                    f"{step.where} uses what {used!r} writes, which no model and no function does. Give "
                    f"Pipeline.load(..., functions={{{used!r}: ...}}).",
                    about=used,
                )


def _task_of(router: Router, pipeline: Pipeline, n_articles: int) -> TaskOf:
    """The task that a plan would decide about, but for the prompt's length, which is known now."""
    engine = _Engine.of(router.model, router.policy)
    known = typical_of(router, pipeline)
    planned = tokens_of_steps(pipeline, engine.policy, known, unit=engine.ladder.unit)

    def task_of(step: Step, prompt: str) -> Task:
        tokens = planned[step.name]
        if tokens.input_from == COUNTED:
            counted = math.ceil(len(prompt) / CHARS_PER_TOKEN)
            tokens = tokens._replace(input=max(counted, tokens.cached))
        return task_for(step, max(n_articles, 1), tokens)

    return task_of


def _ceiling(router: Router, pipeline: Pipeline) -> Callable[[Task], float]:
    """What a step is expected to cost if every tier has to be tried, with the dearest of the checks."""
    checks = [step.built_check for step in pipeline.steps if step.built_check is not None]

    def ceiling_usd(task: Task) -> float:
        engine = _Engine.of(router.model, router.policy)
        ladder = engine.ladder
        if task.deterministic:
            return 0.0
        tokens = tokens_of(task, engine.policy, ladder.unit)
        checking = max((check.expected_cost_usd(task, ladder) for check in checks), default=0.0)
        return sum(rung_cost_usd(rung, tokens, task, batch=False) + checking for rung in ladder.rungs)

    return ceiling_usd


def _called(work: Work) -> Any:
    assert work.step.function is not None
    try:
        return work.step.function(work.article.fields, work.outputs)
    except Exception as error:
        raise _failed(work, error) from error


async def _acalled(work: Work) -> Any:
    """An async function in the loop, a plain one beside it: it may wait for a network."""
    function = work.step.function
    assert function is not None
    try:
        found = await asyncio.to_thread(function, work.article.fields, work.outputs)
        return await found if inspect.isawaitable(found) else found
    except Exception as error:
        raise _failed(work, error) from error


def _failed(work: Work, error: Exception) -> StepFailed:
    return StepFailed(
        f"{work.step.where} of article {work.article.number}: its function raised "
        f"{type(error).__name__}: {error}.",
        about=work.step.name,
    )


def _text(output: Any) -> str:
    return "" if output is None else text_of(output)


def _result(job: PipelineJob, pipeline: Pipeline, given: Sequence[Article]) -> PipelineRun:
    if job.trouble is not None:
        raise job.trouble
    order = tuple(step.name for step in pipeline.order)
    results = job.results()
    found = [article_result(each.number, each.key, results.get(each.number, {}), order) for each in given]
    return PipelineRun(pipeline.name, tuple(found), job.summary())
