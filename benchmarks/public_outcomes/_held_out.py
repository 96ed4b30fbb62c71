"""Whole types held out: does a router that has never seen a type do better than Sonnet for all?

Compared at the price of Sonnet for all, so that no threshold is chosen on what is judged. Intervals
resample types, and tasks within types.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._curve import single_tiers, under_tiering
from ._outcomes import PRICES
from ._slot import Array, Beliefs

MIDDLE = 1
N_RESAMPLES = 2000
LEVEL = 0.90


def against_middle(
    drawn: Sequence[Beliefs], passed: NDArray[np.bool_], types: pd.Series
) -> dict[str, list[float]]:
    """Under-tiering and quality at the middle tier's price, less the middle tier's: value, low, high."""
    under = under_tiering(passed)
    curves = [single_tiers(beliefs.pass_, passed) for beliefs in drawn]
    price = float(PRICES[MIDDLE])
    under_tiered = np.mean([curve.at(price, under) for curve in curves], axis=0)
    quality = np.mean([curve.at(price, curve.quality) for curve in curves], axis=0)
    return {
        "under_tiering": _with_interval(under_tiered, types),
        "under_tiering_less_sonnets": _with_interval(under_tiered - under[:, MIDDLE], types),
        "quality_less_sonnets": _with_interval(quality - passed[:, MIDDLE], types),
    }


def _with_interval(figure: Array, types: pd.Series) -> list[float]:
    """Mean over tasks with the interval of a two-stage bootstrap."""
    rng = np.random.default_rng(0)
    members = [
        figure[rows] for rows in types.reset_index(drop=True).groupby(types.to_numpy()).indices.values()
    ]
    means = np.empty(N_RESAMPLES)
    for i in range(N_RESAMPLES):
        picked = [members[k] for k in rng.integers(len(members), size=len(members))]
        means[i] = np.concatenate([rng.choice(values, len(values)) for values in picked]).mean()
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(figure.mean()), float(low), float(high)]
