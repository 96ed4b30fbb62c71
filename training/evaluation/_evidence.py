"""What is known of a task at a tier that may not have been the logged one.

- *observed*: that tier was tried, first or in a retry.
- *imputed*: clean at a lower tier, or not clean at a higher one. Only an upset could make it otherwise.
- *weighed*: the log chose by chance, and such tasks were tried at that tier: propensities apply.
- *unproved*: the rest. What is likely of the type is shown, but it may be anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._latent import clean_by_pattern
from ._units import Units
from ._world import World

Array = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
OBSERVED, IMPUTED, WEIGHED, UNPROVED = range(4)
NAMES = ("observed", "imputed", "weighed", "unproved")


class Evidence(NamedTuple):
    """status : (n,). fail, under : (n, n_joints), P(not clean) and P(not clean where the top would be clean);
    a column for each of `World.joints`. proved : (n,), retries show an under-tiering.
    """

    status: Int
    fail: Array
    under: Array
    proved: Bool


def evidence_of(units: Units, chosen: Int, world: World) -> Evidence:
    """For a choice per task; without propensities, which `_weighing` adds."""
    tiers = np.arange(world.n_tiers)[None, :]
    at = chosen[:, None]
    here = units.known[np.arange(len(units)), chosen]
    clean_below = ((units.known == 1) & (tiers < at)).any(axis=1)
    failed_above = ((units.known == 0) & (tiers > at)).any(axis=1)
    status = np.where(here >= 0, OBSERVED, np.where(clean_below | failed_above, IMPUTED, UNPROVED))
    fail, under = np.zeros((len(units), len(world.joints))), np.zeros((len(units), len(world.joints)))
    clean = clean_by_pattern(world.n_tiers)
    fits = _fitting(units, clean)
    fails = ~clean[:, chosen].T  # (n, n_patterns)
    for column, each in enumerate(world.joints):
        mass = each.patterns[units.types] * fits
        mass /= mass.sum(axis=1, keepdims=True)
        fail[:, column] = (mass * fails).sum(axis=1)
        under[:, column] = (mass * (fails & clean[:, -1])).sum(axis=1)
    proved = (here == 0) & ((units.known == 1) & (tiers > at)).any(axis=1)
    return Evidence(status, fail, under, proved)


def _fitting(units: Units, clean: Bool) -> Bool:
    """(n, n_patterns): what all tiers would do agrees with what the tried ones did."""
    out = np.ones((len(units), len(clean)), dtype=bool)
    for tier in range(clean.shape[1]):
        said = units.known[:, tier]
        out &= (said[:, None] < 0) | (clean[:, tier][None, :] == (said[:, None] == 1))
    return out
