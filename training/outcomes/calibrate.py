"""Calibration on the latent scale: one slope and a shift per boundary, on outcomes kept apart by time.

Places move, p' = centre + slope * (p - centre) + shift, and everything that a decision says is worked
out from them, so that all of its numbers agree. (Platt scaling, moved to where the model is linear.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ...classifier.belief._effects import Effects, Grid, effect_grid
from ...classifier.belief._passing import Widths
from ...classifier.belief.posterior import needed_mass
from .frame import Outcomes
from .widths import type_likelihoods

Array = NDArray[np.float64]
MOST_ROWS = 4_000  # the latest; enough for a slope and three shifts
_PRIOR_SD = 0.25  # of log slope and shifts: calibration corrects, it does not learn


class Calibration(NamedTuple):
    """slope : 1 leaves all as it is. shifts, centre : (n_tiers,), of level and gaps."""

    slope: float
    shifts: Array
    centre: Array

    def places(self, places: Array) -> Array:
        return self.centre + self.slope * (places - self.centre) + self.shifts


class TypeEffects:
    """Type effects after some outcomes, laid out by row: (n, n_points, ...) arrays."""

    def __init__(self, grid: Grid, known: Mapping[int, Effects], types: Sequence[int]) -> None:
        each = [known.get(kind, grid.thin_prior) for kind in types]
        points = max((len(effects.weights) for effects in each), default=0)
        self.grid = grid
        self.weights = np.array([_padded(effects.weights, points) for effects in each])
        self.widths = np.array([_padded(effects.widths, points, 1.0) for effects in each])
        columns = [np.column_stack([effects.levels, effects.deviations]) for effects in each]
        self.effects = np.array([np.pad(c, ((0, points - len(c)), (0, 0))) for c in columns])

    def scores(self, places: Array) -> Array:
        """(n, n_points, n_tiers)."""
        moved = places[:, None, :] + self.effects
        steps = np.logaddexp(0.0, moved[..., 1:])
        return np.cumsum(np.concatenate([moved[..., :1], steps], axis=-1), axis=-1)

    def pass_(self, places: Array) -> Array:
        """(n, n_tiers): P(clean | tier)."""
        return np.asarray((self.grid.curve.of(self.scores(places)) * self.weights[..., None]).sum(axis=1))

    def needed(self, places: Array) -> Array:
        """(n, n_tiers): P(needed tier)."""
        scores = self.scores(places)
        rows = [
            needed_mass(s, w, width, self.grid)
            for s, w, width in zip(scores, self.weights, self.widths, strict=True)
        ]
        return np.array(rows)


def effects_by_type(outcomes: Outcomes, places: Array, widths: Widths) -> dict[int, Effects]:
    """Type index -> effects after these outcomes, without a hazard: for training, not for serving."""
    grid = effect_grid(places.shape[1], widths)
    kinds = np.unique(outcomes.types)
    likelihoods = type_likelihoods(outcomes, places, widths, most=len(outcomes))
    return {
        int(kind): grid.prior.reweighted(row).thinned() for kind, row in zip(kinds, likelihoods, strict=True)
    }


def calibrate(latest: Outcomes, places: Array, effects: TypeEffects) -> Calibration:
    """The slope and shifts under which the latest outcomes are most probable."""
    n_tiers = places.shape[1]
    centre = np.median(places, axis=0)
    rows = np.arange(len(latest))

    def loss(parameters: Array) -> float:
        moved = Calibration(float(np.exp(parameters[0])), parameters[1:], centre).places(places)
        passes = effects.pass_(moved)[rows, latest.tiers]
        heard = effects.grid.curve.heard(passes)
        found = np.where(latest.clean, heard, 1.0 - heard)
        prior = 0.5 * float((parameters**2).sum()) / _PRIOR_SD**2
        return -float(latest.weights @ np.log(np.maximum(found, 1e-9))) + prior

    simplex = np.vstack([np.zeros(n_tiers + 1), np.diag(np.full(n_tiers + 1, _PRIOR_SD))])
    options = {"maxfev": 60 * n_tiers, "xatol": 0.01, "fatol": 0.05, "initial_simplex": simplex}
    found = minimize(  # type: ignore[call-overload]
        loss, np.zeros(n_tiers + 1), method="Nelder-Mead", options=options
    )
    return Calibration(round(float(np.exp(found.x[0])), 4), np.round(found.x[1:], 4), centre)


def _padded(values: Array, length: int, fill: float = 0.0) -> Array:
    return np.pad(values, (0, length - len(values)), constant_values=fill)
