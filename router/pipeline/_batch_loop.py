"""Sends batches and looks for their results beside a run's workers: in a thread, or in asyncio."""

from __future__ import annotations

import asyncio
import threading
import time

from ..run._drive import AsyncDriver, Driver
from ._batches import Batches


class Looks:
    """When to look: at once for what an earlier run sent, else so many seconds after."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self._next_s = every_s, 0.0

    def wait_s(self, *, is_open: bool) -> float | None:
        """Until the next look; None where there is nothing to look for."""
        return max(self._next_s - time.monotonic(), 0.0) if is_open else None

    def again(self) -> None:
        self._next_s = time.monotonic() + self._every_s


def run_batches(batches: Batches, driver: Driver, every_s: float, changed: threading.Condition) -> None:
    """Until the run is over. `changed` is told when works can begin, and tells when some have ended."""
    job, looks = batches.job, Looks(every_s)
    while True:
        with changed:
            while True:
                begins, is_open = job.ready(), bool(job.open_files)
                changed.notify_all()
                wait_s = looks.wait_s(is_open=is_open)
                if begins or job.is_over or wait_s == 0.0:
                    break
                changed.wait(wait_s)
        if job.is_over:
            return
        if begins:
            driver.run(batches.send_steps(begins))
            if not is_open:
                looks.again()
        else:
            driver.run(batches.look_steps())
            looks.again()


async def arun_batches(batches: Batches, driver: AsyncDriver, every_s: float, changed: asyncio.Event) -> None:
    """`run_batches` in asyncio."""
    job, looks = batches.job, Looks(every_s)
    while True:
        begins, is_open = job.ready(), bool(job.open_files)
        changed.set()
        if job.is_over:
            return
        wait_s = looks.wait_s(is_open=is_open)
        if begins:
            await driver.run(batches.send_steps(begins))
            if not is_open:
                looks.again()
        elif wait_s == 0.0:
            await driver.run(batches.look_steps())
            looks.again()
        else:
            changed.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await changed.wait()
            except TimeoutError:
                continue
