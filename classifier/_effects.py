"""What a kind of task may have that its text does not say: a level, and a deviation of each gap.

Effects are weighted points. The prior is a grid; outcomes multiply its weights by their likelihood.
A tier's score rises with every effect, and both "this tier suffices" and "a run at it is clean" are
rising functions of that one score: so a correction at a tier never raises the probability that it
suffices and a clean pass never lowers it, whatever was seen before.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ._deviations import NODES, deviation_weights
from ._passing import Array, PassCurve, Widths, _logistic_cells, pass_curve
from ._place import Place

_LEVELS = np.linspace(-9.0, 9.0, 37)  # in level scales
_THIN = {1: (16, 4), 2: (8, 4, 2), 3: (8, 2, 2, 2)}  # groups per axis when thinned, about 64 points


@dataclass(frozen=True)
class Effects:
    """Weighted points. levels : (n,). deviations : (n, n_tiers - 1). weights : (n,), sum to 1.
    widths : (n,), how much level a point stands for: "suffices" is smoothed over it.
    """

    levels: Array
    deviations: Array
    weights: Array
    widths: Array

    def scores(self, place: Place) -> Array:
        """(n, n_tiers), never falling along a row."""
        return np.asarray(self.scores_of_many(np.array([place]))[0])

    def scores_of_many(self, places: Array) -> Array:
        """(n_places, n, n_tiers) of (n_places, n_tiers) places."""
        steps = np.logaddexp(0.0, places[:, None, 1:] + self.deviations)
        first = (places[:, :1] + self.levels)[..., None]
        return np.asarray(np.cumsum(np.concatenate([first, steps], axis=-1), axis=-1))

    def reweighted(self, log_likelihood: Array) -> Effects:
        """Bayes' rule."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights) + log_likelihood
        weights = np.exp(log_weights - log_weights.max())
        return self.with_weights(weights / weights.sum())

    def with_weights(self, weights: Array) -> Effects:
        return Effects(self.levels, self.deviations, weights, self.widths)

    def thinned(self) -> Effects:
        """About 64 points with the same mass, mean and spread: groups of equal mass, axis by axis."""
        shape = _THIN.get(self.deviations.shape[1])
        if shape is None or len(self.weights) <= int(np.prod(shape)):
            return self
        some = self.weights > 1e-200  # many outcomes leave points without mass, and so groups without a mean
        weights, levels = self.weights[some], self.levels[some]
        columns = np.column_stack([levels, self.deviations[some]])
        group = np.zeros(len(weights), dtype=np.int64)
        for axis, n_groups in enumerate(shape):
            group = group * n_groups + _within(group, columns[:, axis], weights, n_groups)
        _, group = np.unique(group, return_inverse=True)
        mass = np.bincount(group, weights=weights).astype(np.float64)
        means = np.column_stack([np.bincount(group, weights=weights * c) for c in columns.T]) / mass[:, None]
        spread = np.bincount(group, weights=weights * (levels - means[group, 0]) ** 2) / mass
        width = np.bincount(group, weights=weights * self.widths[some] ** 2) / mass
        return Effects(means[:, 0], means[:, 1:], mass, np.sqrt(width + 12.0 * spread))


def _within(group: np.ndarray, values: Array, weights: Array, n_groups: int) -> np.ndarray:
    """Which of n_groups equal masses of its group each point falls into, by value."""
    order = np.lexsort((values, group))
    mass = np.cumsum(weights[order])
    ends = np.flatnonzero(np.diff(group[order], append=-1))
    totals = np.diff(mass[ends], prepend=0.0)
    of_group = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    before = np.concatenate([[0.0], mass[ends][:-1]])[of_group]
    middle = (mass - weights[order] / 2 - before) / np.maximum(totals[of_group], 1e-300)
    out = np.empty(len(group), dtype=np.int64)
    out[order] = np.clip((middle * n_groups).astype(np.int64), 0, n_groups - 1)
    return out


class Grid:
    """The prior over effects of a ladder with `n_tiers` rungs, and the likelihood of outcomes on it.

    Arrays over the grid keep its axes, (levels, deviations, deviations, ...): a tier's score depends on
    the deviations below it only, so the lower tiers cost next to nothing.
    """

    def __init__(self, n_tiers: int, widths: Widths) -> None:
        self.n_tiers, self.widths = n_tiers, widths
        self.curve: PassCurve = pass_curve(widths)
        n_gaps = n_tiers - 1
        self._levels = _LEVELS * widths.level_scale
        unit_nodes = NODES if n_gaps <= 2 else NODES[2:-2:2]
        self._nodes = unit_nodes * widths.deviation_sd
        weights = _logistic_cells(self._levels, widths.level_scale)
        for _ in range(n_gaps):
            weights = weights[..., None] * deviation_weights(unit_nodes)
        self.shape = weights.shape
        points = np.array(list(itertools.product(self._levels, *[self._nodes] * n_gaps)))
        width = np.full(len(points), self._levels[1] - self._levels[0])
        self.prior = Effects(points[:, 0], points[:, 1:], weights.ravel(), width)

    def log_likelihood(self, place: Place, counts: Mapping[int, Sequence[float]]) -> Array:
        """(n_points,): log P(counts | point), tier index -> (clean, not clean), all at one place."""
        scores = self._scores(np.array([place]))
        total = np.zeros(self.shape)
        for tier, (clean, unclean) in counts.items():
            passes = self.curve.heard(self.curve.of(scores[tier][0]))
            total += clean * np.log(passes) + unclean * np.log1p(-passes)
        return total.ravel()

    def log_outcome(self, place: Place, tier: int, clean: bool, failed: Sequence[int] = ()) -> Array:
        """(n_points,): log P(this verdict | point, these tiers failed at the very task before)."""
        found = self.log_outcomes(np.array([place]), tier, np.array([clean]), failed)[0]
        return np.broadcast_to(found, self.shape).ravel()

    def log_outcomes(
        self, places: Array, tier: int, clean: NDArray[np.bool_], failed: Sequence[int] = ()
    ) -> Array:
        """(n, ...): the same of verdicts at n places; axes on which it does not depend have length 1."""
        scores = self._scores(places, up_to=max(tier, *failed, 0))
        if failed:
            joint = failure_weights(self.curve, [scores[t] for t in failed])
            passes = (joint * self.curve.given_residual(scores[tier])).sum(axis=-1) / joint.sum(axis=-1)
        else:
            passes = self.curve.of(scores[tier])
        heard = self.curve.heard(passes)
        return np.log(np.where(clean.reshape(-1, *[1] * self.n_tiers), heard, 1.0 - heard))

    @cached_property
    def thin_prior(self) -> Effects:
        return self.prior.thinned()

    @cached_property
    def top_suffices(self) -> bool:
        """Whether the top tier passes at least `min_pass` wherever a text may place a task: its score is
        nowhere below `top` plus level and deviation.
        """
        thin = self.thin_prior
        lowest = self.widths.top + thin.levels + thin.deviations[:, -1]
        return float(thin.weights @ self.curve.of(lowest)) >= self.widths.min_pass

    def _scores(self, places: Array, *, up_to: int | None = None) -> list[Array]:
        """Per tier (n, ...), over the axes that it depends on; the others have length 1."""
        out = [places[:, :1] + self._levels]
        for gap in places[:, 1 : None if up_to is None else up_to + 1].T:
            steps = np.logaddexp(0.0, gap[:, None] + self._nodes)
            out.append(out[-1][..., None] + steps.reshape(len(gap), *[1] * (out[-1].ndim - 1), -1))
        return [score.reshape(score.shape + (1,) * (self.n_tiers + 1 - score.ndim)) for score in out]


def failure_weights(curve: PassCurve, scores: Sequence[Array]) -> Array:
    """Weight of each residual (a last axis of nodes) times P(attempts with these scores all fail)."""
    joint = curve.residual_weights
    for score in scores:
        joint = joint * (1.0 - curve.given_residual(score))
    return joint


@lru_cache(maxsize=8)
def effect_grid(n_tiers: int, widths: Widths) -> Grid:
    """The grid, built once for each ladder length and set of widths."""
    return Grid(n_tiers, widths)
