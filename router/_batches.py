"""What a router does with batches; the work is in `router/run/batches`, loaded by those who need it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..classifier.task import Task

if TYPE_CHECKING:
    from .router import Router
    from .run import Check, Limits, Options
    from .run.batches import BatchJob, ItemResult


class BatchMethods:
    """Of a `Router`."""

    def submit_batch(
        self,
        tasks: Iterable[str | Task | Mapping[str, Any]],
        *,
        journal: str | os.PathLike[str] | None = None,
        options: Options | Sequence[Options] | None = None,
        limits: Limits | None = None,
    ) -> BatchJob:
        """Decide each task, log it, and send them as batches by tier and model, at half the price.

        tasks : texts, Tasks, or mappings, with an "id" if they have one: it is the `key` of the result.
        journal : the file that is the job's state (default: a new one in the folder TIERWISE_BATCHES). Where
            it holds a job of these tasks, what was not sent is sent: run the same again after a crash.
        options : of all requests, or one for each.

        A tier without a batch price is in no batch: `collect_batch` runs its tasks in sync mode.

        Raises InvalidRequest for tasks that are live or need no model, and CallError.
        """
        from .run.batches import _routed as batches

        return batches.submit(cast("Router", self), tasks, journal=journal, options=options, limits=limits)

    def collect_batch(
        self,
        job: BatchJob | str | os.PathLike[str],
        *,
        check: Check | Callable[[str], Any] | None = None,
        limits: Limits | None = None,
        escalate: bool = True,
        concurrency: int = 8,
    ) -> tuple[ItemResult, ...]:
        """The results that have come since the last time, logged as those of `run` are.

        job : of `submit_batch`, or its journal; where that is in the folder TIERWISE_BATCHES, its id, or the
            API's id of one of its batches.
        check, escalate : an answer that fails goes up at once, and one that was cut off gets more room, in
            sync mode, within the limits of one task, so many at once (concurrency).

        Items that expired or met an error that may pass are run in sync mode, as are those that a batch had
        not done at the wait ceiling. Call it until `job.is_finished`. Raises CallError, and BudgetExceeded
        where the limits allow no more of what is left; call it again then.
        """
        from .run.batches import _routed as batches

        given: dict[str, Any] = {"check": check, "limits": limits, "escalate": escalate}
        return batches.collect(cast("Router", self), job, **given, concurrency=concurrency)

    async def asubmit_batch(self, tasks: Iterable[str | Task | Mapping[str, Any]], **given: Any) -> BatchJob:
        """`submit_batch` in asyncio."""
        from .run.batches import _routed as batches

        return await batches.asubmit(cast("Router", self), tasks, **given)

    async def acollect_batch(
        self, job: BatchJob | str | os.PathLike[str], **given: Any
    ) -> tuple[ItemResult, ...]:
        """`collect_batch` in asyncio; the check may be async."""
        from .run.batches import _routed as batches

        return await batches.acollect(cast("Router", self), job, **given)
