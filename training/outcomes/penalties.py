"""What the correction of the text's reading may be: its parameters, their priors, and their scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import Widths
from ..features.space import Blocks
from .frame import Outcomes

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
    gap: float = 200.0
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


class Text:
    """Slopes, shifts and weights as one vector, with their priors.

    strengths : (n_features, n_tiers), inverse variances of the weights.
    """

    def __init__(self, features: Blocks, n_tiers: int, penalties: Penalties) -> None:
        n_features = features.shape[1]
        strength = np.full((n_features, 1), penalties.sense)
        strength[: features.n_sparse] = penalties.words
        strength[n_features - features.n_shape :] = penalties.shape
        self.strengths = strength * np.array([1.0, *[penalties.gap] * (n_tiers - 1)])
        self._penalties, self._features = penalties, features
        self._n_tiers = n_tiers
        self.size = 2 * n_tiers + self.strengths.size

    def split(self, parameters: Array) -> tuple[Array, Array, Array]:
        """slopes, shifts, weights."""
        n = self._n_tiers
        return parameters[:n], parameters[n : 2 * n], parameters[2 * n :].reshape(self.strengths.shape)

    def log_prior(self, parameters: Array) -> tuple[float, Array]:
        """Up to a constant, with its gradient."""
        slopes, shifts, weights = self.split(parameters)
        of_slopes, of_shifts = self._penalties.slope * (1.0 - slopes), -self._penalties.shift * shifts
        of_weights = -self.strengths * weights
        value = float((of_weights * weights).sum() + (of_shifts * shifts).sum())
        value -= float((of_slopes * (1.0 - slopes)).sum())
        return 0.5 * value, np.concatenate([of_slopes, of_shifts, of_weights.ravel()])

    def gradient(self, by_row: Array, text_places: Array) -> Array:
        """By the parameters, from (n, n_tiers) by the places."""
        of_weights = self._features.transposed_dot(by_row)
        return np.concatenate([(by_row * text_places).sum(axis=0), by_row.sum(axis=0), of_weights.ravel()])

    def curvature(self, outcomes: Outcomes, text_places: Array, widths: Widths | None = None) -> Array:
        """About the second derivative of the loss by each parameter: steps are taken in units of it (a
        diagonal preconditioner), so that all settle in as many steps.

        widths : given where the effects of types are integrated out, not fitted beside the text.
        """
        share = information(outcomes, self._n_tiers)
        of_all = share * len(outcomes) if widths is None else _between_types(outcomes, share, widths)
        parts = (
            self._penalties.slope + of_all * (text_places**2).mean(axis=0),
            self._penalties.shift + of_all,
            self.strengths + share * self._features.squared_sums()[:, None],
        )
        return np.concatenate([part.ravel() for part in parts])


def _between_types(outcomes: Outcomes, share: Array, widths: Widths) -> Array:
    """(n_tiers,): what types say together of the level and of each gap, where each has effects of its own."""
    n_rows = np.bincount(outcomes.types)
    variance = np.array([widths.level_sd**2, *[widths.deviation_sd**2] * (len(share) - 1)])
    return np.asarray((1.0 / (variance + 1.0 / (share * n_rows[n_rows > 0][:, None]))).sum(axis=0))


def information(outcomes: Outcomes, n_tiers: int) -> Array:
    """(n_tiers,): about how much an outcome says of the level and of each gap."""
    at_or_above = np.array([(outcomes.tiers >= tier).mean() for tier in range(n_tiers)])
    return np.asarray(_INFORMATION * np.maximum(at_or_above, 0.05))


def effects_curvature(outcomes: Outcomes, n_tiers: int, widths: Widths) -> Array:
    """(n_types * n_tiers,): the same for the effects of types."""
    of_types = np.bincount(outcomes.types, minlength=len(outcomes.type_names))[:, None]
    prior = np.array([1.0 / widths.level_sd**2, *[1.0 / widths.deviation_sd**2] * (n_tiers - 1)])
    return np.asarray(prior + of_types * information(outcomes, n_tiers)).ravel()
