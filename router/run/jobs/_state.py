"""A job while it is run: which task is next, what may still be spent, what is written down.

Safe from any thread. It waits for nothing and calls nobody: `_perform.py` does.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from ....classifier.errors import (
    AccountRefused,
    BudgetExceeded,
    CallError,
    InvalidTask,
    StepFailed,
    TierwiseError,
)
from ....classifier.task import Task
from ...ladder import Ladder
from .._keyed import Keyed
from .._limits import Limits
from .._result import Attempt, RunResult
from ._past import Past, TaskPast, with_past
from ._result import ERROR, RunSummary, TaskResult, of_run

MAX_ERRORS_IN_A_ROW = 20  # and no answer between them: a wrong address or an outage, not single tasks
ROOM = 2.0  # times what a task is expected to cost at every tier above: answers may be longer than expected

_OF_ONE_TASK = (CallError, InvalidTask, BudgetExceeded, StepFailed)

Wait: TypeAlias = Literal["wait"]


class Begin(NamedTuple):
    """A task to run now. is_ours : the limit of its cost is the job's, not the caller's own."""

    keyed: Keyed
    task: Task
    limits: Limits
    reserved_usd: float
    is_ours: bool


@dataclass
class Account:
    """Money of the whole job. reserved : for what is in flight."""

    max_usd: float
    spent_usd: float
    reserved_usd: float = 0.0

    @property
    def free_usd(self) -> float:
        return self.max_usd - self.spent_usd - self.reserved_usd


class JobState:
    """Made of the tasks, the past of the job, and what a task may cost at most (`ceiling_usd`)."""

    def __init__(
        self,
        tasks: Sequence[Keyed],
        past: Past,
        limits: Limits,
        max_usd: float,
        ladder: Ladder,
        ceiling_usd: Callable[[Task], float],
    ) -> None:
        self._ladder = ladder
        self._tasks, self._past, self._limits, self._ceiling_usd = tasks, past, limits, ceiling_usd
        self._queue = deque(each for each in tasks if past.of(each.key).result is None)
        self._account = Account(max_usd, past.cost_usd)
        self._results: dict[str, TaskResult] = {}
        self._n_in_flight = self._errors_in_a_row = 0
        self._lock = threading.Lock()
        self.stopped: str | None = None
        self.trouble: BaseException | None = None

    @property
    def known(self) -> Iterator[TaskResult]:
        """Results of earlier runs."""
        return (found for each in self._tasks if (found := self._past.result(each)) is not None)

    @property
    def n_waiting(self) -> int:
        return len(self._queue)

    @property
    def is_waiting(self) -> bool:
        """Tasks may yet come: one in flight that pauses comes back."""
        return self._n_in_flight > 0

    def next(self) -> Begin | Wait | None:
        """The task to begin, written down; "wait" until one in flight has ended; None: there is no more."""
        with self._lock:
            if self.stopped is not None:
                return None
            if not self._queue:
                return "wait" if self.is_waiting else None
            begin = self._affordable(self._queue[0])
            if begin is None:
                if self._n_in_flight:
                    return "wait"
                self.stopped = "budget"
                return None
            self._write({"kind": "begin", "key": begin.keyed.key, "digest": begin.keyed.digest})
            if self.stopped is not None:
                return None
            self._queue.popleft()
            self._n_in_flight += 1
            self._account.reserved_usd += begin.reserved_usd
            return begin

    def attempted(self, begin: Begin, attempt: Attempt) -> None:
        """One attempt of a task that runs has ended, whatever comes next; its money is counted."""
        with self._lock:
            self._account.spent_usd += attempt.total_cost_usd
            self._write({"kind": "attempt", "key": begin.keyed.key, "attempt": attempt.to_dict()})

    def ended(self, begin: Begin, result: RunResult) -> TaskResult | None:
        """The task has its result; None where the budget ended it early, and it may go on later."""
        key = begin.keyed.key
        with self._lock:
            self._back(begin)
            self._errors_in_a_row = 0
            if begin.is_ours and result.stopped == "budget" and result.status == "failed":
                self._write({"kind": "paused", "key": key})
                self._queue.appendleft(begin.keyed)
                return None
            found = of_run(begin.keyed.number, key, result)
            self._write({"kind": "done", "key": key, "result": found.said()})
            self._results[key] = with_past(found, self._past.of(key))
            return self._results[key]

    def failed(self, begin: Begin, error: TierwiseError) -> TaskResult | None:
        """It ended in an error; None where that says nothing about the task, and the job ends."""
        key, kind = begin.keyed.key, type(error).__name__
        with self._lock:
            self._back(begin)
            self._write({"kind": "error", "key": key, "error": kind})
            if begin.is_ours and isinstance(error, BudgetExceeded):
                self._queue.appendleft(begin.keyed)
                self.stopped = self.stopped or "budget"
                return None
            if isinstance(error, AccountRefused) or not isinstance(error, _OF_ONE_TASK):
                self._queue.appendleft(begin.keyed)
                self._end(error)
                return None
            self._errors_in_a_row += isinstance(error, CallError)
            if self._errors_in_a_row >= MAX_ERRORS_IN_A_ROW:
                self.stopped = self.stopped or "errors"
            found = TaskResult(begin.keyed.number, key, ERROR, error=kind, detail=str(error))
            self._results[key] = with_past(found, self._past.of(key))
            return self._results[key]

    def abandoned(self, begin: Begin) -> None:
        """It is not waited for: the journal has its beginning only, so the next run knows."""
        with self._lock:
            self._back(begin)

    def stop(self, error: BaseException | None = None) -> None:
        """Begin nothing more."""
        with self._lock:
            self._end(error)

    def summary(self) -> RunSummary:
        """As the job stands now."""
        with self._lock:
            known = [self._results.get(each.key) or self._past.result(each) for each in self._tasks]
            lost = tuple(each.key for each in self._tasks if self._past.of(each.key).was_in_flight)
            return RunSummary(
                len(self._tasks),
                tuple(result for result in known if result is not None),
                len(self._results),
                self._past.cost_usd,
                lost,
                self.stopped if self._queue else None,
                self._past.cut_bytes,
            )

    def _affordable(self, keyed: Keyed) -> Begin | None:
        """Within the budget whatever it takes; the last money goes to one task alone."""
        past, account = self._past.of(keyed.key), self._account
        task = _after(keyed.task, past, self._ladder)
        if math.isinf(account.max_usd):
            return Begin(keyed, task, self._limits, 0.0, is_ours=False)
        ceiling_usd = ROOM * self._ceiling_usd(task)
        if ceiling_usd <= account.free_usd:
            usd = ceiling_usd
        elif self._n_in_flight or account.free_usd <= 0:
            return None
        else:
            usd = account.free_usd  # the last money, for this one alone
        own = self._limits.max_usd
        return Begin(keyed, task, replace(self._limits, max_usd=min(own, usd)), usd, usd < own)

    def _back(self, begin: Begin) -> None:
        self._n_in_flight -= 1
        self._account.reserved_usd -= begin.reserved_usd

    def _write(self, line: dict[str, object], *, durable: bool = False) -> None:
        """A journal that can't be written ends the job; what is in flight is still waited for."""
        try:
            self._past.write(line, durable=durable)
        except TierwiseError as error:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self.stopped = self.stopped or "interrupted"
        self.trouble = self.trouble or error


def _after(task: Task, past: TaskPast, ladder: Ladder) -> Task:
    """With the tiers that failed at it in earlier runs, which are not paid again."""
    new = [tier for tier in past.failed_tiers(ladder) if tier not in task.attempts]
    return replace(task, attempts=(*task.attempts, *new)) if new else task
