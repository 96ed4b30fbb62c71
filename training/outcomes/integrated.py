"""The likelihood of each type's outcomes, summed over points of what its effects may be, and its gradient.

A tier's score depends on the effects up to its own, so a verdict at the lowest tier is worked out at the
nodes of the level only, one at the next tier at those of the level and the first deviation, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import PassCurve
from .frame import Outcomes
from .likelihood import ByTier, step_of, verdict_likelihood

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
_AT_ONCE = 8_192  # rows, and the rest of the last one's type: what is worked out of them stays in the cache


class Points(NamedTuple):
    """Points of the effects of each type: nodes of the level, with each of them nodes of the first deviation,
    and so on.

    effects : per tier (n_nodes so far, n_types). log_weights : (n_points, n_types).
    """

    effects: Sequence[Array]
    log_weights: Array

    @classmethod
    def single(cls, effects: Array) -> Points:
        """One for each type, of weight 1. effects : (n_types, n_tiers)."""
        return cls(list(effects.T[:, None]), np.zeros((1, len(effects))))


class Verdicts:
    """Outcomes in the order in which they are worked out: some types at a time, of these what is alike."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes, self.n_types = outcomes, len(outcomes.type_names)
        n_rows = np.bincount(outcomes.types, minlength=self.n_types)
        batch_of = (np.cumsum(n_rows) - n_rows) // _AT_ONCE
        first = np.append(np.flatnonzero(np.diff(batch_of, prepend=-1)), self.n_types)
        self._batches: list[tuple[slice, list[_Alike]]] = [(slice(a, b), []) for a, b in pairwise(first)]
        for (tier, failed), rows in outcomes.alike().items():
            by_type = rows[np.argsort(outcomes.types[rows], kind="stable")]
            edges = np.searchsorted(outcomes.types[by_type], first)
            for (types, groups), (start, end) in zip(self._batches, pairwise(edges), strict=True):
                if start < end:
                    groups.append(_Alike.of(outcomes, tier, failed, by_type[start:end], types.start))

    def log_likelihood(self, curve: PassCurve, places: Array, points: Points) -> tuple[Array, Array]:
        """(n_types,) logarithms of the sums over points, and the (n, n_tiers) gradient by the places.

        The gradient is the mean of the points' gradients under their posterior weights (Fisher's identity).
        places : (n, n_tiers).
        """
        totals, gradient = np.empty(self.n_types), np.zeros(places.shape[::-1])
        by_tier = np.ascontiguousarray(places.T)
        for types, groups in self._batches:
            effects = [each[:, types] for each in points.effects]
            worked_out = [_WorkedOut.of(curve, group, by_tier, effects) for group in groups]
            of_types = points.log_weights[:, types].copy()
            for group, found in zip(groups, worked_out, strict=True):
                total = np.add.reduceat(found.log_likelihood * group.weights, group.starts, axis=1)
                _by_node(of_types, len(total))[:, :, group.kinds] += total[:, None]
            totals[types], posterior = _normalised(of_types)
            for group, found in zip(groups, worked_out, strict=True):
                of_points = _by_node(posterior, len(found.log_likelihood)).sum(axis=1)
                for tier, by_place in found.gradient(group.of_rows(of_points) * group.weights):
                    gradient[tier, group.rows] = by_place
        return totals, gradient.T

    def sums_by_type(self, by_row: Array) -> Array:
        """(n_types, n_columns) sums of (n, n_columns) over the rows of each type."""
        types = self.outcomes.types
        return np.stack([np.bincount(types, column, self.n_types) for column in by_row.T], axis=1)


class _Alike(NamedTuple):
    """Verdicts at one tier after the same failures, type by type.

    rows, clean, weights : (n,). kinds : the types, counted within the batch. starts : where each begins.
    """

    tier: int
    failed: tuple[int, ...]
    rows: Ints
    clean: NDArray[np.bool_]
    weights: Array
    kinds: Ints
    starts: Ints

    @classmethod
    def of(
        cls, outcomes: Outcomes, tier: int, failed: tuple[int, ...], rows: Ints, first_type: int
    ) -> _Alike:
        types = outcomes.types[rows]
        starts = np.flatnonzero(np.diff(types, prepend=-1))
        clean, weights = outcomes.clean[rows], outcomes.weights[rows]
        return cls(tier, failed, rows, clean, weights, types[starts] - first_type, starts)

    def of_rows(self, of_types: Array) -> Array:
        """(..., n) from (..., types of the batch)."""
        n_rows = np.diff(self.starts, append=len(self.rows))
        return of_types[:, self.kinds].repeat(n_rows, axis=1)


class _WorkedOut(NamedTuple):
    """Of verdicts that are alike: (n_points, n) log-likelihoods, their gradients by scores, and per gap the
    derivative of its step, (n_nodes so far, n).
    """

    log_likelihood: Array
    by_score: ByTier
    slopes: list[Array]
    n_nodes: list[int]

    @classmethod
    def of(cls, curve: PassCurve, group: _Alike, places: Array, effects: Sequence[Array]) -> _WorkedOut:
        scores = [group.of_rows(effects[0]) + places[0, group.rows]]
        slopes = []
        for tier in range(1, max(group.tier, *group.failed, 0) + 1):
            step, slope = step_of(group.of_rows(effects[tier]) + places[tier, group.rows])
            _by_node(step, len(scores[-1]))[:] += scores[-1][:, None]
            scores.append(step)
            slopes.append(slope)
        n_nodes = list(map(len, scores))
        if group.failed:
            scores = [score.repeat(n_nodes[-1] // len(score), axis=0) for score in scores]
        found = verdict_likelihood(curve, scores, group.tier, group.clean, group.failed)
        return cls(*found, slopes, n_nodes)

    def gradient(self, weights: Array) -> Iterator[tuple[int, Array]]:
        """Tier -> (n,): by the level, or by the gap below the tier; weighed by (n_points, n)."""
        above = np.zeros_like(weights)
        for tier in reversed(range(len(self.n_nodes))):
            if tier in self.by_score:
                above += _by_node(self.by_score[tier] * weights, len(above)).sum(axis=1)
            above = _by_node(above, self.n_nodes[tier]).sum(axis=1)
            yield tier, (above * self.slopes[tier - 1] if tier else above).sum(axis=0)


def _by_node(of_points: Array, n_nodes: int) -> Array:
    """(n_nodes, points of each, n) of (n_points, n)."""
    return of_points.reshape(n_nodes, -1, of_points.shape[1])


def _normalised(log_weights: Array) -> tuple[Array, Array]:
    """(n,) logarithms of the sums of (n_points, n) weights, and the weights as shares; in place."""
    largest = log_weights.max(axis=0)
    log_weights -= largest
    weights = np.exp(log_weights, out=log_weights)
    total = weights.sum(axis=0)
    weights /= total
    return largest + np.log(total), weights
