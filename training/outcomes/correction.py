"""What outcomes correct in the text's reading: fitted jointly with the effects of every type.

    place = slopes * place by the text + shifts + features @ weights     (level and gaps)
    score_1 = level + u(type)      score_{t+1} = score_t + softplus(gap_t + d_t(type))

Penalised maximum likelihood over all of it at once: a type's effects are estimated beside the
weights, never after them, so no row speaks twice. The level's weights are shared by all tiers; the
gaps' weights shrink harder, towards one gap for all texts. `marginal.py` goes on from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ...classifier.belief._deviations import ODD_SD
from ...classifier.belief._passing import PassCurve, Widths
from ..features.space import Blocks
from .frame import Outcomes
from .integrated import Points, Verdicts
from .penalties import Correction, Penalties, Text, effects_curvature

Array = NDArray[np.float64]
_EFFECT_ITERATIONS = 30


def fit_correction(
    outcomes: Outcomes,
    text_places: Array,
    features: Blocks,
    curve: PassCurve,
    penalties: Penalties,
    start: Correction,
    *,
    max_iterations: int = 80,
) -> Correction:
    """Maximise the penalised likelihood from `start`; deterministic.

    text_places : (n, n_tiers). features : (n, n_features).
    """
    n_tiers, n_types = text_places.shape[1], len(outcomes.type_names)
    text, verdicts = Text(features, n_tiers, penalties), Verdicts(outcomes)

    def loss(parameters: Array) -> tuple[float, Array]:
        slopes, shifts, weights = text.split(parameters[: text.size])
        effects = parameters[text.size :].reshape(n_types, n_tiers)
        places = slopes * text_places + shifts + features @ weights
        of_types, by_row = verdicts.log_likelihood(curve, places, Points.single(effects))
        of_effects = verdicts.sums_by_type(by_row)
        prior, of_prior = text.log_prior(parameters[: text.size])
        among_types, by_effects = log_prior(effects, curve.widths)
        value = float(of_types.sum()) + prior + float(among_types.sum())
        gradient = (text.gradient(by_row, text_places) + of_prior, (of_effects + by_effects).ravel())
        return -value, -np.concatenate(gradient)

    of_effects = effects_curvature(outcomes, n_tiers, curve.widths)
    curvature = np.concatenate([text.curvature(outcomes, text_places), of_effects])
    first = np.concatenate(
        [part.ravel() for part in (start.slopes, start.shifts, start.weights, start.effects)]
    )
    found, value = minimised(loss, first, curvature, max_iterations)
    slopes, shifts, weights = text.split(found[: text.size])
    return Correction(slopes, shifts, weights, found[text.size :].reshape(n_types, n_tiers), -value)


def fit_effects(verdicts: Verdicts, places: Array, curve: PassCurve, start: Array) -> Array:
    """(n_types, n_tiers): the most probable effects of every type, given (n, n_tiers) places."""
    n_types, n_tiers = start.shape

    def loss(parameters: Array) -> tuple[float, Array]:
        effects = parameters.reshape(n_types, n_tiers)
        of_types, by_row = verdicts.log_likelihood(curve, places, Points.single(effects))
        value, gradient = log_prior(effects, curve.widths)
        by_type = verdicts.sums_by_type(by_row) + gradient
        return -float(of_types.sum()) - float(value.sum()), -by_type.ravel()

    curvature = effects_curvature(verdicts.outcomes, n_tiers, curve.widths)
    found, _ = minimised(loss, start.ravel(), curvature, _EFFECT_ITERATIONS)
    return found.reshape(n_types, n_tiers)


def minimised(
    loss: Callable[[Array], tuple[float, Array]], first: Array, curvature: Array, max_iterations: int
) -> tuple[Array, float]:
    """Where the loss is least, and the loss there: L-BFGS with steps in units of the curvature."""
    scale = curvature**-0.5

    def scaled(parameters: Array) -> tuple[float, Array]:
        value, gradient = loss(parameters * scale)
        return value, gradient * scale

    options = {"maxiter": max_iterations, "ftol": 1e-8}
    found = minimize(scaled, first / scale, jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
    return found.x * scale, float(found.fun)


def log_prior(effects: Array, widths: Widths) -> tuple[Array, Array]:
    """(..., ) log density of (..., n_tiers) effects, up to a constant, and its gradient: logistic level,
    normal deviations of which a few are wide.
    """
    scale, sd, odd = widths.level_scale, widths.deviation_sd, widths.odd_share
    level, deviations = effects[..., 0] / scale, effects[..., 1:] / sd
    # in logs, because a search steps far out, where both densities are 0 in numbers
    near = math.log1p(-odd) - 0.5 * deviations**2
    far = (math.log(odd / ODD_SD) if odd else -math.inf) - 0.5 * (deviations / ODD_SD) ** 2
    both = np.logaddexp(near, far)
    value = -(level + 2 * np.logaddexp(0.0, -level)) + both.sum(axis=-1)
    of_level = -np.tanh(level / 2) / scale
    of_deviations = -deviations * (np.exp(near - both) + np.exp(far - both) / ODD_SD**2) / sd
    return np.asarray(value), np.concatenate([of_level[..., None], of_deviations], axis=-1)
