"""A connection to PostgreSQL that gives up on a server that hangs; see `_patience`."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout

from ._patience import limit_s


class Answering(psycopg.Connection[Any]):
    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = limit_s() if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            self.close()  # the answer to this might be taken for the one to the next
            raise psycopg.OperationalError(f"no answer within {limit:g} s") from None


def connected(arguments: Any, named: dict[str, Any]) -> Answering:
    """Within the limit as well; libpq waits for two seconds at least."""
    limit = limit_s()
    if limit is not None:
        named = {**named, "connect_timeout": max(min(int(named["connect_timeout"]), int(limit)), 2)}
    return Answering.connect(*arguments, **named)
