"""A connection to PostgreSQL that gives up on a server that hangs; see `_patience`."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from typing import Any

from ._patience import limit_s


def connected(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Within the limit as well; libpq waits for two seconds at least."""
    limit = limit_s()
    if limit is not None:
        named = {**named, "connect_timeout": max(min(int(named["connect_timeout"]), int(limit)), 2)}
    return _kind().connect(*arguments, **named)


@cache
def _kind() -> Any:
    import psycopg

    class Answering(psycopg.Connection[Any]):
        def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
            limit = limit_s()
            if limit is None:
                return super().wait(gen, *arguments, **named)
            try:
                return super().wait(_until(gen, time.monotonic() + limit), *arguments, **named)
            except TimeoutError:
                self.close()  # the answer to this might be taken for the one to the next
                raise psycopg.OperationalError(f"no answer within {limit:g} s") from None

    return Answering


def _until(gen: Generator[Any, Any, Any], end: float) -> Generator[Any, Any, Any]:
    """The same steps of the driver, which looks in several times a second while nothing comes."""
    try:
        asks = next(gen)
        while True:
            ready = yield asks
            if not ready and time.monotonic() > end:
                raise TimeoutError
            asks = gen.send(ready)
    except StopIteration as done:
        return done.value
