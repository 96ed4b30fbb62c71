"""What a kind of task may have that its text does not say: a level, and a deviation of each gap.

Effects are weighted points. The prior is a grid; outcomes multiply its weights by their likelihood.
A tier's score rises with every effect, and both "this tier suffices" and "a run at it is clean" are
rising functions of that one score: so a correction at a tier never raises the probability that it
suffices and a clean pass never lowers it, whatever was seen before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ._deviations import NODES, deviation_weights
from ._passing import Array, PassCurve, Widths, _logistic_cells, pass_curve, softplus
from ._place import Place

_STEP = 0.5
# In level scales. The far end is for types that fail where a text is sure that they pass (up to 7 above the
# cut): without it nothing could make a tier believed to fail more often than not.
_LEVELS = np.concatenate([np.arange(-14.0, -9.0), np.arange(-9.0, 9.5, _STEP)])
_WIDEST = 13.0  # in deviation sds: a gap so wide that the lower tier fails always and the upper one never
# groups per axis when thinned; where outcomes have left little in doubt many of them are empty
_THIN = {1: (24, 5), 2: (12, 5, 2), 3: (8, 4, 3, 2)}


@dataclass(frozen=True, eq=False)
class Effects:
    """Weighted points. levels : (n,). deviations : (n, n_tiers - 1). weights : (n,), sum to 1.
    widths : (n,), how much level a point stands for: "suffices" is smoothed over it.
    shape : of the grid whose points these are, levels first; empty for points of no grid.
    """

    levels: Array
    deviations: Array
    weights: Array
    widths: Array
    shape: tuple[int, ...] = ()

    def scores(self, place: Place | Array) -> Array:
        """(n, n_tiers), never falling along a row. Of effects that are `together`, of each task or of all
        of them, and of places of n_tasks, (n_tiers, n_tasks): (n, n_tiers, n_tasks).
        """
        at = np.asarray(place)
        steps = softplus(self.deviations + at[1:])
        scores = np.empty_like(steps, shape=(len(steps), *at.shape))
        np.add(self.levels, at[0], out=scores[:, 0])
        for tier in range(1, len(at)):
            np.add(scores[:, tier - 1], steps[:, tier - 1], out=scores[:, tier])
        return scores

    def reweighted(self, log_likelihood: Array) -> Effects:
        """Bayes' rule."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights) + log_likelihood
        weights = np.exp(log_weights - log_weights.max())
        return self.with_weights(weights / weights.sum())

    def with_weights(self, weights: Array) -> Effects:
        out = Effects(self.levels, self.deviations, weights, self.widths, self.shape)
        if self.shape:
            out.__dict__["_axes"] = self._axes  # of the points, which are the same
        return out

    def thinned(self) -> Effects:
        """Fewer points with the same mass, mean and spread: neighbours on the grid are taken together.

        Axis by axis, into groups of about equal mass; points off a grid stay as they are.
        """
        groups = _THIN.get(len(self.shape) - 1)
        if groups is None:
            return self
        powers, *deviations = self._axes
        mass = self.weights.reshape(self.shape[0], -1)
        into = _groups(np.add.reduce(mass, axis=1)[None], groups[0])[0]
        # mass and moments, (n_moments, cells so far, nodes of the axes that are left)
        sums = np.matmul(into * powers, mass)
        for nodes, n_groups in zip(deviations, groups[1:], strict=True):
            n_moments, n_cells, _ = sums.shape
            flat = sums.reshape(n_moments, n_cells, len(nodes), -1)
            into = _groups(np.add.reduce(flat[0], axis=-1), n_groups)
            sums = np.empty((n_moments + 1, n_cells, n_groups, flat.shape[-1]))
            np.matmul(into, flat, out=sums[:-1])
            np.matmul(into * nodes, flat[0], out=sums[-1])
            sums = sums.reshape(n_moments + 1, n_cells * n_groups, -1)
        sums = sums[:, :, 0]
        sums = sums[:, sums[0] > 1e-200]  # many outcomes leave cells without mass, and so without a mean
        mass, means = sums[0], sums[2:] / sums[0]
        spread = np.maximum(sums[1] / mass - means[0] ** 2, 0.0)
        width = np.sqrt(self.widths[0] ** 2 + 12.0 * spread)
        return Effects(means[0], np.ascontiguousarray(means[1:].T), mass / mass.sum(), width)

    @cached_property
    def _axes(self) -> list[Array]:
        """One, the level's square and the level, (3, 1, n_levels); then the nodes of each deviation."""
        levels, *deviations = [
            np.moveaxis(column.reshape(self.shape), axis, 0).reshape(self.shape[axis], -1)[:, 0].copy()
            for axis, column in enumerate([self.levels, *self.deviations.T])
        ]
        return [np.stack([np.ones_like(levels), levels**2, levels])[:, None], *deviations]


def together(distinct: Sequence[Effects], of_each: NDArray[np.int64]) -> Effects:
    """Those of n tasks: arrays with one axis more, the last, of tasks; points that a type has not weigh 0.

    Tasks come last, so that a sum over points adds them in order, whatever their number: as for one task.
    of_each : (n,), which of the distinct ones are the task's.
    """
    n_points, n_gaps = max(len(each.weights) for each in distinct), distinct[0].deviations.shape[1]
    shape = (n_points, len(distinct))
    levels, weights, widths = np.zeros(shape), np.zeros(shape), np.ones(shape)
    deviations = np.zeros((n_points, n_gaps, len(distinct)))
    for column, each in enumerate(distinct):
        n = len(each.weights)
        levels[:n, column], weights[:n, column] = each.levels, each.weights
        widths[:n, column], deviations[:n, :, column] = each.widths, each.deviations
    levels, deviations = levels.take(of_each, axis=-1), deviations.take(of_each, axis=-1)
    return Effects(levels, deviations, weights.take(of_each, axis=-1), widths.take(of_each, axis=-1))


def _groups(mass: Array, n_groups: int) -> Array:
    """(n_cells, n_groups, n_nodes): 1 where a node falls into the group; mass is (n_cells, n_nodes)."""
    until = np.add.accumulate(mass, axis=1)
    scale = n_groups / np.maximum(until[:, -1:], 1e-300)
    until -= mass / 2
    until *= scale
    group = np.minimum(until.astype(np.int64), n_groups - 1)
    return np.asarray(group[:, None, :] == np.arange(n_groups)[:, None], dtype=np.float64)


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
        unit_nodes = np.append(NODES, _WIDEST) if n_gaps <= 2 else NODES[2:-2:2]
        self._nodes = unit_nodes * widths.deviation_sd
        weights = _logistic_cells(self._levels, widths.level_scale)
        for _ in range(n_gaps):
            weights = weights[..., None] * deviation_weights(unit_nodes, widths.odd_share)
        self.shape = weights.shape
        axes = np.meshgrid(self._levels, *[self._nodes] * n_gaps, indexing="ij")
        points = np.stack([axis.ravel() for axis in axes], axis=1)
        width = np.full(
            len(points), _STEP * widths.level_scale
        )  # at the far end, too: nothing there suffices by half
        self.prior = Effects(points[:, 0], points[:, 1:], weights.ravel(), width, weights.shape)

    def log_likelihood(self, place: Place, counts: Mapping[int, Sequence[float]]) -> Array:
        """(n_points,): log P(counts | point), tier index -> (clean, not clean), all at one place."""
        scores = self.scores(np.array([place]))
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
        heard = self.heard(places, tier, failed)
        return np.log(np.where(clean.reshape(-1, *[1] * self.n_tiers), heard, 1.0 - heard))

    def heard(self, places: Array, tier: int, failed: Sequence[int] = ()) -> Array:
        """(n, ...): P(clean | a verdict was heard, point, these tiers failed before) at n places."""
        scores = self.scores(places, up_to=max(tier, *failed, 0))
        if failed:
            joint = failure_weights(self.curve, [scores[t] for t in failed])
            passes = (joint * self.curve.given_residual(scores[tier])).sum(axis=-1) / joint.sum(axis=-1)
        else:
            passes = self.curve.of(scores[tier])
        return self.curve.heard(passes)

    @cached_property
    def log_prior(self) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(self.prior.weights).reshape(self.shape)

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

    def scores(self, places: Array, *, up_to: int | None = None) -> list[Array]:
        """Per tier (n, ...), over the axes that it depends on; the others have length 1."""
        out = [places[:, :1] + self._levels]
        for gap in places[:, 1 : None if up_to is None else up_to + 1].T:
            steps = softplus(gap[:, None] + self._nodes)
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
