"""Upsets: a tier passes a task that a higher one fails. How often, by what retries show.

Within a type, tiers fail with rates f (lower) >= q (higher). Were their failures independent, an
upset would happen with q (1 - f); were each failure of the higher tier one of the lower too, never.
kappa places the truth between the two:

    P(both fail) = q (f + kappa (1 - f))     P(lower clean, higher fails) = (1 - kappa) q (1 - f)

A retry shows P(higher fails | lower failed) = q (1 + kappa (1 - f) / f), which gives kappa by moments:

    kappa = sum(failed again - q) / sum(q (1 - f) / f)      over retried tasks
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ...classifier.errors import InvalidTraining

Array = NDArray[np.float64]
Int = NDArray[np.int64]
MIN_RETRIES = 20  # fewer say nothing: kappa may be anything, and what is imputed with it spans that


@dataclass(frozen=True)
class Upsets:
    """kappa with its 90 % interval; `known` where enough retries estimate it.

    influence : (n_types,), by how much each type moved kappa.
    """

    kappa: float
    low: float
    high: float
    known: bool
    n_retries: int
    source: str
    influence: Array

    def to_dict(self) -> dict[str, Any]:
        return {
            "kappa": round(self.kappa, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "retries": self.n_retries,
            "source": self.source,
        }


def assumed(kappa: float, n_types: int) -> Upsets:
    """A kappa that the caller gives. Raises InvalidTraining outside 0 to 1."""
    if not 0.0 <= kappa <= 1.0:
        raise InvalidTraining(f"kappa is a number from 0 to 1; got {kappa!r}.", about=kappa)
    return Upsets(kappa, kappa, kappa, True, 0, "given by the caller", np.zeros(n_types))


def from_retries(
    types: Int, lower: Int, higher: Int, failed_again: NDArray[np.bool_], rates: Array
) -> Upsets:
    """kappa from tasks that failed at `lower` and were then tried at `higher`; rates (n_types, n_tiers)."""
    n_types = len(rates)
    if len(types) >= MIN_RETRIES:
        f, q = 1.0 - rates[types, lower], 1.0 - rates[types, higher]
        more, room = failed_again - q, q * (1.0 - f) / f
        kappa = float(np.clip(more.sum() / room.sum(), 0.0, 1.0))
        influence = np.bincount(types, weights=more - kappa * room, minlength=n_types) / room.sum()
        present = len(np.unique(types))
        if present > 1:
            spread = float(np.sqrt((influence**2).sum() * present / (present - 1)))
            half = float(t.ppf(0.95, present - 1)) * spread
            low, high = max(0.0, kappa - half), min(1.0, kappa + half)
            return Upsets(kappa, low, high, True, len(types), f"{len(types)} retries", influence)
    source = (
        f"not estimated: {len(types)} retries of {len(np.unique(types))} types, {MIN_RETRIES} of 2 needed"
    )
    return Upsets(0.5, 0.0, 1.0, False, len(types), source, np.zeros(n_types))
