"""Ids of decisions: the time in front, so that a log keeps them in the order in which they come.

With ids all at random each new row changes some other page of a large index: writing one takes several
times as long at some hundred thousand rows. Behind the time stand 80 random bits.
"""

from __future__ import annotations

import os
import time

_TIME_BYTES, _RANDOM_BYTES = 6, 10  # as UUID version 7 divides them


def new_id() -> str:
    """32 hexadecimal digits."""
    return (_ms() + os.urandom(_RANDOM_BYTES)).hex()


def new_ids(n: int) -> list[str]:
    """The same, many at once."""
    at, some = _ms().hex(), os.urandom(_RANDOM_BYTES * n).hex()
    size = 2 * _RANDOM_BYTES
    return [at + some[i : i + size] for i in range(0, n * size, size)]


def _ms() -> bytes:
    return (time.time_ns() // 1_000_000).to_bytes(_TIME_BYTES, "big")
