"""How far types stray from their text: the widths, by marginal likelihood.

For each type the likelihood of its outcomes is integrated over a fixed grid of effects; only the
prior's mass on the grid depends on the widths, so the integral is a weighted sum and the widths are
a search in three numbers. With few types the search stays near the standard widths.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit, logsumexp
from scipy.stats import beta

from ...classifier.belief._deviations import deviation_weights
from ...classifier.belief._effects import effect_grid
from ...classifier.belief._passing import Widths, _logistic_cells, pass_curve
from .frame import Outcomes
from .likelihood import verdict_likelihood

Array = NDArray[np.float64]
_PRIOR_SDS = np.array([0.5, 0.5, 1.0])  # of the logs of the widths, and of the logit of odd_share
_FIRST_STEP = 0.3
MOST_ROWS = 12_000  # of outcomes looked at; more would not move a width by what matters
_AT_ONCE = 256  # rows whose likelihood over all points is held in memory
_EPSILONS = np.array([0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15])
_EPSILON_CAP = 0.05  # until enough outcomes at the top tier identify it
_EPSILON_NEEDS = 200
_OMEGAS = np.arange(0.0, 2.51, 0.25)
_OMEGA_NEEDS = 100
_DROP_90 = 1.353  # in log likelihood, of a 90 % interval: half the chi-squared quantile


def type_likelihoods(outcomes: Outcomes, places: Array, widths: Widths, *, most: int = MOST_ROWS) -> Array:
    """(n_types with outcomes, n_points): log P(outcomes of the type | effects), on the grid of `widths`."""
    grid = effect_grid(places.shape[1], widths)
    if len(outcomes) > most:
        rows = sample(len(outcomes), most)
        outcomes, places = outcomes.take(rows), places[rows]
    kinds, index = np.unique(outcomes.types, return_inverse=True)
    total = np.zeros((len(kinds), *grid.shape))
    for (tier, failed), rows in outcomes.alike().items():
        by_type = rows[np.argsort(index[rows], kind="stable")]
        for some in np.array_split(by_type, 1 + len(rows) // _AT_ONCE):
            found = grid.log_outcomes(places[some], tier, outcomes.clean[some], failed)
            found *= outcomes.weights[some].reshape(-1, *[1] * places.shape[1])
            starts = np.flatnonzero(np.diff(index[some], prepend=-1))
            total[index[some][starts]] += np.add.reduceat(found, starts, axis=0)
    return total.reshape(len(kinds), -1)


def fit_widths(likelihoods: Array, n_tiers: int, widths: Widths, standard: Widths) -> Widths:
    """The widths under which these likelihoods, made on the grid of `widths`, are most probable."""

    largest = likelihoods.max(axis=1, keepdims=True)
    relative = np.exp(likelihoods - largest)

    def loss(parameters: Array) -> float:
        marginal = float(np.log(relative @ _prior_mass(n_tiers, widths, _moved(widths, parameters))).sum())
        return -marginal + 0.5 * float((((parameters - _parameters(standard)) / _PRIOR_SDS) ** 2).sum())

    start = _parameters(widths)
    simplex = np.vstack([start, start + _FIRST_STEP * np.eye(len(start))])
    options = {"xatol": 0.01, "fatol": 0.01, "maxiter": 120, "initial_simplex": simplex}
    found = minimize(loss, start, method="Nelder-Mead", options=options)  # type: ignore[call-overload]
    return _moved(widths, found.x)


def _parameters(widths: Widths) -> Array:
    """What is searched: on scales without bounds."""
    share = np.clip(widths.odd_share, 1e-3, 1 - 1e-3)
    return np.array([np.log(widths.level_sd), np.log(widths.deviation_sd), logit(share)])


def _moved(widths: Widths, parameters: Array) -> Widths:
    level_sd, deviation_sd = np.exp(np.clip(parameters[:2], np.log(0.2), np.log(4.0))).tolist()
    return replace(
        widths,
        level_sd=round(level_sd, 4),
        deviation_sd=round(deviation_sd, 4),
        odd_share=round(float(expit(parameters[2])), 4),
    )


def fit_epsilon(outcomes: Outcomes, places: Array, widths: Widths) -> tuple[float, float, float]:
    """Most probable epsilon with a 90 % interval, type effects integrated out."""
    at_top = int((outcomes.tiers == places.shape[1] - 1).sum())
    candidates = _EPSILONS if at_top >= _EPSILON_NEEDS else _EPSILONS[_EPSILONS <= _EPSILON_CAP]
    few = sample(len(outcomes), MOST_ROWS // 4)
    some, at = outcomes.take(few), places[few]
    weights = effect_grid(places.shape[1], widths).prior.weights
    found = []
    for epsilon in candidates:
        likelihoods = type_likelihoods(some, at, replace(widths, epsilon=float(epsilon)))
        found.append(float(logsumexp(likelihoods, b=weights, axis=1).sum()))
    return _profile(candidates, np.array(found) + beta(2, 40).logpdf(candidates))


def fit_omega(outcomes: Outcomes, scores: Array, widths: Widths) -> tuple[float, float, float] | None:
    """Most probable omega with a 90 % interval; None where too few tasks were tried again."""
    retried = np.array([row for row, tried in enumerate(outcomes.failed) if tried], dtype=np.int64)
    if len(retried) < _OMEGA_NEEDS:
        return None
    some, at = outcomes.take(retried), scores[retried]
    centre = np.log(np.maximum(_OMEGAS, 0.1) / Widths().omega)
    found = np.array([_total(some, at, replace(widths, omega=float(o))) for o in _OMEGAS]) - 0.5 * centre**2
    return _profile(_OMEGAS, found)


def sample(n_rows: int, most: int = MOST_ROWS) -> NDArray[np.int64]:
    """Rows that are looked at where all are too many."""
    return np.sort(np.random.default_rng(0).permutation(n_rows)[:most])


def _total(outcomes: Outcomes, scores: Array, widths: Widths) -> float:
    curve, total = pass_curve(widths), 0.0
    for (tier, failed), rows in outcomes.alike().items():
        each, _ = verdict_likelihood(curve, list(scores[rows].T), tier, outcomes.clean[rows], failed)
        total += float(each @ outcomes.weights[rows])
    return total


def _profile(candidates: Array, log_likelihood: Array) -> tuple[float, float, float]:
    inside = candidates[log_likelihood >= log_likelihood.max() - _DROP_90]
    return float(candidates[log_likelihood.argmax()]), float(inside.min()), float(inside.max())


def _prior_mass(n_tiers: int, widths: Widths, other: Widths) -> Array:
    """(n_points,): the mass that other widths put on the cells of the grid of `widths`."""
    grid = effect_grid(n_tiers, widths)
    levels = np.unique(grid.prior.levels)
    mass = _logistic_cells(levels, other.level_scale)
    nodes = np.unique(grid.prior.deviations)
    for _ in range(n_tiers - 1):
        mass = mass[..., None] * deviation_weights(nodes / other.deviation_sd, other.odd_share)
    return mass.ravel() + 1e-300
