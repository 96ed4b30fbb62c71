"""One choice per task minus another one, in money and in under-tiering."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._account import Account, cost_bounds, costs, status_shares, under_bounds
from ._estimate import Estimate, mean
from ._evidence import UNPROVED
from ._units import Units

Array = NDArray[np.float64]


class Difference(NamedTuple):
    """See `Comparison`. shares : of tasks; "same" are part of "observed"."""

    identified_usd: Estimate
    identified_under: Estimate
    likely_usd: Estimate
    likely_under: Estimate
    worst_usd: tuple[float, float]
    worst_under: tuple[float, float]
    shares: dict[str, float]


def difference(
    units: Units, new: Account, old: Account, *, among: NDArray[np.bool_] | None = None
) -> Difference:
    """Tasks on which both choose the same tier differ by exactly nothing, whatever would come of them."""
    some = np.ones(len(units), dtype=bool) if among is None else among
    same = new.chosen == old.chosen
    status = np.where(same, 0, np.maximum(new.evidence.status, old.evidence.status))
    money = np.where(same[:, None], 0.0, costs(units, new) - costs(units, old))
    under = np.where(same[:, None], 0.0, new.evidence.under - old.evidence.under)
    known = some & (status != UNPROVED)
    new_usd, old_usd = cost_bounds(units, new), cost_bounds(units, old)
    new_under, old_under = _under_ends(units, new), _under_ends(units, old)

    def figure(values: Array, rows: NDArray[np.bool_]) -> Estimate:
        return mean(values[rows], units.weights[rows], units.types[rows])

    def ends(low: Array, high: Array) -> tuple[float, float]:
        return figure(np.where(same, 0.0, low), some).low, figure(np.where(same, 0.0, high), some).high

    weights = units.weights[some]
    shares = status_shares(status[some], weights) if some.any() else {}
    if some.any():
        shares = {"same": round(float(weights[same[some]].sum() / weights.sum()), 4), **shares}
    return Difference(
        figure(money, known),
        figure(under, known),
        figure(money, some),
        figure(under, some),
        ends(new_usd[0] - old_usd[1], new_usd[1] - old_usd[0]),
        ends(new_under[0] - old_under[1], new_under[1] - old_under[0]),
        shares,
    )


def _under_ends(units: Units, each: Account) -> tuple[Array, Array]:
    """Likely where something is known; 0 and 1 where nothing is."""
    likely = each.evidence.under[:, 0]
    unproved = each.evidence.status == UNPROVED
    _, possible = under_bounds(units, each)
    return np.where(unproved, 0.0, likely), np.where(unproved, possible, likely)
