"""Runs the tasks of a job, so many at once: in threads, or in asyncio. The rules are in `_job_state.py`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from ...classifier.errors import TierwiseError
from ._job_result import TaskResult
from ._job_state import Begin, JobState
from ._result import RunResult

OnResult: TypeAlias = Callable[[TaskResult], Any]


def perform(
    job: JobState,
    run: Callable[[Begin], RunResult],
    concurrency: int,
    on_result: OnResult | None,
    beside: Callable[[threading.Condition], None] | None = None,
) -> None:
    """Until nothing can be begun. Ctrl-C begins nothing more and waits for what is in flight; a second one
    leaves that behind.

    beside : runs in a thread of its own until the job is over; whoever changes what can be begun notifies.
    """
    changed = threading.Condition()

    def taken() -> Begin | None:
        with changed:
            while (begin := job.next()) == "wait":
                changed.wait()
            if begin is None:
                changed.notify_all()  # it is over for the others too
        return begin if isinstance(begin, Begin) else None

    def work() -> None:
        while (begin := taken()) is not None:
            try:
                found = _run_one(job, begin, run)
            finally:
                with changed:
                    changed.notify_all()
            if found is not None and on_result is not None:
                on_result(found)

    def stop(error: BaseException | None = None) -> None:
        job.stop(error)
        with changed:
            changed.notify_all()

    def until_end(does: Callable[[], None], ended: threading.Event) -> None:
        try:
            does()
        except BaseException as error:  # raised by the job's caller, when the others have come to their ends
            stop(error)
        finally:
            ended.set()

    # events, because a join that Ctrl-C interrupts takes the running thread for an ended one (bpo-45274)
    does: list[Callable[[], None]] = [work] * min(concurrency, job.n_waiting)
    if beside is not None and does:
        does.append(partial(beside, changed))
    ends = [threading.Event() for _ in does]
    workers = [
        threading.Thread(target=until_end, args=each, daemon=True) for each in zip(does, ends, strict=True)
    ]
    try:
        for worker in workers:
            worker.start()
        for ended in ends:
            ended.wait()
    except KeyboardInterrupt:
        stop()
        for worker, ended in zip(workers, ends, strict=True):
            if worker.ident is not None:
                ended.wait()
        raise


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
