"""A figure with its 90 % interval, whole task types being what was drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

Array = NDArray[np.float64]
Int = NDArray[np.int64]
LEVEL = 0.95  # one side of a 90 % interval
PROOF = 0.999  # of what a promotion rests on: weekly looks of a whole year then err in 1 year of 20, at worst


class Estimate(NamedTuple):
    """value, and the ends of its 90 % interval; NaN where there is none (one task type)."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        return {name: plain(value) for name, value in self._asdict().items()}

    def text(self, unit: str = "") -> str:
        shown = [_shown(value, unit) for value in self]
        return f"{shown[0]} [{shown[1]}, {shown[2]}]"


NOTHING = Estimate(math.nan, math.nan, math.nan)


def mean(values: Array, weights: Array, types: Int) -> Estimate:
    """Weighted mean of values (n,), or (n, n_joints): as is likeliest, and as it also may be.

    The ratio's linearised variance over types (Cochran 1977) with Student's t for their number; what the
    log leaves open is added to it in quadrature.
    """
    return _interval(values, weights, types, LEVEL, few=False)


def mean_difference(values: Array, weights: Array, types: Int) -> Estimate:
    """`mean` of a difference that is nothing on most tasks.

    Student's t counts the types that make the variance (Satterthwaite 1946), not all: where a few types
    moved, a spread that looks small may be luck.
    """
    return _interval(values, weights, types, LEVEL, few=True)


def proved_at_most(values: Array, weights: Array, types: Int, level: float = PROOF) -> float:
    """The upper end of `mean_difference` at this level; NaN with one task type."""
    return _interval(values, weights, types, level, few=True).high


def _interval(values: Array, weights: Array, types: Int, level: float, *, few: bool) -> Estimate:
    """few : whether few types may make the variance."""
    if not weights.sum() > 0:
        return NOTHING
    columns = values if values.ndim == 2 else values[:, None]
    total = weights.sum()
    value, *ends = ((weights @ columns) / total).tolist()
    below = max([0.0, *(value - end for end in ends)])
    above = max([0.0, *(end - value for end in ends)])
    _, cluster = np.unique(types, return_inverse=True)
    off = np.bincount(cluster, weights=weights * (columns[:, 0] - value)) / total
    n_types, square = len(off), float((off**2).sum())
    if n_types < 2:
        return Estimate(value, math.nan, math.nan)
    freedom = n_types - 1.0
    if few and square > 0.0:
        freedom = max(square**2 / float((off**4).sum()) - 1.0, 1.0)
    half = float(t.ppf(level, freedom)) * math.sqrt(square * n_types / (n_types - 1))
    return Estimate(value, value - math.hypot(half, below), value + math.hypot(half, above))


def plain(value: float) -> float | None:
    """For JSON: no NaN, no infinity; six significant digits."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _shown(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "?"
    if unit == "%":
        return f"{value:.1%}"
    if unit == "$":
        return f"-${-value:,.4f}" if value < 0 else f"${value:,.4f}"
    return f"{value:.3f}"
