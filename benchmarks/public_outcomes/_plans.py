"""Plans with a perfect checker: the cheaper tier first, the next one where the check fails.

Their price and quality are expected from the router's beliefs and then measured on the outcomes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._curve import Curve, sweep
from ._outcomes import PRICES
from ._slot import PLANS, Array, Beliefs

COST_SHARE = 0.34  # of all-top: where the gain is read


def plan_curve(beliefs: Beliefs, passed: NDArray[np.bool_]) -> Curve:
    price, quality = really(passed)
    return Curve(sweep(1 - beliefs.fail_together, expected_price(beliefs.fail_together)), price, quality)


def expected_price(fail_together: Array) -> Array:
    """(n_tasks, n_plans): each rung is paid where all before it failed."""
    price = np.zeros_like(fail_together)
    for plan, rungs in enumerate(PLANS):
        price[:, plan] = PRICES[rungs[0]]
        for tried in range(1, len(rungs)):
            price[:, plan] += fail_together[:, PLANS.index(rungs[:tried])] * PRICES[rungs[tried]]
    return price


def really(passed: NDArray[np.bool_]) -> tuple[Array, Array]:
    """(n_tasks, n_plans) price and quality of every plan, as the outcomes have it."""
    failed = np.stack([(~passed[:, list(rungs)]).all(axis=1) for rungs in PLANS], axis=1).astype(float)
    return expected_price(failed), 1 - failed


def plan_figures(beliefs: Beliefs, passed: NDArray[np.bool_]) -> dict[str, float]:
    """Points above all-top at the lower price, and what all-top's quality and more cost."""
    curve = plan_curve(beliefs, passed)
    top = passed[:, -1].mean()
    quality = np.maximum.accumulate(curve.share_passed)
    share = {
        points: float(np.interp(top + points / 100, quality, curve.cost) / PRICES[-1]) for points in (0, 3, 4)
    }
    gain = np.interp(COST_SHARE * PRICES[-1], curve.cost, curve.share_passed) - top
    return {
        "points_above_opus": 100 * float(gain),
        "cost_of_opus_quality": share[0],
        "cost_of_opus_plus_3": share[3],
        "cost_of_opus_plus_4": share[4],
    }


def whole_ladder(passed: NDArray[np.bool_]) -> dict[str, float]:
    """Every rung in turn for every task: the most that any plan can reach, and its cost."""
    price, quality = really(passed)
    gain = quality[:, -1].mean() - passed[:, -1].mean()
    return {
        "points_above_opus": 100 * float(gain),
        "cost_share": float(price[:, -1].mean() / PRICES[-1]),
    }
