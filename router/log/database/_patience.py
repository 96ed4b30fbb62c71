"""How long a thread waits for an answer of a database server.

A server that hangs closes no connection, and its system goes on saying that all has arrived: neither the
server's own limits nor those of the network end the wait. So it is ended here, and the connection given up.
Analyses of a whole log take their time and are not limited; what stands in the way of work is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER_S = 5.0  # beyond what a statement may wait for others; a log's url can say otherwise


class _Limit(threading.local):
    seconds: float | None = None


_limit = _Limit()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """For each answer that this thread waits for meanwhile; a shorter limit around it stays."""
    before = _limit.seconds
    _limit.seconds = seconds if before is None else min(before, seconds)
    try:
        yield
    finally:
        _limit.seconds = before


def limit_s() -> float | None:
    return _limit.seconds
