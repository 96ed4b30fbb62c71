"""All figures of one draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._curve import Curve, apgr, apgr_envelope, lowest_cost, single_tiers, under_tiering
from ._outcomes import PRICES
from ._plans import plan_figures
from ._slot import PLANS, Beliefs

MOST_UNDER_TIERED = 0.05


def judge(beliefs: Beliefs, passed: NDArray[np.bool_]) -> dict[str, float]:
    curve = single_tiers(beliefs.pass_, passed)
    under = under_tiering(passed)
    promised_cost, promised_rate = _promised(curve, beliefs, passed)
    return {
        "apgr": apgr(curve, passed),
        "apgr_envelope": apgr_envelope(curve, passed),
        "cost_at_5_percent": lowest_cost(curve, under, MOST_UNDER_TIERED),
        "cost_promised": promised_cost,
        "under_tiering_promised": promised_rate,
        "log_loss": _log_loss(beliefs, passed),
        **plan_figures(beliefs, passed),
    }


def _promised(curve: Curve, beliefs: Beliefs, passed: NDArray[np.bool_]) -> tuple[float, float]:
    """Cost, and real under-tiering, where the router itself expects the rate; no outcome chooses."""
    top = len(PRICES) - 1
    fails = {rungs: beliefs.fail_together[:, i] for i, rungs in enumerate(PLANS)}
    expected = np.stack(
        [fails[(tier,)] - fails[(tier, top)] if tier < top else 0 * fails[(top,)] for tier in range(top + 1)],
        axis=1,
    )
    share = lowest_cost(curve, expected, MOST_UNDER_TIERED)
    return share, float(curve.at(share * PRICES[-1], under_tiering(passed)).mean())


def _log_loss(beliefs: Beliefs, passed: NDArray[np.bool_]) -> float:
    pass_ = np.clip(beliefs.pass_, 1e-3, 1 - 1e-3)
    return float(-np.where(passed, np.log(pass_), np.log(1 - pass_)).mean())
