"""The latent grid: what a kind of task may be like, and which outcomes that makes likely.

A latent point says, for one kind of task, how likely a clean pass is at each tier. The text gives
only the *mass* of each needed tier; the grid gives the shape within each. Outcomes multiply the
grid by their likelihood, so history and text are weighed by Bayes' rule and nothing else
(a latent-class model with concomitant variables; Dayton & Macready 1988).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TOP_LOGITS = np.arange(-4.0, 7.01, 0.5)
_GAPS = np.array([0.1, 0.4, 0.8, 1.4, 2.1, 3.0, 4.2, 6.0])
_RESIDUAL_NODES = 7  # Gauss-Hermite; with 7 a pass probability is exact to 1e-4 at omega = 1


@dataclass(frozen=True)
class Widths:
    """The fixed shape of the grid, on the logit scale; the needed tier's two numbers with it."""

    top_mean: float = 3.0  # the top tier's typical logit of a clean pass: 93 %
    top_sd: float = 1.5
    gap_mean: float = 2.0  # between neighbouring tiers, exponential
    omega: float = 1.0  # residual of a single task, shared by all its attempts
    epsilon: float = 0.03  # outcomes that no tier avoids
    min_pass: float = 0.6
    tolerance: float = 0.10

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class LatentGrid:
    """All latent points of a ladder with `n_tiers` rungs.

    pass_given_residual : (n_points, n_nodes, n_tiers), P(clean) with the task's residual known.
    node_weights : (n_nodes,), of the residual's quadrature.
    pass_ : (n_points, n_tiers), P(clean | point), never falling along the last axis.
    needed : (n_points,), index of the needed tier.
    shape : (n_tiers, n_points), P(point | needed tier); each row sums to 1.
    """

    widths: Widths
    pass_given_residual: Array
    node_weights: Array
    pass_: Array
    needed: NDArray[np.int64]
    shape: Array

    @cached_property
    def mean_pass(self) -> Array:
        """(n_tiers, n_tiers): P(clean at column | needed is row), before any outcome."""
        return self.shape @ self.pass_

    @cached_property
    def log_clean(self) -> Array:
        return np.log(self.pass_)

    @cached_property
    def log_unclean(self) -> Array:
        return np.log1p(-self.pass_)

    def log_likelihood(self, counts: Mapping[int, Sequence[float]]) -> Array:
        """(n_points,): log P(outcomes | point) of tier index -> (clean, not clean)."""
        total = np.zeros(len(self.needed))
        for tier, (clean, unclean) in counts.items():
            total += clean * self.log_clean[:, tier] + unclean * self.log_unclean[:, tier]
        return total

    def posterior(self, mass: Array, log_likelihood: Array) -> Array:
        """(n_points,) weights from the text's (n_tiers,) mass and the outcomes' log-likelihood."""
        with np.errstate(divide="ignore"):
            log_weight = np.log(mass[self.needed] * self.shape.sum(axis=0)) + log_likelihood
        weight = np.exp(log_weight - log_weight.max())
        return np.asarray(weight / weight.sum())

    def needed_mass(self, weight: Array) -> Array:
        """(n_tiers,): P(needed tier) under (n_points,) weights."""
        return np.bincount(self.needed, weights=weight, minlength=len(self.shape)).astype(np.float64)

    def after_failures(self, weight: Array, failed: Sequence[int]) -> Array:
        """(n_points, n_nodes): weights of point and residual once these tiers failed this task."""
        joint = weight[:, None] * self.node_weights
        for tier in failed:
            joint = joint * (1.0 - self.pass_given_residual[:, :, tier])
        return np.asarray(joint / joint.sum())

    def fail_moment(self, weight: Array, tiers: Sequence[int]) -> float:
        """P(every one of these tiers fails the same task)."""
        joint = weight if weight.ndim == 2 else weight[:, None] * self.node_weights
        return float((joint * np.prod(1.0 - self.pass_given_residual[:, :, list(tiers)], axis=2)).sum())


@lru_cache(maxsize=4)
def latent_grid(n_tiers: int, widths: Widths = Widths()) -> LatentGrid:
    """Build the grid: the top tier's logit, and the gaps below it."""
    points = np.array(list(itertools.product(_TOP_LOGITS, *[_GAPS] * (n_tiers - 1))))
    below_top = np.cumsum(points[:, :0:-1], axis=1)[:, ::-1]  # from each lower tier up to the top
    logits = np.column_stack([points[:, :1] - below_top, points[:, :1]])
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(_RESIDUAL_NODES)
    node_weights = node_weights / node_weights.sum()
    residual = widths.omega * nodes[None, :, None]
    conditional = (1 - widths.epsilon) / (1 + np.exp(-(logits[:, None, :] + residual)))
    marginal = np.einsum("j,pjt->pt", node_weights, conditional)
    needed = needed_tier(marginal, widths)
    prior = np.exp(-0.5 * ((points[:, 0] - widths.top_mean) / widths.top_sd) ** 2)
    gap_weight = np.gradient(_GAPS) * np.exp(-_GAPS / widths.gap_mean)
    for column in points[:, 1:].T:
        prior = prior * gap_weight[np.searchsorted(_GAPS, column)]
    shape = np.stack([prior * (needed == tier) for tier in range(n_tiers)])
    shape /= shape.sum(axis=1, keepdims=True)
    return LatentGrid(widths, conditional, node_weights, marginal, needed, shape)


def needed_tier(pass_: Array, widths: Widths) -> NDArray[np.int64]:
    """Lowest tier that passes about as well as the top one, else the top; (..., n_tiers) -> (...)."""
    enough = np.maximum(widths.min_pass, (1 - widths.tolerance) * pass_[..., -1:])
    good = pass_ >= enough
    good[..., -1] = True
    return np.asarray(good.argmax(axis=-1))
