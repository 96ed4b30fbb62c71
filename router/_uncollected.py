"""Runs without the cyclic garbage collector, which finds nothing to free where nothing is in a cycle.

It starts each time so many containers have been made, and now and then looks at all objects of the process:
among a service's million objects that takes longer than some thousand decisions do.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_n_inside, _was_on = 0, False


@contextmanager
def uncollected() -> Iterator[None]:
    """For all threads, while one of those that asked for it still runs. Where it was off, it stays off."""
    global _n_inside, _was_on
    with _lock:
        if not _n_inside:
            _was_on = gc.isenabled()
            gc.disable()
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if not _n_inside and _was_on:
                gc.enable()
