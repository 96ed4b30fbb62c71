"""Sends the steps of a pipeline that go in batches, and takes what comes back. Written once, as steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...classifier.errors import (
    DeadlineExceeded,
    InvalidTask,
    JournalError,
    NotReachable,
    ServiceBusy,
    ServiceFailed,
    StepFailed,
)
from .._deciding import redecided_after, unlogged
from .._engine import Engine
from ..decision import Decision
from ..run._bounds import bound_met, expected_usd
from ..run._execute import Start
from ..run._limits import Limits
from ..run._next import Next
from ..run._steps import Steps, Tell
from ..run.batches import BatchJob
from ..run.batches._further import NO_GOOD, behind, further
from ..run.batches._item import ItemResult
from ..run.batches._routed import log_item
from ..run.jobs._perform import OnResult
from ..run.jobs._result import of_item
from ..run.jobs._state import MAX_ERRORS_IN_A_ROW, Begin
from ._batch_folder import BatchFolder
from ._batched_job import BatchedJob
from .options import StepInBatch

if TYPE_CHECKING:
    from ..router import Router

_MAY_PASS = (DeadlineExceeded, NotReachable, ServiceBusy, ServiceFailed)


@dataclass
class Batches:
    """Of one run.

    folder : of their journals. beside : calls a function where waiting for the log does no harm.
    """

    router: Router
    job: BatchedJob
    folder: BatchFolder
    limits: Limits
    beside: Callable[[Callable[[], Any]], Any]
    on_result: OnResult | None
    on_batch: Callable[[StepInBatch], Any] | None
    _opened: dict[str, BatchJob] = field(default_factory=dict)
    _errors_in_a_row: int = 0

    def send_steps(self, begins: Sequence[Begin]) -> Steps[None]:
        """One batch of these, which are of one step; those that are decided otherwise are run at once."""
        step = self.job.work(begins[0]).step.name
        path = self.folder.path / self.job.new_file()
        chosen: list[Begin]
        batch: BatchJob | None
        chosen, batch = yield Tell(self.beside, (partial(self._made, begins, path),))
        if batch is None or not self.job.sending(path.name, chosen):
            return
        self._opened[path.name] = batch
        if self.on_batch is not None:
            yield Tell(self.on_batch, (StepInBatch(step, len(chosen), path),))
        yield from self._asked(batch.submit_steps(self.limits))

    def look_steps(self) -> Steps[None]:
        """What has come back of each batch; what was not sent is sent before."""
        files = self.job.open_files
        for file, batch in zip(files, self._batches(files), strict=True):
            works = self.job.in_batch(file)
            check = self.job.work(next(iter(works.values()))).step.built_check
            steps = batch.collect_steps(check, limits=self.limits, on_item=self._log, in_sync=False)
            yield from self._asked(steps)
            for result in batch.results.values():
                if result.key in works:
                    yield from self._taken(file, works[result.key], result, batch)
            if not self.job.in_batch(file):
                del self._opened[file]
            if self.job.is_done_with(file):
                self.folder.remove(file)

    def _asked(self, steps: Steps[Any]) -> Steps[None]:
        """An error that may pass is met again at the next look."""
        try:
            yield from steps
        except _MAY_PASS:
            self._errors_in_a_row += 1
            if self._errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                self.job.stopped = self.job.stopped or "errors"
            return
        self._errors_in_a_row = 0

    def _made(self, begins: Sequence[Begin], path: Path) -> tuple[list[Begin], BatchJob | None]:
        """The batch's own journal, with a decision for each; nothing is sent yet."""
        found = [(begin, self._decided(begin)) for begin in begins]
        chosen = [(begin, decision) for begin, decision in found if decision is not None]
        self.job.put_back([begin for begin, decision in found if decision is None])
        if not chosen:
            return [], None
        self.folder.make()
        made = BatchJob.create(
            path,
            [decision for _, decision in chosen],
            options=[self.job.work(begin).options for begin, _ in chosen],
            keys=[begin.keyed.key for begin, _ in chosen],
        )
        return [begin for begin, _ in chosen], made

    def _decided(self, begin: Begin) -> Decision | None:
        """Logged, where it is for a batch. What can't be done, or not for a task's own money, is run at once,
        which says why it can't."""
        try:
            found = unlogged(self.router, begin.task, None, None)
        except InvalidTask:
            return None
        if found.decision.mode != "batch":
            return None
        work = self.job.work(begin)
        check = work.step.built_check
        if work.options.beside_the_body is not None:
            return None
        if expected_usd(Next(found.decision, work.options), check, batch=True) > self.limits.max_usd:
            return None
        if self.router._logged is not None:
            self.router._logged.add(found.decision, None)
            self.router._logged.settle()
        return found.decision

    def _batches(self, files: Sequence[str]) -> list[BatchJob]:
        """Each knows which batches are those of the others, and none of its own."""
        found = [self._batch(file) for file in files]
        for batch in found:
            others = (part for other in found if other is not batch for part in other.parts)
            theirs = {part.batch_id for part in others if part.batch_id is not None}
            for part in batch.parts:
                part.not_ours |= theirs
        return found

    def _batch(self, file: str) -> BatchJob:
        if file not in self._opened:
            path = self.folder.path / file
            if not path.exists():
                raise JournalError(
                    f"A batch was sent, and its journal {path} is gone. Put it back; or begin anew, with "
                    "another journal for the run.",
                    about=path,
                )
            ladder = Engine.of(self.router.model, self.router.policy).ladder
            self._opened[file] = BatchJob.open(path, ladder=ladder)
        return self._opened[file]

    def _log(self, result: ItemResult) -> Any:
        return self.beside(partial(log_item, self.router, result))

    def _taken(self, file: str, begin: Begin, result: ItemResult, batch: BatchJob) -> Steps[None]:
        """A result; or the work is run at once: tried further, or for the first time."""
        attempt = result.attempts[-1] if result.attempts else None
        if result.status == "canceled":
            error = StepFailed(_canceled(self.job, begin), about=begin.keyed.key)
            found = self.job.lost(file, begin, error)
        elif attempt is None:  # an error, or not done in time
            found = self.job.returned(file, begin, None)
        else:
            start: Start | str | None = None
            if result.verdict in NO_GOOD:
                start = yield Tell(self.beside, (partial(self._further, begin, result, batch),))
            if isinstance(start, Start):
                found = self.job.returned(file, begin, attempt, start=start)
            else:
                ladder = batch.around(self.limits).ladder
                said = of_item(begin.keyed.number, begin.keyed.key, result, ladder, start)
                found = self.job.returned(file, begin, attempt, said)
        if found is not None and self.on_result is not None:
            yield Tell(self.on_result, (found,))

    def _further(self, begin: Begin, result: ItemResult, batch: BatchJob) -> Start | str:
        """How it goes on, within the limits of one task; or why it ends here."""
        around = batch.around(self.limits)._replace(task=begin.task)
        redecide = redecided_after(self.router, begin.task, result.id)
        last, work = result.attempts[-1], self.job.work(begin)
        found = further(last, begin.task, work.options, redecide, around)
        if not isinstance(found, Next):
            return found
        before = behind(last, found, len(result.attempts), result.cost_usd)
        bound = bound_met(found, work.step.built_check, around, before)
        return bound or Start(found, before, redecide)


def _canceled(job: BatchedJob, begin: Begin) -> str:
    work = job.work(begin)
    return (
        f"{work.step.where} of article {work.article.number}: somebody cancelled its batch. The next run "
        "tries it again."
    )
