"""One choice per task minus another one, in money and in under-tiering."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._account import Account, cost_bounds, costs, status_shares, under_bounds
from ._estimate import Estimate, mean_difference, proved_at_most
from ._evidence import UNPROVED
from ._units import Units
from ._weighing import doubly_robust, drawn_between
from ._world import World

Array = NDArray[np.float64]


class Difference(NamedTuple):
    """See `Comparison`. shares : of tasks; "same" are part of "observed", and "by_chance" of "weighed".

    at_most : upper ends at the level PROOF, by the names of the four estimates.
    """

    identified_usd: Estimate
    identified_under: Estimate
    likely_usd: Estimate
    likely_under: Estimate
    worst_usd: tuple[float, float]
    worst_under: tuple[float, float]
    shares: dict[str, float]
    at_most: dict[str, float]


def difference(
    units: Units,
    new: Account,
    old: Account,
    *,
    world: World | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Difference:
    """Tasks on which both choose the same tier differ by exactly nothing, whatever would come of them.

    Identified are these and those on which chance decided between the two choices (`world` is needed for
    them), whatever came of it. What a verdict happens to tell of the other tier is not among them: at Sonnet
    a clean one tells that Opus would do too and a failed one tells nothing, so that they all speak
    against moving up, and down in the same way they all speak for it.
    """
    some = np.ones(len(units), dtype=bool) if among is None else among
    same = new.chosen == old.chosen
    chance = np.zeros(len(units), dtype=bool)
    if world is not None:
        chance = drawn_between(units, new.chosen, old.chosen)
        new, old = (
            each._replace(evidence=doubly_robust(units, each.chosen, world, each.evidence, chance))
            for each in (new, old)
        )
    status = np.where(same, 0, np.maximum(new.evidence.status, old.evidence.status))
    money = np.where(same[:, None], 0.0, costs(units, new) - costs(units, old))
    under = np.where(same[:, None], 0.0, new.evidence.under - old.evidence.under)
    known = some & (same | chance)
    new_usd, old_usd = cost_bounds(units, new), cost_bounds(units, old)
    new_under, old_under = _under_ends(units, new), _under_ends(units, old)

    def figure(values: Array, rows: NDArray[np.bool_]) -> Estimate:
        return mean_difference(values[rows], units.weights[rows], units.types[rows])

    def ends(low: Array, high: Array) -> tuple[float, float]:
        return figure(np.where(same, 0.0, low), some).low, figure(np.where(same, 0.0, high), some).high

    def proved(values: Array, rows: NDArray[np.bool_]) -> float:
        return proved_at_most(values[rows], units.weights[rows], units.types[rows])

    at_most = {
        "identified_usd": proved(money, known),
        "identified_under": proved(under, known),
        "likely_usd": proved(money, some),
        "likely_under": proved(under, some),
    }
    weights = units.weights[some]
    shares = status_shares(status[some], weights) if some.any() else {}
    if some.any():
        of_all = {"same": same, "by_chance": chance}
        kinds = {name: float(weights[kind[some]].sum() / weights.sum()) for name, kind in of_all.items()}
        shares = {**{name: round(share, 4) for name, share in kinds.items()}, **shares}
    return Difference(
        figure(money, known),
        figure(under, known),
        figure(money, some),
        figure(under, some),
        ends(new_usd[0] - old_usd[1], new_usd[1] - old_usd[0]),
        ends(new_under[0] - old_under[1], new_under[1] - old_under[0]),
        shares,
        at_most,
    )


def _under_ends(units: Units, each: Account) -> tuple[Array, Array]:
    """Likely where something is known; 0 and 1 where nothing is."""
    likely = each.evidence.under[:, 0]
    unproved = each.evidence.status == UNPROVED
    _, possible = under_bounds(units, each)
    return np.where(unproved, 0.0, likely), np.where(unproved, possible, likely)
