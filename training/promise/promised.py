"""Thresholds from an operator's outcomes: a promise about under-tiering, or that none can be given.

*Under-tiering*: the chosen tier fails and the top one would have passed. A log tells less than that,
so its rate is an interval: a retry that came out clean at a higher tier proves a case (lower end);
every failure below the top, and every untried cheaper tier, might be one (upper end). Thresholds are
tested from the strictest to the loosest along one nested path and the testing stops at the first
that fails, so that no correction for many tests is due (fixed-sequence testing; learn then test,
Angelopoulos et al. 2021). The bound is Clopper and Pearson's at an effective sample size that counts
task types more than tasks (Korn and Graubard 1998).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, t

from ..outcomes.frame import Outcomes
from .thresholds import RATES, Threshold, path, served

Array = NDArray[np.float64]
LEVEL = 0.95
LEAST_CORRELATION = 0.05  # of outcomes of one type: few cases don't show that types differ
MIN_PROMISED = 100  # outcomes to judge by; below this the base's thresholds stay
PROMISED = "outcomes kept apart by time: holds at 95 % while they stay alike"
NOT_PROMISED = "outcomes kept apart by time: no threshold of the path keeps this rate; the strictest"


def promised_thresholds(latest: Outcomes, needed: Array) -> list[Threshold]:
    """For each rate the loosest thresholds whose upper bound keeps it, else the strictest.

    latest : outcomes that took no part in the fit. needed : (n, n_tiers), P(needed tier) before them.
    """
    steps = path()
    top = needed.shape[1] - 1
    possible = np.array([upper_indicator(latest, served(needed, *step), top) for step in steps])
    certain = np.array([lower_indicator(latest, served(needed, *step)) for step in steps])
    bounds = np.array([upper_bound(row, latest.types) for row in possible])
    out = []
    for rate in RATES:
        step = _loosest(bounds <= rate)
        found = step is not None
        index = len(steps) - 1 if step is None else step
        down, up = steps[index]
        out.append(
            Threshold(
                rate,
                round(float(down), 4),
                round(float(up), 4),
                round(float(possible[index].mean()), 4),
                round(float(certain[index].mean()), 4),
                round(float(bounds[index]), 4),
                found,
                PROMISED if found else NOT_PROMISED,
            )
        )
    return out


def upper_indicator(outcomes: Outcomes, chosen: NDArray[np.int64], top: int) -> NDArray[np.bool_]:
    """(n,): the choice may be a case of under-tiering, for all that the outcome says.

    top : the ladder's top tier; a log need not reach it.
    """
    failed_below_top = ~outcomes.clean & (outcomes.tiers < top) & (chosen < top)
    untried_below = outcomes.clean & (chosen < outcomes.tiers)
    return np.asarray(failed_below_top | untried_below | lower_indicator(outcomes, chosen))


def lower_indicator(outcomes: Outcomes, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,): the choice is proved to be one: it failed at this very task, and a higher tier then passed."""
    failed = np.array([any(c <= t for t in tried) for c, tried in zip(chosen, outcomes.failed, strict=True)])
    return np.asarray(failed.astype(bool) & outcomes.clean)


def upper_bound(cases: NDArray[np.bool_], types: NDArray[np.int64]) -> float:
    """Upper bound of the rate at LEVEL, as if there were fewer tasks: a type's outcomes are alike."""
    n, k = len(cases), float(cases.sum())
    if n == 0:
        return 1.0
    effective = n / _design_effect(cases, types)
    n_types = len(np.unique(types))
    if n_types > 1:  # a spread estimated from few types is uncertain itself
        effective *= min(1.0, float((t.ppf(LEVEL, n - 1) / t.ppf(LEVEL, n_types - 1)) ** 2))
    return float(beta.ppf(LEVEL, k / n * effective + 1, max(effective - k / n * effective, 1e-9)))


def _design_effect(cases: NDArray[np.bool_], types: NDArray[np.int64]) -> float:
    """Variance of the rate when whole types are drawn, over that of drawing tasks (Kish 1965).

    At least what LEAST_CORRELATION makes it: where there are no cases, the estimate would be that
    types don't differ.
    """
    rate = float(cases.mean())
    _, index, sizes = np.unique(types, return_inverse=True, return_counts=True)
    least = 1.0 + LEAST_CORRELATION * (float((sizes**2).sum()) / len(cases) - 1.0)
    if rate in (0.0, 1.0) or len(sizes) == 1:
        return least
    off = np.bincount(index, weights=cases - rate)
    scale = len(sizes) / (len(sizes) - 1) / (len(cases) * rate * (1 - rate))
    return float(max(least, float((off**2).sum()) * scale))


def _loosest(keeps: NDArray[np.bool_]) -> int | None:
    """The first step from which on all stricter ones keep the rate; None where the strictest does not."""
    failing = np.flatnonzero(~keeps)
    first = 0 if len(failing) == 0 else int(failing[-1]) + 1
    return first if first < len(keeps) else None
