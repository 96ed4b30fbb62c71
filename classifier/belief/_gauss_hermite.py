"""Nodes and weights of Gauss-Hermite quadrature for a standard normal.

Written out, because what NumPy needs to find them (`numpy.polynomial`, eigenvalues) takes longer than a
decision process may. They are those of `numpy.polynomial.hermite_e.hermegauss`; a test compares them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# number of nodes -> nodes from 0 upwards, and their weights; the others mirror them
_UPPER: dict[int, tuple[list[float], list[float]]] = {
    7: (
        [0.0, 1.1544053947399682, 2.366759410734541, 3.7504397177257425],
        [0.45714285714285724, 0.2401231786050127, 0.03075712396758652, 0.000548268855972217],
    ),
    31: (
        [
            0.0,
            0.5599475878410028,
            1.1212973740470091,
            1.685497905069052,
            2.2540950007544107,
            2.828792768157508,
            3.4115324158431557,
            4.004600901491223,
            4.61078979732399,
            5.233641511712708,
            5.877855885986258,
            6.550014268765683,
            7.2600004888908645,
            8.024193227361646,
            8.87430140948879,
            9.893385708986651,
        ],
        [
            0.2232941387424068,
            0.19113200477464318,
            0.1196831096958546,
            0.054567258894475015,
            0.017967875843441658,
            0.004221717767270714,
            0.0006960312713792916,
            7.871624069602279e-05,
            5.9232023176863475e-06,
            2.8456100881628386e-07,
            8.243931619119728e-09,
            1.3272514835897158e-10,
            1.049603362311366e-12,
            3.3284683241484216e-15,
            2.883352367857825e-18,
            2.6059738548929907e-22,
        ],
    ),
}


def gauss_hermite(n: int) -> tuple[Array, Array]:
    """(n,) nodes, rising, and (n,) weights that sum to 1; n is one of those written out here."""
    nodes, weights = (np.array(each) for each in _UPPER[n])
    return np.concatenate([-nodes[:0:-1], nodes]), np.concatenate([weights[:0:-1], weights])
