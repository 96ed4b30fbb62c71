"""What each tier would do with the tasks of a type: all of a task's possible outcomes, jointly.

A model of its own, so that no router is judged by what it believes itself. Within a type,

    P(clean | tier) = (1 - epsilon) sigmoid(score_tier + v)     score rising by softplus(gap + deviation)

with a level and deviations per type and a `v` per task that its attempts share; levels are centred on the
tier at which the log usually runs the type, because that choice says something of how hard it is. The
text takes no part. Everything is fitted by marginal likelihood to first attempts and retries; retries
are what tells `omega`, the spread of v, and with it how often a higher tier fails what a lower one passes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Array = NDArray[np.float64]
Int = NDArray[np.int64]
MOST_TYPES = 300  # to fit by; more would not move a parameter by what matters
_COARSE, _FINE = (13, 5), (41, 9)  # points of the level and of each deviation
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()
_OMEGAS = np.array([0.1, 0.6, 1.0, 1.6, 2.5])
_LEAST = 1e-12  # of the probability of a verdict
MIN_RETRIES = 20  # fewer leave the upset rate to what tasks are usually like, and its interval wide
_OMEGA_90 = (0.44, 2.27)  # of its prior, log-normal around 1
_GAP_OPEN = 1.0  # on softplus' scale, the spread of its prior
_DROP_90 = 1.353  # in log likelihood, of a 90 % interval


@dataclass(frozen=True)
class Counts:
    """first : (n_types, n_tiers, 2) first attempts, clean and not. again : (n_types, n_tiers, n_tiers, 2),
    those at the second tier after the first one failed. usual : (n_types,), the tier of most first attempts.
    heard_ratio : how many times likelier a verdict that is not clean is to be heard.
    """

    first: Array
    again: Array
    usual: Int
    heard_ratio: float = 1.0

    def take(self, some: Int) -> Counts:
        return Counts(self.first[some], self.again[some], self.usual[some], self.heard_ratio)

    def heard(self, passes: Array) -> Array:
        """Never 0 or 1: what seemed impossible may come, and what did not come says nothing."""
        return np.clip(heard(passes, self.heard_ratio), _LEAST, 1.0 - _LEAST)


def heard(passes: Array, heard_ratio: float) -> Array:
    """P(clean | a verdict was heard), from P(clean)."""
    return np.asarray(passes / (passes + heard_ratio * (1.0 - passes)))


@dataclass(frozen=True)
class Parameters:
    """levels : (n_tiers,), by usual tier. gaps : (n_tiers - 1,), on softplus' scale."""

    levels: Array
    gaps: Array
    level_sd: float
    deviation_sd: float
    omega: float
    epsilon: float


@dataclass(frozen=True)
class Joint:
    """patterns : (n_types, 2 ** n_tiers), P(what all tiers would do); bit t is set where tier t is clean.

    rates : (n_types, n_tiers), P(clean). left_out : (n_types, n_tiers, 2), the same without one of the type's
    own outcomes at that tier, a clean or an unclean one.
    """

    patterns: Array
    rates: Array
    left_out: Array


def standard(n_tiers: int) -> Parameters:
    """Where the fit starts and what few outcomes keep."""
    return Parameters(np.full(n_tiers, 1.0), np.full(n_tiers - 1, 1.0), 1.5, 0.8, 1.0, 0.03)


def fit(counts: Counts) -> tuple[Parameters, ...]:
    """The likeliest parameters; those at the ends of omega's 90 % interval (profile likelihood); and with
    all gaps narrower and wider: of types that a log never ran at a tier, it says nothing of the gap.
    """
    n_tiers = counts.first.shape[1]
    n_types = len(counts.usual)
    some = np.sort(np.random.default_rng(0).permutation(n_types)[:MOST_TYPES])
    known = counts.take(some)
    best = _maximised(known, standard(n_tiers), 25)
    if counts.again.sum() < MIN_RETRIES:
        return best, *(replace(best, omega=omega) for omega in _OMEGA_90), *_other_gaps(best)
    profile = [_maximised(known, replace(best, omega=float(omega)), 6, fixed=True) for omega in _OMEGAS]
    found = np.array([_log_posterior(known, each) for each in profile])
    inside = np.flatnonzero(found >= max(found.max(), _log_posterior(known, best)) - _DROP_90)
    if not len(inside):
        inside = np.array([int(found.argmax())])
    low, high = max(inside[0] - 1, 0), min(inside[-1] + 1, len(profile) - 1)  # outwards: the grid is coarse
    return best, profile[low], profile[high], *_other_gaps(best)


def _other_gaps(best: Parameters) -> tuple[Parameters, Parameters]:
    return replace(best, gaps=best.gaps - _GAP_OPEN), replace(best, gaps=best.gaps + _GAP_OPEN)


def joint(counts: Counts, parameters: Parameters) -> Joint:
    """What is believed of each type after its outcomes."""
    n_types, n_tiers, _ = counts.first.shape
    patterns = np.zeros((n_types, 2**n_tiers))
    rates, left_out = np.zeros((n_types, n_tiers)), np.zeros((n_types, n_tiers, 2))
    for group in np.unique(counts.usual):
        points, prior = _points(n_tiers, parameters, int(group), _FINE)
        given = _given_task(points, parameters)
        by_pattern, passes = _by_pattern(given), given.transpose(0, 2, 1) @ _NODE_WEIGHTS
        of_group = np.flatnonzero(counts.usual == group)
        for part in np.array_split(of_group, max(1, len(of_group) // 500)):
            weights = _weights(counts.take(part), given, prior)
            patterns[part] = weights @ by_pattern
            rates[part] = weights @ passes
            heard = counts.heard(passes)
            for verdict, likelihood in enumerate((heard, 1.0 - heard)):
                left_out[part, :, verdict] = (weights @ (passes / likelihood)) / (
                    weights @ (1.0 / likelihood)
                )
    return Joint(patterns, rates, left_out)


def clean_by_pattern(n_tiers: int) -> NDArray[np.bool_]:
    """(2 ** n_tiers, n_tiers)"""
    return np.asarray((np.arange(2**n_tiers)[:, None] >> np.arange(n_tiers)) & 1, dtype=bool)


def upset_patterns(n_tiers: int) -> NDArray[np.bool_]:
    """(2 ** n_tiers,): a tier is clean and a higher one is not."""
    clean = clean_by_pattern(n_tiers)
    return np.asarray((np.maximum.accumulate(clean, axis=1) & ~clean).any(axis=1))


def _points(n_tiers: int, found: Parameters, group: int, size: tuple[int, int]) -> tuple[Array, Array]:
    """(n_points, n_tiers) scores, and their log prior."""
    grid, prior = _unit_grid(n_tiers, *size)
    first = found.levels[group] + found.level_sd * grid[:, :1]
    steps = np.logaddexp(0.0, found.gaps + found.deviation_sd * grid[:, 1:])
    # the usual tier stands at its group's level; the others a step below or above it each
    scores = np.cumsum(np.concatenate([np.zeros_like(first), steps], axis=1), axis=1)
    return scores - scores[:, group : group + 1] + first, prior


@lru_cache(maxsize=8)
def _unit_grid(n_tiers: int, n_levels: int, n_deviations: int) -> tuple[Array, Array]:
    """(n_points, n_tiers) level and deviations in standard deviations, and their log prior."""
    level = np.linspace(-4.0, 4.0, n_levels)
    deviation = np.linspace(-3.0, 3.0, n_deviations if n_tiers <= 3 else 3)
    grid = np.array(list(itertools.product(level, *[deviation] * (n_tiers - 1))))
    prior = -0.5 * (grid**2).sum(axis=1)
    return grid, prior - np.log(np.exp(prior).sum())


def _given_task(scores: Array, found: Parameters) -> Array:
    """(n_points, n_nodes, n_tiers): P(clean) with the task's v known."""
    v = found.omega * _NODES
    return np.asarray((1.0 - found.epsilon) * expit(scores[:, None, :] + v[:, None]))


def _by_pattern(given: Array) -> Array:
    """(n_points, 2 ** n_tiers)"""
    out = np.ones((*given.shape[:2], 1))
    for tier in range(given.shape[2]):  # the highest bit comes last
        p = given[:, :, tier : tier + 1]
        out = np.concatenate([out * (1.0 - p), out * p], axis=2)
    return np.asarray(np.einsum("pnk,n->pk", out, _NODE_WEIGHTS))


def _log_likelihood(counts: Counts, given: Array) -> Array:
    """(n_types, n_points)"""
    passes = given.transpose(0, 2, 1) @ _NODE_WEIGHTS
    n_tiers = passes.shape[1]
    heard = counts.heard(passes)
    out = counts.first[..., 0] @ np.log(heard).T + counts.first[..., 1] @ np.log1p(-heard).T
    for before, after in itertools.combinations_with_replacement(range(n_tiers), 2):
        n = counts.again[:, before, after]
        if n.any():
            both = ((1.0 - given[:, :, before]) * (1.0 - given[:, :, after])) @ _NODE_WEIGHTS
            clean = counts.heard(1.0 - both / (1.0 - passes[:, before]))
            out += n[:, :1] * np.log(clean) + n[:, 1:] * np.log1p(-clean)
    return np.asarray(out)


def _weights(counts: Counts, given: Array, prior: Array) -> Array:
    log_weights = _log_likelihood(counts, given) + prior
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _log_posterior(counts: Counts, found: Parameters) -> float:
    total = 0.0
    n_tiers = len(found.levels)
    for group in np.unique(counts.usual):
        points, prior = _points(n_tiers, found, int(group), _COARSE)
        given = _given_task(points, found)
        of_group = counts.take(np.flatnonzero(counts.usual == group))
        each = _log_likelihood(of_group, given) + prior
        most = each.max(axis=1)
        total += float((most + np.log(np.exp(each - most[:, None]).sum(axis=1))).sum())
    start = standard(n_tiers)
    total -= 0.5 * float(((found.levels - start.levels) ** 2).sum()) / 9.0
    total -= 0.5 * float(((found.gaps - start.gaps) ** 2).sum())
    spreads = np.array([found.level_sd, found.deviation_sd, max(found.omega, 0.1)])
    usual = np.array([start.level_sd, start.deviation_sd, start.omega])
    total -= 0.5 * float((np.log(spreads / usual) ** 2).sum()) / 0.25
    return total + float(np.log(found.epsilon) + 39.0 * np.log1p(-found.epsilon))  # Beta(2, 40)


def _maximised(counts: Counts, start: Parameters, iterations: int, *, fixed: bool = False) -> Parameters:
    n_tiers = len(start.levels)

    def parameters(x: Array) -> Parameters:
        levels, gaps, rest = x[:n_tiers], x[n_tiers : 2 * n_tiers - 1], x[2 * n_tiers - 1 :]
        omega = start.omega if fixed else float(np.exp(rest[3]))
        return Parameters(
            levels, gaps, float(np.exp(rest[0])), float(np.exp(rest[1])), omega, 0.3 * float(expit(rest[2]))
        )

    rest = [np.log(start.level_sd), np.log(start.deviation_sd), _logit(start.epsilon / 0.3)]
    if not fixed:
        rest.append(np.log(start.omega))
    first = np.concatenate([start.levels, start.gaps, rest])
    bounds = [(-8.0, 8.0)] * n_tiers + [(-4.0, 6.0)] * (n_tiers - 1)
    bounds += [(-1.6, 1.4), (-1.6, 1.4), (-5.0, 5.0)] + ([] if fixed else [(-3.0, 0.95)])
    result = minimize(  # type: ignore[call-overload]
        lambda x: -_log_posterior(counts, parameters(x)),
        first,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations},
    )
    return parameters(result.x)


def _logit(p: float) -> float:
    return float(np.log(p / (1.0 - p)))
