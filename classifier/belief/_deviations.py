"""How much wider or narrower than its text says a type's gap between two tiers is: the prior."""

from __future__ import annotations

import math

import numpy as np

from ._passing import Array

NODES = np.array([-8.5, -5.3, -3.3, -2.0, -1.0, 0.0, 1.0, 2.0, 3.3, 5.3, 8.5])  # in deviation sds
ODD_SD = 4.0  # in deviation sds, of the few types whose gap is unlike anything the text says


def deviation_weights(unit_nodes: Array, odd_share: float) -> Array:
    """Mass of the cell around each node, in units of deviation_sd: a normal, and few types far off."""
    edges = (unit_nodes[1:] + unit_nodes[:-1]) / 2
    below = [(1 - odd_share) * _normal_cdf(e) + odd_share * _normal_cdf(e / ODD_SD) for e in edges]
    return np.diff([0.0, *below, 1.0])


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
