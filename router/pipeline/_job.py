"""A job whose tasks are steps: one that ends well lets others begin, one that doesn't holds its article."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from ...classifier.errors import TierwiseError
from ...classifier.task import Task
from ..ladder import Ladder
from ..run._keyed import Keyed
from ..run._limits import Limits
from ..run._result import RunResult
from ..run.jobs._past import Past
from ..run.jobs._result import RunSummary, TaskResult
from ..run.jobs._state import Begin, JobState
from ._work import Progress, Work, output_of


class PipelineJob(JobState):
    """`progress` says what can begin. An article that is under way goes before one that has not begun.

    Nothing is begun before `unlock_first`.
    """

    def __init__(
        self,
        progress: Progress,
        n_steps: int,
        past: Past,
        limits: Limits,
        max_usd: float,
        ladder: Ladder,
        ceiling_usd: Callable[[Task], float],
    ) -> None:
        super().__init__((), past, limits, max_usd, ladder, ceiling_usd)
        self._progress, self._n_steps = progress, n_steps
        self._lock = threading.RLock()  # type: ignore[assignment]  # held over an end and what follows from it

    @property
    def known(self) -> Iterator[TaskResult]:
        """Of steps that earlier runs have done."""
        for work in self._progress.works.values():
            found = self._past.result(work.keyed)
            if found is not None and output_of(found) is not None:
                yield found

    @property
    def n_waiting(self) -> int:
        """Steps that may yet begin, so that there are workers for those that others let begin."""
        return self._n_steps if self._queue or self.is_waiting else 0

    def unlock_first(self) -> None:
        """The first steps of all articles can begin, or those at which they stand."""
        self._unlock(self._progress.start())

    def work(self, begin: Begin) -> Work:
        return self._progress.works[begin.keyed.key]

    def ended(self, begin: Begin, result: RunResult) -> TaskResult | None:
        with self._lock:
            found = super().ended(begin, result)
            if found is not None:
                self._settled(begin.keyed, found)
            return found

    def failed(self, begin: Begin, error: TierwiseError) -> TaskResult | None:
        with self._lock:
            found = super().failed(begin, error)
            if found is not None:
                self._settled(begin.keyed, found)
            return found

    def results(self) -> dict[int, dict[str, TaskResult]]:
        """Article -> step -> result, of all runs."""
        found: dict[int, dict[str, TaskResult]] = {}
        with self._lock:
            for key, work in self._progress.works.items():
                result = self._results.get(key) or self._past.result(work.keyed)
                if result is not None:
                    found.setdefault(work.article.number, {})[work.step.name] = result
        return found

    def summary(self) -> RunSummary:
        """Of all steps of all articles."""
        with self._lock:
            results = tuple(result for steps in self.results().values() for result in steps.values())
            works = self._progress.works
            lost = tuple(key for key in works if self._past.of(key).was_in_flight)
            stopped = self.stopped if self._queue or self.is_waiting else None
            n_new, cut_bytes = len(self._results), self._past.cut_bytes
            return RunSummary(self._n_steps, results, n_new, self._past.cost_usd, lost, stopped, cut_bytes)

    def _settled(self, keyed: Keyed, found: TaskResult) -> None:
        """It has its result, which may let others begin."""
        output = output_of(found)
        if output is not None:
            self._unlock(self._progress.done(keyed, output))

    def _unlock(self, works: Sequence[Keyed]) -> None:
        """These can begin."""
        self._queue.extendleft(reversed(works))
