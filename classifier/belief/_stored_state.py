"""A state as bytes: the newest outcomes, which change with each one, and the older ones, which seldom do.

The newest name the older part that they belong to, so that who holds that part need not read it again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .state import Bucket, Seen, TypeState

_json = json.JSONEncoder(separators=(",", ":")).encode
_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, SafetensorError)


def older_bytes(state: TypeState) -> bytes:
    """What is added up in buckets; empty without any."""
    if not state.buckets:
        return b""
    return save({str(index): bucket.log_likelihood for index, bucket in enumerate(state.buckets)})


def newest_bytes(state: TypeState, older: str) -> bytes:
    """All but the sums of the buckets. older : `digest` of these."""
    about = {
        "model": state.model,
        "older": older,
        "buckets": [[b.since, b.until, b.size] for b in state.buckets],
        "counts": [[tier, *pair] for tier, pair in sorted(state.counts.items())],
    }
    recent = ",".join(map(_written, state.recent))
    return f'{_json(about)[:-1]},"recent":[{recent}]}}'.encode()


def _written(seen: Seen) -> str:
    """Kept beside it: with every outcome all recent ones are written, and one of them is new."""
    known: str | None = seen.__dict__.get("_written")
    if known is None:
        known = _json([seen.at, seen.tier, seen.clean, seen.place, seen.failed, seen.weight])
        seen.__dict__["_written"] = known
    return known


def digest(older: bytes) -> str:
    return hashlib.blake2b(older, digest_size=8).hexdigest()


class Newest:
    """The newest part, read. older : which older part completes it. Raises ValueError for other bytes."""

    def __init__(self, stored: bytes) -> None:
        try:
            about: dict[str, Any] = json.loads(stored)
            self.older: str = about["older"]
            self._model: str = about["model"]
            self._buckets = [(float(since), float(until), int(n)) for since, until, n in about["buckets"]]
            self._recent = tuple(
                Seen(at, tier, clean, tuple(place), tuple(failed), weight)
                for at, tier, clean, place, failed, weight in about["recent"]
            )
            self._counts = {tier: (clean, unclean) for tier, clean, unclean in about["counts"]}
        except _BROKEN as error:
            raise ValueError(f"These bytes are no state: {error!r}.") from error

    def completed(self, older: bytes) -> TypeState:
        """Raises ValueError where the older part is another one."""
        if digest(older) != self.older:
            raise ValueError("The two parts of a stored state don't belong together.")
        try:
            sums = load(older) if older else {}
            return self._with([sums[str(i)] for i in range(len(self._buckets))])
        except _BROKEN as error:
            raise ValueError(f"These bytes are no state: {error!r}.") from error

    def completed_like(self, state: TypeState) -> TypeState:
        """With the sums of a state that has the same older part."""
        return self._with([bucket.log_likelihood for bucket in state.buckets])

    def _with(self, sums: list[NDArray[np.float32]]) -> TypeState:
        buckets = tuple(Bucket(*about, total) for about, total in zip(self._buckets, sums, strict=True))
        return TypeState(self._model, buckets, self._recent, self._counts)


def to_bytes(state: TypeState) -> bytes:
    """Both parts in one; no code in it. Equal states have equal bytes."""
    older = older_bytes(state)
    newest = newest_bytes(state, digest(older))
    return len(newest).to_bytes(4, "big") + newest + older


def from_bytes(stored: bytes) -> TypeState:
    """Raises ValueError for bytes that are no state."""
    end = 4 + int.from_bytes(stored[:4], "big")
    return Newest(stored[4:end]).completed(stored[end:])
