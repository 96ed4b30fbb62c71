"""Sends batches and looks for their results beside a run's workers: in a thread, or in asyncio."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from ..run._drive import AsyncDriver, Driver
from ..run._steps import Steps
from ._batches import Batches


class Rest(NamedTuple):
    """Nothing is to be done for so long (None: for ever), unless what can begin or has ended changes."""

    seconds: float | None


def turns(batches: Batches, every_s: float) -> Iterator[Steps[None] | Rest]:
    """What to do next, until the run is over.

    What an earlier run sent is looked for at once, all else so many seconds after it was sent.
    """
    job, look_s = batches.job, 0.0
    while True:
        begins, is_open = job.ready(), bool(job.open_files)
        if job.is_over:
            return
        rest_s = max(look_s - time.monotonic(), 0.0) if is_open else None
        if begins:
            yield batches.send_steps(begins)
        elif rest_s == 0.0:
            yield batches.look_steps()
        else:
            yield Rest(rest_s)
            continue
        if not (begins and is_open):  # those that are away are not looked for later than they were to be
            look_s = time.monotonic() + every_s


def run_batches(batches: Batches, driver: Driver, every_s: float, changed: threading.Condition) -> None:
    """Until the run is over. `changed` is told when works can begin, and tells when some have ended."""
    ahead = turns(batches, every_s)
    while True:
        with changed:
            turn = next(ahead, None)
            changed.notify_all()
            if isinstance(turn, Rest):
                changed.wait(turn.seconds)
                continue
        if turn is None:
            return
        driver.run(turn)


async def arun_batches(batches: Batches, driver: AsyncDriver, every_s: float, changed: asyncio.Event) -> None:
    """`run_batches` in asyncio."""
    for turn in turns(batches, every_s):
        changed.set()
        if not isinstance(turn, Rest):
            await driver.run(turn)
            continue
        changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(turn.seconds):
                await changed.wait()
    changed.set()
