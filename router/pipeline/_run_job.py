"""The job of a run: its journal, what its plan has in batches, its budget. Checked before it begins."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ...classifier.errors import InvalidPipeline
from ...classifier.task import Task
from .._engine import Engine
from ..rules._limits import CHARS_PER_TOKEN
from ..run._given import or_default
from ..run._limits import Limits
from ..run.jobs._ceiling import ceiling_of
from ..run.jobs._past import Past
from ..run.jobs._run_many import checked_budget_usd
from ._batch_folder import BatchFolder, batch_folder
from ._batched_job import BatchedJob
from ._plan import task_for, typical_of
from ._planned_batches import PlannedBatches
from ._tokens import COUNTED, StepTokens, tokens_of_steps
from ._work import Article, Progress, TaskOf, numbered, output_of
from .pipeline import Pipeline
from .step import Step

if TYPE_CHECKING:
    from ..router import Router

Articles = Sequence[Mapping[str, Any]]


class Opened(NamedTuple):
    """A job whose journal is ours. folder : for the journals of batches."""

    job: BatchedJob
    articles: Sequence[Article]
    folder: BatchFolder


@contextmanager
def job_of(
    router: Router,
    pipeline: Pipeline,
    articles: Articles,
    journal: str | os.PathLike[str] | None,
    limits: Limits | None,
    max_usd: float | None,
    concurrency: int,
) -> Iterator[Opened]:
    """Nothing has begun. Raises InvalidRequest, InvalidPipeline, JournalError."""
    budget_usd = checked_budget_usd(max_usd, concurrency)
    _check_outputs(pipeline)
    given = numbered(pipeline, articles)
    engine = Engine.of(router.model, router.policy)
    tokens = tokens_of_steps(pipeline, engine.policy, typical_of(router, pipeline), unit=engine.ladder.unit)
    batched = PlannedBatches(router, pipeline, len(given), tokens)
    checks = [step.built_check for step in pipeline.steps if step.built_check is not None]
    past = Past(journal)
    try:
        task_of = _task_of(tokens, len(given))
        progress = Progress(pipeline, given, task_of, lambda keyed: output_of(past.result(keyed)))
        n_steps = len(given) * len(pipeline.steps)
        job = BatchedJob(
            *(progress, n_steps, past, or_default(limits, Limits), budget_usd),
            *(engine.ladder, ceiling_of(router, checks)),
            before=pipeline.ancestors,
            batched=batched,
            n_articles=len(given),
        )
        job.unlock_first()
        with batch_folder(journal, job.is_done_with) as folder:
            yield Opened(job, given, folder)
    finally:
        past.close()


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


def _task_of(planned: Mapping[str, StepTokens], n_articles: int) -> TaskOf:
    """The task that a plan would decide about, but for the prompt's length, which is known now."""

    def task_of(step: Step, prompt: str) -> Task:
        tokens = planned[step.name]
        if tokens.input_from == COUNTED:
            counted = math.ceil(len(prompt) / CHARS_PER_TOKEN)
            tokens = tokens._replace(input=max(counted, tokens.cached))
        return task_for(step, max(n_articles, 1), tokens)

    return task_of
