"""What outcomes correct in the text's reading: fitted jointly with the effects of every type.

    place = slopes * place by the text + shifts + features @ weights     (level and gaps)
    score_1 = level + u(type)      score_{t+1} = score_t + softplus(gap_t + d_t(type))

Penalised maximum likelihood over all of it at once: a type's effects are estimated beside the
weights, never after them, so no row speaks twice. The level's weights are shared by all tiers; the
gaps' weights shrink harder, towards one gap for all texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..classifier._deviations import ODD_SD, ODD_SHARE
from ..classifier._passing import PassCurve, Widths
from .features import Blocks
from .frame import Outcomes
from .likelihood import by_place, outcome_likelihood, scores_of

Array = NDArray[np.float64]
_INFORMATION = 0.15  # p (1 - p) of a usual outcome


@dataclass(frozen=True)
class Penalties:
    """Inverse variances of the priors, in units of one outcome.

    words, sense, shape : of the level's weights of lexical features, of embedding and facts, and of the
    text's shape. gap : how many times harder the gaps' weights shrink: outcomes of one tier a task say
    little about them.
    """

    words: float = 12.0
    sense: float = 4.0
    shape: float = 0.5
    gap: float = 20.0
    slope: float = 4.0
    shift: float = 0.5


@dataclass(frozen=True)
class Correction:
    """slopes, shifts : (n_tiers,). weights : (n_features, n_tiers). effects : (n_types, n_tiers)."""

    slopes: Array
    shifts: Array
    weights: Array
    effects: Array
    log_likelihood: float

    def places(self, text_places: Array, features: Blocks) -> Array:
        return np.asarray(self.slopes * text_places + self.shifts + features @ self.weights)


def no_correction(n_features: int, n_tiers: int, n_types: int) -> Correction:
    """The text's reading as it is, and types without effects."""
    zeros = np.zeros
    return Correction(
        np.ones(n_tiers), zeros(n_tiers), zeros((n_features, n_tiers)), zeros((n_types, n_tiers)), 0.0
    )


def fit_correction(
    outcomes: Outcomes,
    text_places: Array,
    features: Blocks,
    curve: PassCurve,
    penalties: Penalties,
    start: Correction,
    *,
    max_iterations: int = 80,
    progress: Callable[[], None] = lambda: None,
) -> Correction:
    """Maximise the penalised likelihood from `start`; deterministic.

    text_places : (n, n_tiers). features : (n, n_features).
    """
    n_tiers, n_features = text_places.shape[1], features.shape[1]
    n_types = len(outcomes.type_names)
    shapes = ((n_tiers,), (n_tiers,), (n_features, n_tiers), (n_types, n_tiers))
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    strength = np.full((n_features, 1), penalties.sense)
    strength[: features.n_sparse] = penalties.words
    strength[n_features - features.n_shape :] = penalties.shape
    strengths = strength * np.array([1.0, *[penalties.gap] * (n_tiers - 1)])

    def split(parameters: Array) -> list[Array]:
        parts = np.split(parameters, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def loss(parameters: Array) -> tuple[float, Array]:
        slopes, shifts, weights, effects = split(parameters)
        places = slopes * text_places + shifts + features @ weights
        scores, step_slopes = scores_of(places, effects[outcomes.types])
        each, by_score = outcome_likelihood(curve, scores, outcomes.tiers, outcomes.clean, outcomes.failed)
        by_row = by_place(by_score * outcomes.weights[:, None], step_slopes)
        of_effects = np.column_stack(
            [np.bincount(outcomes.types, weights=column, minlength=n_types) for column in by_row.T]
        )
        prior, of_prior = _log_prior(effects, curve.widths)
        value = float(each @ outcomes.weights) + prior
        value -= 0.5 * float((strengths * weights**2).sum())
        value -= 0.5 * float(
            penalties.slope * ((slopes - 1) ** 2).sum() + penalties.shift * (shifts**2).sum()
        )
        gradient = [
            (by_row * text_places).sum(axis=0) - penalties.slope * (slopes - 1),
            by_row.sum(axis=0) - penalties.shift * shifts,
            features.transposed_dot(by_row) - strengths * weights,
            of_effects + of_prior,
        ]
        return -value, -np.concatenate([part.ravel() for part in gradient])

    first = np.concatenate([p.ravel() for p in (start.slopes, start.shifts, start.weights, start.effects)])
    scale = _curvature(outcomes, text_places, features, curve.widths, penalties, strengths) ** -0.5

    def scaled_loss(scaled: Array) -> tuple[float, Array]:
        value, gradient = loss(scaled * scale)
        return value, gradient * scale

    found = minimize(  # type: ignore[call-overload]
        scaled_loss,
        first / scale,
        jac=True,
        method="L-BFGS-B",
        callback=lambda _: progress(),
        options={"maxiter": max_iterations, "maxcor": 20, "ftol": 1e-8},
    )
    slopes, shifts, weights, effects = split(found.x * scale)
    return Correction(slopes, shifts, weights, effects, -float(found.fun))


def _curvature(
    outcomes: Outcomes,
    text_places: Array,
    features: Blocks,
    widths: Widths,
    penalties: Penalties,
    strengths: Array,
) -> Array:
    """About the second derivative of the loss by each parameter, in the order in which they are fitted.

    Steps are taken in units of it (a diagonal preconditioner): effects of types with many outcomes and
    of those with few then settle in as many steps.
    """
    n_tiers, n_types = text_places.shape[1], len(outcomes.type_names)
    at_or_above = np.array([(outcomes.tiers >= tier).mean() for tier in range(n_tiers)])  # speak of this gap
    share = _INFORMATION * np.maximum(at_or_above, 0.05)
    of_types = np.bincount(outcomes.types, minlength=n_types)[:, None] * share
    prior = np.array([1.0 / widths.level_sd**2, *[1.0 / widths.deviation_sd**2] * (n_tiers - 1)])
    parts = (
        penalties.slope + share * (text_places**2).sum(axis=0),
        penalties.shift + share * len(outcomes),
        strengths + share * features.squared_sums()[:, None],
        prior + of_types,
    )
    return np.concatenate([part.ravel() for part in parts])


def _log_prior(effects: Array, widths: Widths) -> tuple[float, Array]:
    """log density of all effects, up to a constant, and its gradient: logistic level, normal deviations
    of which a few are wide.
    """
    scale, sd = widths.level_scale, widths.deviation_sd
    level, deviations = effects[:, 0] / scale, effects[:, 1:] / sd
    near = (1 - ODD_SHARE) * np.exp(-0.5 * deviations**2)
    far = ODD_SHARE / ODD_SD * np.exp(-0.5 * (deviations / ODD_SD) ** 2)
    value = float(-(level + 2 * np.logaddexp(0.0, -level)).sum() + np.log(near + far).sum())
    of_level = -np.tanh(level / 2) / scale
    of_deviations = -deviations * (near + far / ODD_SD**2) / (near + far) / sd
    return value, np.column_stack([of_level, of_deviations])
