"""Thresholds of "Sonnet unless", along one nested path, cheapest first.

Both thresholds tighten together, so that every step lowers the under-tiering of the step before and
one pass along the path finds the cheapest pair that keeps a rate (learn then test on a nested path;
Angelopoulos et al. 2021). From seeds the rate is an estimate with a bootstrap interval over task
types, not a promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RATES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
LAMBDA_UP = (0.55, 0.10)  # from loosest to strictest
LAMBDA_DOWN = (0.60, 0.97)
DOWN_HOLDS_UNTIL = 0.5  # the first half of the path tightens only the way up, where over-tiered work
# costs twice its tokens (Sonnet's on Opus) and not twenty times (Haiku's on Sonnet)
N_STEPS = 91
N_BOOTSTRAP = 400


@dataclass(frozen=True)
class Threshold:
    """A pair of thresholds with the evidence for it; `found` is False where none meets the rate."""

    max_under_tier: float
    lambda_down: float
    lambda_up: float
    under_tiered: float
    under_tiered_low: float
    under_tiered_high: float
    found: bool
    basis: str = "seed tasks, whole types held out: an estimate, not a promise"

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def path() -> NDArray[np.float64]:
    """(N_STEPS, 2): lambda_down and lambda_up of each step, loosest first."""
    along = np.linspace(0.0, 1.0, N_STEPS)
    tightened = np.maximum(0.0, (along - DOWN_HOLDS_UNTIL) / (1 - DOWN_HOLDS_UNTIL))
    down = LAMBDA_DOWN[0] + tightened * (LAMBDA_DOWN[1] - LAMBDA_DOWN[0])
    return np.column_stack([down, np.linspace(*LAMBDA_UP, N_STEPS)])


def served(probabilities: NDArray[np.float64], lambda_down: float, lambda_up: float) -> NDArray[np.int64]:
    """The rung that "Sonnet unless" serves on a ladder with a middle, (n, n_tiers) -> (n,)."""
    middle = probabilities.shape[1] // 2
    above = probabilities[:, middle + 1 :].sum(axis=1)
    up = np.cumsum(np.pad(probabilities[:, middle + 1 :], ((0, 0), (0, 1))), axis=1) >= lambda_up
    down = np.cumsum(probabilities[:, :middle], axis=1) >= lambda_down
    chosen = np.full(len(probabilities), middle)
    chosen = np.where(down.any(axis=1), down.argmax(axis=1), chosen)
    return np.where(above >= lambda_up, middle + 1 + up.argmax(axis=1), chosen)


def choose_thresholds(
    probabilities: NDArray[np.float64], needed: NDArray[np.int64], groups: Sequence[str]
) -> list[Threshold]:
    """For each rate the first (cheapest) step of the path whose estimate keeps it."""
    steps = path()
    under = np.array([(served(probabilities, *step) < needed) for step in steps])
    rates = under.mean(axis=1)
    resampled = _type_bootstrap(under, groups)
    out = []
    for rate in RATES:
        keeping = np.flatnonzero(rates <= rate)
        step = int(keeping[0]) if len(keeping) else N_STEPS - 1
        low, high = np.quantile(resampled[:, step], [0.05, 0.95])
        down, up, under_tiered, low, high = (
            round(float(v), 4) for v in (*steps[step], rates[step], low, high)
        )
        found = bool(len(keeping))
        out.append(Threshold(rate, down, up, under_tiered, low, high, found))
    return out


def _type_bootstrap(under: NDArray[np.bool_], groups: Sequence[str]) -> NDArray[np.float64]:
    """(N_BOOTSTRAP, n_steps) rates over resampled task types."""
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.stack([np.bincount(index, weights=row, minlength=len(names)) for row in under])
    sizes = np.bincount(index)
    draws = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=N_BOOTSTRAP
    )
    return np.asarray((draws @ sums.T) / (draws @ sizes)[:, None])
