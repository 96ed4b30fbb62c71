"""Runs the tasks of a job, so many at once: in threads, or in asyncio. The rules are in `_state.py`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from ....classifier.errors import TierwiseError
from .._leave import LEAVING
from .._result import RunResult
from ._result import TaskResult
from ._state import Begin, JobState

OnResult: TypeAlias = Callable[[TaskResult], Any]


def perform(
    job: JobState,
    run: Callable[[Begin], RunResult],
    concurrency: int,
    on_result: OnResult | None,
    beside: Callable[[threading.Condition], None] | None = None,
) -> None:
    """Until nothing can be begun. Ctrl-C (or an exit that a signal's handler raises) begins nothing more and
    waits for what is in flight; a second one leaves that behind.

    beside : runs in a thread of its own until the job is over; whoever changes what can be begun notifies.
    """
    threads = _Threads(job, run, on_result)
    does: list[Callable[[], None]] = [threads.work] * min(concurrency, job.n_waiting)
    if beside is not None and does:
        does.append(partial(beside, threads.changed))
    # events, because a join that Ctrl-C interrupts takes the running thread for an ended one (bpo-45274)
    ends = [threading.Event() for _ in does]
    pairs = zip(does, ends, strict=True)
    workers = [threading.Thread(target=threads.until_end, args=pair, daemon=True) for pair in pairs]
    try:
        for worker in workers:
            worker.start()
        for ended in ends:
            ended.wait()
    except LEAVING:
        threads.stop()
        for worker, ended in zip(workers, ends, strict=True):
            if worker.ident is not None:
                ended.wait()
        raise


class _Threads:
    """What the threads of one job do. `changed` is notified when something can be begun, or nothing more."""

    def __init__(self, job: JobState, run: Callable[[Begin], RunResult], on_result: OnResult | None) -> None:
        self._job, self._run, self._on_result = job, run, on_result
        self.changed = threading.Condition()

    def work(self) -> None:
        """One task after another."""
        while (begin := self._taken()) is not None:
            try:
                found = _run_one(self._job, begin, self._run)
            finally:
                self._notify()
            if found is not None and self._on_result is not None:
                self._on_result(found)
        self._notify()  # it is over for the others too

    def until_end(self, does: Callable[[], None], ended: threading.Event) -> None:
        try:
            does()
        except BaseException as error:  # raised by the job's caller, when the others have come to their ends
            self.stop(error)
        finally:
            ended.set()

    def stop(self, error: BaseException | None = None) -> None:
        self._job.stop(error)
        self._notify()

    def _taken(self) -> Begin | None:
        with self.changed:
            while (begin := self._job.next()) == "wait":
                self.changed.wait()
        return begin if isinstance(begin, Begin) else None

    def _notify(self) -> None:
        with self.changed:
            self.changed.notify_all()


def _run_one(job: JobState, begin: Begin, run: Callable[[Begin], RunResult]) -> TaskResult | None:
    try:
        return job.ended(begin, run(begin))
    except TierwiseError as error:
        return job.failed(begin, error)
    except BaseException:
        job.abandoned(begin)
        raise


async def aperform(
    job: JobState,
    run: Callable[[Begin], Awaitable[RunResult]],
    concurrency: int,
    on_result: OnResult | None,
    beside: Callable[[asyncio.Event], Awaitable[None]] | None = None,
) -> None:
    """The same in asyncio: cancelled, it begins nothing more and waits; cancelled again, it leaves."""
    changed = asyncio.Event()

    async def work() -> None:
        while (begin := job.next()) is not None:
            if not isinstance(begin, Begin):
                changed.clear()
                await changed.wait()
                continue
            try:
                found = await _arun_one(job, begin, run)
            finally:
                changed.set()
            said = None if found is None or on_result is None else on_result(found)
            if inspect.isawaitable(said):
                await said
        changed.set()  # it is over for the others too

    async def until_end(does: Awaitable[None]) -> None:
        try:
            await does
        except Exception as error:  # as above
            job.stop(error)
            changed.set()

    does: list[Awaitable[None]] = [work() for _ in range(min(concurrency, job.n_waiting))]
    if beside is not None and does:
        does.append(beside(changed))
    workers = [asyncio.create_task(until_end(each)) for each in does]
    if workers:
        await _waited(job, workers, changed)


async def _waited(job: JobState, workers: list[asyncio.Task[None]], changed: asyncio.Event) -> None:
    try:
        await asyncio.wait(workers)
    except asyncio.CancelledError:
        job.stop()
        changed.set()
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            for each in workers:
                each.cancel()
        raise


async def _arun_one(
    job: JobState, begin: Begin, run: Callable[[Begin], Awaitable[RunResult]]
) -> TaskResult | None:
    try:
        return job.ended(begin, await run(begin))
    except TierwiseError as error:
        return job.failed(begin, error)
    except BaseException:
        job.abandoned(begin)
        raise
