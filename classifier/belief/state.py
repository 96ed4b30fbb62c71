"""What the outcomes of one task type say, ready for the next decision.

A state is the log-likelihood of the type's outcomes over the effects' grid: the newest outcomes one
by one, older ones added up in a few buckets of time. A late verdict lands where it belongs; states
of disjoint outcomes merge; a state is rebuilt from rows when the model changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import StateMismatch
from ._effects import Effects, Grid
from ._passing import Array
from ._place import Place

MAX_RECENT = 24  # outcomes kept one by one, so that a change is seen at once
_FOLD = 8  # the oldest of them go into a bucket together
_AT_ONCE = 8 * _FOLD  # outcomes: what is worked out of them stays in the processor's cache
MAX_BUCKETS = 4

Counts = dict[int, tuple[float, float]]

BASIS_WEIGHT: Mapping[str, float] = {"person": 1.0, "check": 1.0, "downstream": 0.7, "imported": 0.7}


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
        """(n_points,)."""
        return np.broadcast_to(self._on_axes(grid), grid.shape).ravel()

    def likelihood(self, grid: Grid) -> Array:
        """Relative to the likeliest point; over the axes of the grid that it depends on."""
        if self.weight == 1.0:  # no need of its logarithm
            heard = grid.heard(np.array([self.place]), self.tier, self.failed)[0]
            likelihood = heard if self.clean else 1.0 - heard
            return np.asarray(likelihood / likelihood.max())
        log_likelihood = self._on_axes(grid)
        return np.asarray(np.exp(log_likelihood - log_likelihood.max()))

    def _on_axes(self, grid: Grid) -> Array:
        found = grid.log_outcomes(np.array([self.place]), self.tier, np.array([self.clean]), self.failed)
        return np.asarray(self.weight * found[0])


@dataclass(frozen=True, eq=False)
class Bucket:
    """Older outcomes added up. since, until : of the times of its outcomes; size : how many."""

    since: float
    until: float
    size: int
    log_likelihood: NDArray[np.float32]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bucket):
            return NotImplemented
        same = (self.since, self.until, self.size) == (other.since, other.until, other.size)
        return same and np.array_equal(self.log_likelihood, other.log_likelihood)

    def __hash__(self) -> int:
        return hash((self.since, self.until, self.size))


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
        last_folded = self.folded_until
        late = [each for each in new if each.at <= last_folded]
        state = replace(
            self,
            buckets=_with_late(self.buckets, late, grid),
            recent=tuple(sorted([*self.recent, *(e for e in new if e.at > last_folded)], key=_when)),
            counts=_counted(self.counts, new),
        )
        folded = state._folded(grid)
        if folded.buckets is self.buckets and folded.recent[: len(self.recent)] == self.recent:
            # nothing before the new ones has changed: the filter goes on from where it was
            weights, pending = self.__dict__.get("_weights"), ()
            if weights is None:
                weights, pending = self.__dict__.get("_start", (None, ()))
            if weights is not None:
                folded.__dict__["_start"] = weights, (*pending, *folded.recent[len(self.recent) :])
        return folded

    def without(self, at: float, tier: int, clean: bool) -> TypeState | None:
        """The state as if this outcome had never come; None where only the rows can tell.

        That is so where it was added up with others, or can't be told from another one.
        """
        found = [s for s in self.recent if (s.at, s.tier, s.clean) == (at, tier, clean)]
        if not found or any(each != found[0] for each in found):
            return None
        place = self.recent.index(found[-1])
        before = self.counts[tier]
        left = before[0] - clean, before[1] - (not clean)
        counts = {t: pair for t, pair in {**self.counts, tier: left}.items() if any(pair)}
        return replace(self, recent=self.recent[:place] + self.recent[place + 1 :], counts=counts)

    @property
    def folded_until(self) -> float:
        """Outcomes up to this time are added up: one that comes later but is of before belongs among them."""
        return self.buckets[-1].until if self.buckets else -math.inf

    @property
    def is_full(self) -> bool:
        """As many recent outcomes are kept as adding them one by one would have left."""
        return not self.buckets or len(self.recent) > MAX_RECENT - _FOLD

    def merge(self, other: TypeState, grid: Grid) -> TypeState:
        """Both states' outcomes, which must be disjoint. Raises StateMismatch for another model's."""
        if other.model != self.model:
            raise StateMismatch(self.model, other.model)
        buckets = tuple(sorted((*self.buckets, *other.buckets), key=lambda b: (b.until, b.since, b.size)))
        counts = dict(self.counts)
        for tier, (clean, unclean) in other.counts.items():
            before = counts.get(tier, (0.0, 0.0))
            counts[tier] = (before[0] + clean, before[1] + unclean)
        # all recent outcomes anew: what is new to one of them may be older than what the other has added up
        recent = sorted(
            (*self.recent, *other.recent), key=lambda s: (s.at, s.tier, s.clean, s.place, s.failed)
        )
        added = TypeState(self.model, _compact(buckets)).observe(recent, grid)
        return replace(added, counts=counts)

    def effects(self, grid: Grid, *, as_of: float | None = None) -> Effects:
        """What is believed of the type: Bayes' rule outcome by outcome, with a hazard of change before each.

        posterior = (1 - h) * old + h * prior, then times the likelihood. With `as_of`, only outcomes
        up to that time; a bucket that reaches beyond it is left out as a whole.
        """
        if as_of is None:
            return self._now(grid)
        buckets = [bucket for bucket in self.buckets if bucket.until <= as_of]
        recent = [seen for seen in self.recent if seen.at <= as_of]
        return grid.prior.with_weights(_filtered(buckets, recent, grid)).thinned()

    def _now(self, grid: Grid) -> Effects:
        """Worked out once, and from the weights of the state before, where this one only adds to it."""
        found: Effects | None = self.__dict__.get("_effects")
        if found is None:
            start, recent = self.__dict__.pop("_start", (None, self.recent))
            weights = _filtered(() if start is not None else self.buckets, recent, grid, start)
            found = grid.prior.with_weights(weights).thinned()
            self.__dict__.update(_weights=weights, _effects=found)
        return found

    def _folded(self, grid: Grid) -> TypeState:
        recent, buckets = self.recent, self.buckets
        sums = iter(_sums_of_folds(recent, grid))
        while len(recent) > MAX_RECENT:
            old, recent = recent[:_FOLD], recent[_FOLD:]
            total = next(sums)
            buckets = _compact((*buckets, Bucket(old[0].at, old[-1].at, len(old), total)))
        return replace(self, recent=recent, buckets=buckets)


def _when(seen: Seen) -> float:
    return seen.at


def _sums_of_folds(recent: Sequence[Seen], grid: Grid) -> Iterator[NDArray[np.float32]]:
    """(n_points,): log-likelihood of the oldest, fold by fold; worked out some folds at a time."""
    n_folded = -(-max(len(recent) - MAX_RECENT, 0) // _FOLD) * _FOLD
    for start in range(0, n_folded, _AT_ONCE):
        some = log_likelihoods(recent[start : min(start + _AT_ONCE, n_folded)], grid)
        for old in some.reshape(-1, _FOLD, some.shape[1]):
            yield np.sum(old, axis=0).astype(np.float32)


def log_likelihoods(seen: Sequence[Seen], grid: Grid) -> Array:
    """(n, n_points): each exactly as `Seen.log_likelihood` gives it, those of a tier at once."""
    found = np.empty((len(seen), *grid.shape))
    kinds: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for index, each in enumerate(seen):
        kinds.setdefault((each.tier, each.failed), []).append(index)
    for (tier, failed), which in kinds.items():
        some = [seen[index] for index in which]
        places, clean = np.array([each.place for each in some]), np.array([each.clean for each in some])
        weight = np.array([each.weight for each in some]).reshape(-1, *[1] * len(grid.shape))
        found[which] = weight * grid.log_outcomes(places, tier, clean, failed)
    return found.reshape(len(seen), -1)


def _filtered(
    buckets: Iterable[Bucket], recent: Iterable[Seen], grid: Grid, start: Array | None = None
) -> Array:
    """(n_points,) weights after these outcomes, from the prior or from the weights before them."""
    prior = grid.prior.weights
    weights = prior if start is None else start
    for bucket in buckets:
        weights = _changed(weights, prior, 1.0 - (1.0 - grid.widths.hazard) ** bucket.size)
        weights = weights * np.exp(bucket.log_likelihood - bucket.log_likelihood.max())
        weights = weights / weights.sum()
    for seen in recent:
        weights = _changed(weights, prior, grid.widths.hazard)
        shaped = weights.reshape(grid.shape)
        shaped *= seen.likelihood(grid)
        weights /= weights.sum()
    return weights


def _changed(weights: Array, prior: Array, hazard: float) -> Array:
    changed = hazard * prior
    changed += (1.0 - hazard) * weights
    return changed


def _with_late(buckets: tuple[Bucket, ...], late: Sequence[Seen], grid: Grid) -> tuple[Bucket, ...]:
    """Late outcomes added to the bucket that covers their time."""
    if not late:
        return buckets
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
