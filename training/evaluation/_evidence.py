"""What is known of a task at a tier that may not have been the logged one.

- *observed*: that tier was tried, first or in a retry.
- *imputed*: clean at a lower tier, or not clean at a higher one; see `_upsets` for how sure that is.
- *weighed*: the log chose by chance, and such tasks were tried at that tier: propensities apply.
- *unproved*: the rest. A table of types says what is likely; it may be anything.

Probabilities of failing are pairs (a, b): a + b * kappa.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._units import Units, World

Array = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
OBSERVED, IMPUTED, WEIGHED, UNPROVED = range(4)
NAMES = ("observed", "imputed", "weighed", "unproved")


class Evidence(NamedTuple):
    """status : (n,). fail, under : (n, 2), P(not clean) and P(not clean where the top is clean). proved :
    (n,), an under-tiering that a retry shows.
    """

    status: Int
    fail: Array
    under: Array
    proved: Bool


def evidence_of(units: Units, chosen: Int, world: World) -> Evidence:
    """For a choice per task; without propensities, which `_weighing` adds."""
    n, every, top = len(units), np.arange(len(units)), world.n_tiers - 1
    failing = 1.0 - world.rates.rates[units.types]  # (n, n_tiers)
    at = _closest(units, chosen)
    seen = units.known[every, at] == 1
    here, there = failing[every, chosen], failing[every, at]
    fail = np.zeros((n, 2))
    observed = at == chosen
    fail[observed, 0] = ~seen[observed]
    for rows, pair in (
        (~observed & (at < chosen) & seen, (here, -here)),
        (~observed & (at > chosen) & ~seen, (here, 1.0 - here)),
        (~observed & (at < chosen) & ~seen, (here, here * (1.0 - there) / there)),
        (~observed & (at > chosen) & seen, (here, -there * (1.0 - here) / (1.0 - there))),
    ):
        fail[rows] = np.column_stack(pair)[rows]
    imputed = ~observed & (((at < chosen) & seen) | ((at > chosen) & ~seen))
    status = np.where(observed, OBSERVED, np.where(imputed, IMPUTED, UNPROVED))
    under = fail * _rescued(units, chosen, failing, world)[:, None]
    under[chosen == top] = 0.0
    higher = np.arange(top + 1)[None, :] > chosen[:, None]
    proved = observed & ~seen & ((units.known == 1) & higher).any(axis=1)
    return Evidence(status, fail, under, proved)


def _closest(units: Units, chosen: Int) -> Int:
    """The tier whose outcome says most of the chosen one: itself, else the nearest clean one below, else the
    nearest failed one above, else the logged one.
    """
    n_tiers = units.known.shape[1]
    tiers = np.arange(n_tiers)[None, :]
    below = np.where((units.known == 1) & (tiers < chosen[:, None]), tiers, -1).max(axis=1)
    above = np.where((units.known == 0) & (tiers > chosen[:, None]), tiers, n_tiers).min(axis=1)
    at = np.where(above < n_tiers, above, units.logged)
    at = np.where(below >= 0, below, at)
    itself = units.known[np.arange(len(units)), chosen] >= 0
    return np.where(itself, chosen, at)


def _rescued(units: Units, chosen: Int, failing: Array, world: World) -> Array:
    """(n,): P(the top is clean), where the chosen tier is not."""
    top, kappa = world.n_tiers - 1, world.upsets.kappa
    every = np.arange(len(units))
    f, q = failing[every, chosen], failing[:, top]
    rescued = 1.0 - np.minimum(1.0, q * (1.0 + kappa * (1.0 - f) / f))
    tiers = np.arange(top + 1)[None, :]
    between = ((units.known == 1) & (tiers > chosen[:, None])).any(axis=1)
    rescued = np.where(between, 1.0 - q * (1.0 - kappa), rescued)  # a tier in between did it
    at_top = units.known[:, top]
    return np.where(at_top >= 0, at_top == 1, rescued)
