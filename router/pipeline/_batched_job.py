"""A pipeline's job of which some steps go in batches: held until they are complete, sent, returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...classifier.errors import TierwiseError
from ..run._execute import Start
from ..run._keyed import Keyed
from ..run.jobs._past import with_past
from ..run.jobs._result import TaskResult
from ..run.jobs._state import ROOM, Begin
from ._held import Held
from ._job import PipelineJob
from ._planned_batches import PlannedBatches


class BatchedJob(PipelineJob):
    """`before` : step -> all steps before it. n_articles : of this run.

    What has been tried before is run at once, and so is a step of which few articles are left to do.
    """

    def __init__(
        self, *given: Any, before: Mapping[str, Sequence[str]], batched: PlannedBatches, n_articles: int
    ) -> None:
        super().__init__(*given)
        self._held, self._batched, self._n_articles = Held(before), batched, n_articles
        self._open: dict[str, dict[str, Begin]] = {}  # file of a batch -> key -> work that is in it
        self._starts: dict[str, Start] = {}  # key -> how a work goes on whose answer there was no good

    @property
    def is_waiting(self) -> bool:
        return super().is_waiting or bool(self._held)

    @property
    def is_over(self) -> bool:
        """This run sends nothing more, and asks for nothing more."""
        with self._lock:
            return self.stopped is not None or not (self._queue or self.is_waiting)

    @property
    def open_files(self) -> list[str]:
        """Of the batches that works of this run are in."""
        with self._lock:
            return [file for file, works in self._open.items() if works]

    def ready(self) -> list[Begin]:
        """Works of one step that are to be sent now, as far as the budget goes."""
        with self._lock:
            while self.stopped is None and (step := self._held.complete()) is not None:
                works = self._held.of(step)
                if not self._batched.is_worth(step, self._n_articles - self._progress.n_done_before[step]):
                    self._queue.extendleft(reversed(self._held.take(step, len(works))))
                    continue
                begins = self._affordable_of(works)
                self._held.take(step, len(begins))
                if not begins and not self._queue and not self._n_in_flight:
                    self.stopped = "budget"
                return begins
            return []

    def new_file(self) -> str:
        return f"{self._past.n_batches + 1}.jsonl"

    def sending(self, file: str, begins: Sequence[Begin]) -> bool:
        """Write down that they are about to be sent; False where that can't be written."""
        with self._lock:
            items = [[begin.keyed.key, begin.keyed.digest] for begin in begins]
            self._write({"kind": "batch", "file": file, "items": items}, durable=True)
            self._open[file] = {begin.keyed.key: begin for begin in begins}
            return self.trouble is None

    def put_back(self, begins: Sequence[Begin]) -> None:
        """These are no work for a batch: they are run at once."""
        with self._lock:
            for begin in begins:
                self._back(begin)
            self._queue.extendleft(begin.keyed for begin in reversed(begins))

    def in_batch(self, file: str) -> dict[str, Begin]:
        """Key -> work, of those that have not come back from it."""
        with self._lock:
            return dict(self._open.get(file, {}))

    def returned(
        self,
        file: str,
        begin: Begin,
        attempt: dict[str, Any] | None,
        result: TaskResult | None = None,
        start: Start | None = None,
    ) -> TaskResult | None:
        """It came back: with its result, else it is run at once."""
        key = begin.keyed.key
        with self._lock:
            del self._open[file][key]
            self._back(begin)
            self._account.spent_usd += 0.0 if attempt is None else attempt["cost_usd"]
            self._errors_in_a_row = 0
            said = None if result is None else result.said()
            self._write({"kind": "returned", "key": key, "attempt": attempt, "result": said})
            if result is None:
                if start is not None:
                    self._starts[key] = start
                self._queue.appendleft(begin.keyed)
                return None
            self._results[key] = with_past(result, self._past.of(key))
            self._settled(begin.keyed, self._results[key])
            return self._results[key]

    def lost(self, file: str, begin: Begin, error: TierwiseError) -> TaskResult | None:
        """It came back without an answer, and is not run again by this run."""
        with self._lock:
            del self._open[file][begin.keyed.key]
            return self.failed(begin, error)

    def is_done_with(self, file: str) -> bool:
        """Everything that was in this batch is in our journal, and that on the disk."""
        with self._lock:
            if self._open.get(file) or self._past.is_in_batch(file):
                return False
            self._open.pop(file, None)
            self._past.sync()
            return True

    def start(self, begin: Begin) -> Start | None:
        """How it goes on, where its answer in a batch was no good; once."""
        with self._lock:
            return self._starts.pop(begin.keyed.key, None)

    def _settled(self, keyed: Keyed, found: TaskResult) -> None:
        super()._settled(keyed, found)
        self._held.ended(self._progress.works[keyed.key].step.name)

    def _unlock(self, works: Sequence[Keyed]) -> None:
        now: list[Keyed] = []
        for keyed in works:
            work, past = self._progress.works[keyed.key], self._past.of(keyed.key)
            self._held.begun(work.step.name)
            if past.batch is not None:
                self._open.setdefault(past.batch, {})[keyed.key] = self._reserved(keyed)
            elif self._batched.is_for(work.step.name) and not past.digest:  # never begun
                self._held.hold(work.step.name, keyed)
            else:
                now.append(keyed)
        super()._unlock(now)

    def _affordable(self, keyed: Keyed) -> Begin | None:
        """What the batch has cost already counts in the limit of the task, and is in no money of ours."""
        begin, start = super()._affordable(keyed), self._starts.get(keyed.key)
        if begin is None or start is None or not begin.is_ours:
            return begin
        own, usd = self._limits.max_usd, begin.reserved_usd + start.before.spent_usd
        return begin._replace(limits=replace(self._limits, max_usd=min(own, usd)), is_ours=usd < own)

    def _affordable_of(self, works: Sequence[Keyed]) -> list[Begin]:
        found: list[Begin] = []
        for keyed in works:
            if self._cost_usd(keyed) > self._account.free_usd:
                break
            found.append(self._reserved(keyed))
        return found

    def _reserved(self, keyed: Keyed) -> Begin:
        """In flight, with what it may cost there; what comes after it has to be affordable then."""
        begin = Begin(keyed, keyed.task, self._limits, self._cost_usd(keyed), is_ours=False)
        self._n_in_flight += 1
        self._account.reserved_usd += begin.reserved_usd
        return begin

    def _cost_usd(self, keyed: Keyed) -> float:
        return ROOM * self._batched.cost_usd(self._progress.works[keyed.key])
