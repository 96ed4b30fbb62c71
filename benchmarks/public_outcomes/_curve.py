"""The curve of cost and quality that a router spans, and what is read from it.

A router chooses, for each task, the option with the most value x worth - price; the worth of a pass is
swept from nothing to very much. Between two points of the curve decisions are mixed by a coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ._outcomes import PRICES
from ._slot import Array

WORTH = np.concatenate([[0.0], np.geomspace(0.8, 2e4, 400)])  # of a pass, in price units
N_COSTS = 8  # equally spaced costs above all-cheapest, the last of them all-top


@dataclass(frozen=True)
class Curve:
    """What a sweep of the worth chose, with the outcomes of it.

    chosen : (n_points, n_tasks): index of the option.
    price, quality : (n_tasks, n_options): what each option really costs, and whether it passes.
    """

    chosen: NDArray[np.int64]
    price: Array
    quality: Array

    @cached_property
    def cost(self) -> Array:
        """(n_points,): mean cost a task, never falling."""
        return np.maximum.accumulate(self.mean_of(self.price))

    @cached_property
    def share_passed(self) -> Array:
        return self.mean_of(self.quality)

    def mean_of(self, figure: Array) -> Array:
        """(n_points,): mean over tasks of an (n_tasks, n_options) figure of the chosen option."""
        tasks = np.arange(figure.shape[0])
        return np.array([figure[tasks, options].mean() for options in self.chosen])

    def at(self, cost: float, figure: Array) -> Array:
        """(n_tasks,): an (n_tasks, n_options) figure at this mean cost, by a coin between two points."""
        above = int(np.clip(np.searchsorted(self.cost, cost), 1, len(self.cost) - 1))
        low, high = self.cost[above - 1], self.cost[above]
        coin = 1.0 if high <= low else float(np.clip((cost - low) / (high - low), 0, 1))
        tasks = np.arange(figure.shape[0])
        below = figure[tasks, self.chosen[above - 1]]
        return np.asarray((1 - coin) * below + coin * figure[tasks, self.chosen[above]])


def sweep(believed: Array, expected_price: Array) -> NDArray[np.int64]:
    """(n_points, n_tasks): the best option at each worth of a pass."""
    return np.stack([np.argmax(worth * believed - expected_price, axis=1) for worth in WORTH])


def single_tiers(pass_: Array, passed: NDArray[np.bool_]) -> Curve:
    """The curve of one tier a task, ending at the top tier for all."""
    prices = np.broadcast_to(PRICES, passed.shape)
    all_top = np.full((1, len(passed)), passed.shape[1] - 1)
    return Curve(np.concatenate([sweep(pass_, prices), all_top]), prices, passed.astype(float))


def under_tiering(passed: NDArray[np.bool_]) -> Array:
    """(n_tasks, n_tiers): 1 where the tier fails and the top one passes."""
    return (~passed & passed[:, -1:]).astype(float)


def apgr(curve: Curve, passed: NDArray[np.bool_]) -> float:
    """Area under the share of the top tier's gain; a coin between cheapest and top has 0.5."""
    costs = np.linspace(PRICES[0], PRICES[-1], 201)
    return float(_gain(np.interp(costs, curve.cost, curve.share_passed), passed).mean())


def apgr_envelope(curve: Curve, passed: NDArray[np.bool_]) -> float:
    """The same with the best coin between *any* two points, mean of N_COSTS costs that end at all-top.

    Flattering twice (the best coin is chosen on test outcomes, the lower end is left out, so that a
    plain coin has 0.56); the way the figures that we are compared with seem to have been read.
    """
    costs = np.linspace(PRICES[0], PRICES[-1], N_COSTS + 1)[1:]
    return float(_gain(np.interp(costs, *_upper_envelope(curve.cost, curve.share_passed)), passed).mean())


def lowest_cost(curve: Curve, figure: Array, most: float) -> float:
    """Lowest cost on the curve at which the mean of a figure is at most `most`, as a share of all-top."""
    costs = np.linspace(PRICES[0], PRICES[-1], 2001)
    met = np.interp(costs, curve.cost, curve.mean_of(figure)) <= most
    return float(costs[np.argmax(met)] / PRICES[-1])


def _gain(quality: Array, passed: NDArray[np.bool_]) -> Array:
    lowest, top = passed[:, 0].mean(), passed[:, -1].mean()
    return np.asarray((quality - lowest) / (top - lowest))


def _upper_envelope(cost: Array, quality: Array) -> tuple[Array, Array]:
    """Corners of the least concave curve above the points."""
    kept: list[tuple[float, float]] = []
    for x, y in sorted(zip(cost.tolist(), quality.tolist(), strict=True)):
        if kept and x <= kept[-1][0]:
            kept.pop()  # the same cost, not more quality
        while len(kept) > 1 and _is_below(kept[-2], kept[-1], (x, y)):
            kept.pop()
        kept.append((x, y))
    return np.array([x for x, _ in kept]), np.array([y for _, y in kept])


def _is_below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    rise = (middle[1] - left[1]) * (right[0] - left[0])
    return rise <= (right[1] - left[1]) * (middle[0] - left[0])
