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

from ...classifier.belief._effects import Effects, Grid, effect_grid, together
from ...classifier.belief._passing import Widths
from ...classifier.belief.posterior import mean_pass, needed_mass
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
    """What is believed of the type of each of n tasks after some outcomes."""

    def __init__(self, grid: Grid, known: Mapping[int, Effects], types: Sequence[int]) -> None:
        self.grid = grid
        kinds, of_each = np.unique(types, return_inverse=True)
        self.effects = together([known.get(kind, grid.thin_prior) for kind in kinds.tolist()], of_each)

    def pass_(self, places: Array) -> Array:
        """(n, n_tiers): P(clean | tier)."""
        return mean_pass(self.effects.scores(places.T), self.effects.weights, self.grid).T

    def needed(self, places: Array) -> Array:
        """(n, n_tiers): P(needed tier)."""
        effects = self.effects
        return needed_mass(effects.scores(places.T), effects.weights, effects.widths, self.grid).T


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
