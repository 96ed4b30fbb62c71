"""What is believed after counts of a type. Every task has counts at a place of its own, so nothing is shared
between tasks but the grid: all is summed along its axes, where the lower tiers cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ._effects import Grid
from ._passing import Array

_AT_ONCE = 16  # tasks: their grids stay in the processor's cache


def after_counts(
    grid: Grid, places: Array, counts: Sequence[Mapping[int, Sequence[float]]]
) -> tuple[Array, Array]:
    """(n, n_tiers) each: P(needed tier) and P(clean | tier); a row is the same whatever the others are.

    places : (n, n_tiers). counts : of each task, tier index -> (clean, not clean).
    """
    pairs = np.zeros((len(places), grid.n_tiers, 2))
    for row, each in enumerate(counts):
        for tier, pair in each.items():
            pairs[row, tier] = pair
    found = [
        _after_counts(grid, places[start : start + _AT_ONCE], pairs[start : start + _AT_ONCE])
        for start in range(0, len(places), _AT_ONCE)
    ]
    needed, passes = zip(*found, strict=True)
    return np.concatenate(needed), np.concatenate(passes)


def _after_counts(grid: Grid, places: Array, pairs: Array) -> tuple[Array, Array]:
    n, n_tiers = places.shape
    scores = grid.scores(places)
    passes = list(map(grid.curve.of, scores))
    log_likelihood = np.zeros((n, *[1] * n_tiers))
    for tier in range(n_tiers):
        clean, unclean = pairs[:, tier].T.reshape(2, n, *[1] * n_tiers)
        if clean.any() or unclean.any():
            heard = grid.curve.heard(passes[tier])
            log_likelihood = log_likelihood + (clean * np.log(heard) + unclean * np.log1p(-heard))
    weights = grid.log_prior + log_likelihood
    weights -= weights.reshape(n, -1).max(axis=1).reshape(n, *[1] * n_tiers)
    np.exp(weights, out=weights)
    total = _summed(weights)
    pass_, at_most = np.empty((n_tiers, n)), np.empty((n_tiers, n))
    at_most[-1] = total
    for tier in reversed(range(n_tiers)):  # weights : over the axes that the tier depends on
        pass_[tier] = _summed(weights * passes[tier].reshape(weights.shape))
        if tier < n_tiers - 1:
            suffices = (scores[tier].reshape(weights.shape) - grid.curve.cut) / grid.prior.widths[0] + 0.5
            at_most[tier] = _summed(weights * np.clip(suffices, 0.0, 1.0))
        weights = weights.sum(axis=-1)
    # sums over different axes may round apart; what never falls up the ladder must not
    at_most, pass_ = (np.maximum.accumulate(each / total, axis=0) for each in (at_most, pass_))
    needed = np.diff(np.minimum(at_most, 1.0), axis=0, prepend=0.0)
    return needed.T, pass_.T


def _summed(of_points: Array) -> Array:
    """(n,) of (n, ...)."""
    return np.asarray(of_points.reshape(len(of_points), -1).sum(axis=1))
