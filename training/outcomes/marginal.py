"""The correction by marginal likelihood: the effects of each type integrated out, not estimated.

Estimated effects take up what the shared parameters should say: with wide effects the most probable gap
between two tiers is next to none for all texts, and every type has a deviation of its own. So the fit
goes on from there by adaptive Gauss-Hermite quadrature (Pinheiro and Bates 1995): per type a few points
around its most probable effects, as wide as its outcomes leave them; the gradient is the mean of the
points' gradients under their posterior weights (Fisher's identity).
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import PassCurve
from ..features.space import Blocks
from .correction import fit_effects, log_prior, minimised
from .frame import Outcomes
from .integrated import Points, Verdicts
from .likelihood import scores_of
from .penalties import Correction, Penalties, Text

Array = NDArray[np.float64]
_ORDERS = ((5, 5), (5, 3), (3, 3), (3, 2))  # nodes of the level and of each deviation, finest first
_MOST = 1_500_000  # rows times points: where there are more rows, types have more of them and need fewer


def fit_marginal(
    outcomes: Outcomes,
    text_places: Array,
    features: Blocks,
    curve: PassCurve,
    penalties: Penalties,
    start: Correction,
    *,
    max_iterations: int = 20,
) -> Correction:
    """Maximise the penalised marginal likelihood from `start`.

    text_places : (n, n_tiers). features : (n, n_features).
    """
    n_tiers = text_places.shape[1]
    text, verdicts = Text(features, n_tiers, penalties), Verdicts(outcomes)
    first_places = start.places(text_places, features)
    centre = fit_effects(verdicts, first_places, curve, start.effects)
    points = _points(outcomes, first_places, curve, centre)

    def loss(parameters: Array) -> tuple[float, Array]:
        slopes, shifts, weights = text.split(parameters)
        places = slopes * text_places + shifts + features @ weights
        of_types, by_row = verdicts.log_likelihood(curve, places, points)
        prior, of_prior = text.log_prior(parameters)
        return -float(of_types.sum()) - prior, -text.gradient(by_row, text_places) - of_prior

    first = np.concatenate([part.ravel() for part in (start.slopes, start.shifts, start.weights)])
    found, value = minimised(loss, first, text.curvature(outcomes, text_places, curve.widths), max_iterations)
    return Correction(*text.split(found), centre, -value)


def _points(outcomes: Outcomes, places: Array, curve: PassCurve, effects: Array) -> Points:
    """Nodes of a normal around these effects, one for each type."""
    n_tiers = effects.shape[1]
    sizes, nodes, log_weights = _standard(n_tiers, len(outcomes))
    spread = np.linalg.cholesky(np.linalg.inv(_precision(outcomes, places, curve, effects)))
    at = effects[:, None, :] + np.einsum("tij,pj->tpi", spread, nodes)
    log_size = np.log(np.diagonal(spread, axis1=1, axis2=2)).sum(axis=1)
    prior, _ = log_prior(at, curve.widths)
    # the spread is triangular: what a tier's effects are depends on the nodes up to its own
    of_tiers = [at[:, :: int(np.prod(sizes[tier + 1 :])), tier].T for tier in range(n_tiers)]
    return Points(of_tiers, (prior + log_weights + log_size[:, None]).T)


def _standard(n_tiers: int, n_rows: int) -> tuple[tuple[int, ...], Array, Array]:
    """Nodes per axis, (n_points, n_tiers) nodes, and the log weights with which they integrate a density."""
    sizes = [(of_level, *[of_gap] * (n_tiers - 1)) for of_level, of_gap in _ORDERS]
    size = next((size for size in sizes if n_rows * np.prod(size) <= _MOST), sizes[-1])
    axes = [np.polynomial.hermite_e.hermegauss(n) for n in size]
    nodes = np.array(list(itertools.product(*[points for points, _ in axes])))
    weights = np.array(list(itertools.product(*[weights for _, weights in axes]))).prod(axis=1)
    return size, nodes, np.log(weights) + 0.5 * (nodes**2).sum(axis=1)


def _precision(outcomes: Outcomes, places: Array, curve: PassCurve, effects: Array) -> Array:
    """(n_types, n_tiers, n_tiers): expected information on a type's effects, with the prior's."""
    n_types, n_tiers = effects.shape
    scores, step_slopes = scores_of(places, effects[outcomes.types])
    rows = np.arange(len(scores))
    passes, slope = curve.with_slope(scores[rows, outcomes.tiers])
    reaches = np.arange(n_tiers) <= outcomes.tiers[:, None]
    by_effect = np.column_stack([np.ones(len(scores)), step_slopes]) * reaches
    by_effect *= (slope * np.sqrt(outcomes.weights / (passes * (1.0 - passes))))[:, None]
    prior = [1.0 / curve.widths.level_sd**2, *[1.0 / curve.widths.deviation_sd**2] * (n_tiers - 1)]
    out = np.tile(np.diag(prior), (n_types, 1, 1))
    np.add.at(out, outcomes.types, by_effect[:, :, None] * by_effect[:, None, :])
    return out
