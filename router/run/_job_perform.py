"""Runs the tasks of a job, so many at once: in threads, or in asyncio. The rules are in `_job_state.py`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ...classifier.errors import TierwiseError
from ._job_result import TaskResult
from ._job_state import Begin, JobState
from ._result import RunResult

OnResult: TypeAlias = Callable[[TaskResult], Any]


def perform(
    job: JobState, run: Callable[[Begin], RunResult], concurrency: int, on_result: OnResult | None
) -> None:
    """Until nothing can be begun. Ctrl-C begins nothing more and waits for what is in flight; a second one
    leaves that behind."""
    changed = threading.Condition()

    def taken() -> Begin | None:
        with changed:
            while (begin := job.next()) == "wait":
                changed.wait()
        return begin if isinstance(begin, Begin) else None

    def work(ended: threading.Event) -> None:
        try:
            while (begin := taken()) is not None:
                try:
                    found = _run_one(job, begin, run)
                finally:
                    with changed:
                        changed.notify_all()
                if found is not None and on_result is not None:
                    on_result(found)
        except BaseException as error:  # raised by the job's caller, when the others have come to their ends
            job.stop(error)
        finally:
            ended.set()

    # events, because a join that Ctrl-C interrupts takes the running thread for an ended one (bpo-45274)
    ends = [threading.Event() for _ in range(min(concurrency, job.n_waiting))]
    workers = [threading.Thread(target=work, args=(ended,), daemon=True) for ended in ends]
    try:
        for worker in workers:
            worker.start()
        for ended in ends:
            ended.wait()
    except KeyboardInterrupt:
        job.stop()
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

    async def worker() -> None:
        try:
            await work()
        except Exception as error:  # as above
            job.stop(error)

    workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, job.n_waiting))]
    if workers:
        await _waited(job, workers)


async def _waited(job: JobState, workers: list[asyncio.Task[None]]) -> None:
    try:
        await asyncio.wait(workers)
    except asyncio.CancelledError:
        job.stop()
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
