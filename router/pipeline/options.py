"""Options of a run, by name and kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Required, TypedDict

if TYPE_CHECKING:
    from ..run import Limits
    from ..run.jobs._result import TaskResult


class StepInBatch(NamedTuple):
    """A step that is about to be sent. n_articles : in the batch. file : its journal."""

    step: str
    n_articles: int
    file: Path


class RunOptions(TypedDict, total=False):
    """Keyword arguments of `Router.run_pipeline`.

    journal : a path, made where it doesn't exist; None: nothing is kept, and nothing can be resumed.
    limits : of each step. max_usd : of all steps together, earlier runs with the journal included.
    concurrency : steps at once, of whichever articles, beside those in batches (default: 8).
    batch_every_s : seconds between two looks at the batches (default: 60).
    on_batch : called with a StepInBatch for each that is about to be sent.
    on_result : called with each step's TaskResult when the journal has it; `number` is the article's.
    on_known : called with those of earlier runs, before anything is begun.
    """

    journal: Required[str | os.PathLike[str] | None]
    limits: Limits | None
    max_usd: float | None
    concurrency: int
    batch_every_s: float
    on_batch: Callable[[StepInBatch], Any] | None
    on_result: Callable[[TaskResult], Any] | None
    on_known: Callable[[TaskResult], Any] | None
