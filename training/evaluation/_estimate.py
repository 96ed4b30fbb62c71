"""A figure with its 90 % interval, whole task types being what was drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ._upsets import Upsets

Array = NDArray[np.float64]
Int = NDArray[np.int64]
LEVEL = 0.95  # one side of a 90 % interval


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


def mean(values: Array, weights: Array, types: Int, upsets: Upsets | None = None) -> Estimate:
    """Weighted mean of values (n,), or (n, 2): a + b * kappa, with the uncertainty of kappa in it.

    The ratio's linearised variance over types (Cochran 1977), with Student's t for their number.
    """
    if len(values) == 0 or not weights.sum() > 0:
        return NOTHING
    pair = values if values.ndim == 2 else np.column_stack([values, np.zeros(len(values))])
    kappa = 0.0 if upsets is None else upsets.kappa
    _, cluster = np.unique(types, return_inverse=True)
    n_types = int(cluster.max()) + 1
    total = weights.sum()
    fixed, moving = (weights @ pair) / total
    value = float(fixed + kappa * moving)
    if n_types < 2:
        return Estimate(value, math.nan, math.nan)
    off = np.bincount(cluster, weights=weights * (pair @ np.array([1.0, kappa]) - value)) / total
    if upsets is not None and upsets.known:
        of_kappa = np.zeros(len(off))
        present = np.unique(types)
        of_kappa[:] = moving * upsets.influence[present]
        absent = np.delete(moving * upsets.influence, present)
        square = float(((off + of_kappa) ** 2).sum() + (absent**2).sum())
    else:
        square = float((off**2).sum())
    half = float(t.ppf(LEVEL, n_types - 1) * math.sqrt(square * n_types / (n_types - 1)))
    ends = [value, value]
    if upsets is not None and not upsets.known:
        ends = sorted((float(fixed + upsets.low * moving), float(fixed + upsets.high * moving)))
    return Estimate(value, min(ends) - half, max(ends) + half)


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
