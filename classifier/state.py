"""What the outcomes of one task type say, ready for the next decision.

A state is the log-likelihood of the type's outcomes over the effects' grid: the newest outcomes one
by one, older ones added up in a few buckets of time. A late verdict lands where it belongs; states
of disjoint outcomes merge; a state is rebuilt from rows when the model changes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from ._effects import Effects, Grid
from ._passing import Array
from ._place import Place
from .errors import StateMismatch

MAX_RECENT = 24  # outcomes kept one by one, so that a change is seen at once
_FOLD = 8  # the oldest of them go into a bucket together
MAX_BUCKETS = 4

Counts = dict[int, tuple[float, float]]


@dataclass(frozen=True)
class Seen:
    """One verdict. at : seconds since 1970. failed : tiers that had failed at the very task before."""

    at: float
    tier: int
    clean: bool
    place: Place
    failed: tuple[int, ...] = ()
    weight: float = 1.0

    def log_likelihood(self, grid: Grid) -> Array:
        return self.weight * grid.log_outcome(self.place, self.tier, self.clean, self.failed)


@dataclass(frozen=True)
class Bucket:
    """Older outcomes added up. since, until : of the times of its outcomes; size : how many."""

    since: float
    until: float
    size: int
    log_likelihood: NDArray[np.float32]


@dataclass(frozen=True)
class TypeState:
    """Immutable. model : fingerprint of the model that placed the outcomes."""

    model: str
    buckets: tuple[Bucket, ...] = ()
    recent: tuple[Seen, ...] = ()
    counts: Counts = field(default_factory=dict)

    @property
    def n_outcomes(self) -> int:
        return len(self.recent) + sum(bucket.size for bucket in self.buckets)

    def observe(self, seen: Iterable[Seen], grid: Grid) -> TypeState:
        """The state with these outcomes added, whatever their order."""
        new = sorted(seen, key=_when)
        last_folded = self.buckets[-1].until if self.buckets else -math.inf
        late = [each for each in new if each.at <= last_folded]
        state = replace(
            self,
            buckets=_with_late(self.buckets, late, grid),
            recent=tuple(sorted([*self.recent, *(e for e in new if e.at > last_folded)], key=_when)),
            counts=_counted(self.counts, new),
        )
        return state._folded(grid)

    def merge(self, other: TypeState, grid: Grid) -> TypeState:
        """Both states' outcomes, which must be disjoint. Raises StateMismatch for another model's."""
        if other.model != self.model:
            raise StateMismatch(self.model, other.model)
        buckets = tuple(sorted((*self.buckets, *other.buckets), key=lambda bucket: bucket.until))
        counts = dict(self.counts)
        for tier, (clean, unclean) in other.counts.items():
            before = counts.get(tier, (0.0, 0.0))
            counts[tier] = (before[0] + clean, before[1] + unclean)
        merged = TypeState(self.model, _compact(buckets), self.recent, counts)
        uncounted = merged.observe(other.recent, grid)
        return replace(uncounted, counts=counts)

    def effects(self, grid: Grid, *, as_of: float | None = None) -> Effects:
        """What is believed of the type: Bayes' rule outcome by outcome, with a hazard of change before each.

        posterior = (1 - h) * old + h * prior, then times the likelihood. With `as_of`, only outcomes
        up to that time; a bucket that reaches beyond it is left out as a whole.
        """
        if as_of is None:
            return self._now(grid)
        return _filtered(
            [b for b in self.buckets if b.until <= as_of], [s for s in self.recent if s.at <= as_of], grid
        )

    def _now(self, grid: Grid) -> Effects:
        found: Effects | None = self.__dict__.get("_effects")
        if found is None:
            found = _filtered(self.buckets, self.recent, grid)
            self.__dict__["_effects"] = found
        return found

    def _folded(self, grid: Grid) -> TypeState:
        recent, buckets = self.recent, self.buckets
        while len(recent) > MAX_RECENT:
            old, recent = recent[:_FOLD], recent[_FOLD:]
            total = np.sum([each.log_likelihood(grid) for each in old], axis=0).astype(np.float32)
            buckets = _compact((*buckets, Bucket(old[0].at, old[-1].at, len(old), total)))
        return replace(self, recent=recent, buckets=buckets)

    def to_bytes(self) -> bytes:
        """For storage beside the outcomes; safetensors, no code in it."""
        about = {
            "model": self.model,
            "buckets": [[b.since, b.until, b.size] for b in self.buckets],
            "recent": [[s.at, s.tier, s.clean, s.place, s.failed, s.weight] for s in self.recent],
            "counts": [[tier, *pair] for tier, pair in self.counts.items()],
        }
        arrays = {str(index): bucket.log_likelihood for index, bucket in enumerate(self.buckets)}
        text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        return save({**arrays, "about": text})

    @classmethod
    def from_bytes(cls, stored: bytes) -> TypeState:
        """Raises ValueError or KeyError for bytes that are no state."""
        arrays = load(stored)
        about = json.loads(arrays["about"].tobytes())
        buckets = tuple(
            Bucket(since, until, size, arrays[str(i)])
            for i, (since, until, size) in enumerate(about["buckets"])
        )
        recent = tuple(
            Seen(at, tier, clean, tuple(place), tuple(failed), weight)
            for at, tier, clean, place, failed, weight in about["recent"]
        )
        return cls(about["model"], buckets, recent, {tier: (c, u) for tier, c, u in about["counts"]})


def _when(seen: Seen) -> float:
    return seen.at


def _filtered(buckets: Iterable[Bucket], recent: Iterable[Seen], grid: Grid) -> Effects:
    prior, hazard = grid.prior.weights, grid.widths.hazard
    weights = prior
    steps: list[tuple[int, NDArray[Any]]] = [
        *((bucket.size, bucket.log_likelihood) for bucket in buckets),
        *((1, seen.log_likelihood(grid)) for seen in recent),
    ]
    for size, log_likelihood in steps:
        changed = 1.0 - (1.0 - hazard) ** size
        weights = (1.0 - changed) * weights + changed * prior
        weights = weights * np.exp(log_likelihood - log_likelihood.max())
        weights = weights / weights.sum()
    return grid.prior.with_weights(weights).thinned()


def _with_late(buckets: tuple[Bucket, ...], late: Iterable[Seen], grid: Grid) -> tuple[Bucket, ...]:
    """Late outcomes added to the bucket that covers their time."""
    out = list(buckets)
    for seen in late:
        index = next(i for i, bucket in enumerate(out) if seen.at <= bucket.until)
        old = out[index]
        total = (old.log_likelihood + seen.log_likelihood(grid)).astype(np.float32)
        out[index] = Bucket(min(old.since, seen.at), old.until, old.size + 1, total)
    return tuple(out)


def _compact(buckets: tuple[Bucket, ...]) -> tuple[Bucket, ...]:
    """The oldest buckets added up until there are few."""
    while len(buckets) > MAX_BUCKETS:
        a, b, *rest = buckets
        total = a.log_likelihood + b.log_likelihood
        buckets = (Bucket(min(a.since, b.since), b.until, a.size + b.size, total), *rest)
    return buckets


def _counted(counts: Counts, new: Iterable[Seen]) -> Counts:
    out = dict(counts)
    for seen in new:
        clean, unclean = out.get(seen.tier, (0.0, 0.0))
        out[seen.tier] = (clean + seen.clean, unclean + (not seen.clean))
    return out
