"""Runs without the cyclic garbage collector, which finds nothing to free where nothing is in a cycle.

It starts each time so many containers have been made, and now and then looks at all objects of the process:
among a service's million objects that takes longer than some thousand decisions do.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """For all threads, while one of those that asked for it still runs. Where it was off, it stays off."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
