"""The path of thresholds: what it serves is what the router decides, and the cheapest step that will do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from tierwise.router.rules._beliefs import Beliefs
from tierwise.router.rules._sonnet_unless import sonnet_unless
from tierwise.training.promise.thresholds import N_STEPS, RATES, choose_thresholds, path, served


def test_the_first_half_of_the_path_tightens_the_way_up_alone():
    steps = path()
    assert steps.shape == (N_STEPS, 2)
    assert steps[[0, 45, 60, 75, 90]] == pytest.approx(
        np.array(
            [[0.60, 0.55], [0.60, 0.325], [0.60 + 0.37 / 3, 0.25], [0.60 + 0.74 / 3, 0.175], [0.97, 0.10]]
        )
    )
    assert (steps[:46, 0] == 0.60).all()


@pytest.mark.parametrize("n_tiers", [2, 3, 4, 5])
def test_what_is_served_is_what_the_router_decides(n_tiers):
    needed = np.random.default_rng(n_tiers).dirichlet([0.5] * n_tiers, 300)
    seen = set()
    for down, up in path()[::30]:
        found = served(needed, down, up)
        seen |= set(found.tolist())
        beliefs = [Beliefs(tuple(row), (), None, False, down, up, 0.6, None) for row in needed.tolist()]
        assert found.tolist() == [sonnet_unless(each, down, n_tiers // 2)[0] for each in beliefs]
    assert len(seen) == n_tiers


def test_the_cheapest_step_that_keeps_the_rate_is_chosen():
    chance = np.random.default_rng(0)
    believed = chance.dirichlet([0.4, 0.4, 0.2], 4_000)
    needed = (chance.random(4_000)[:, None] > np.cumsum(believed, axis=1)).sum(axis=1)
    rates = np.array([(served(believed, *step) < needed).mean() for step in path()])
    found = choose_thresholds(believed, needed, ["a", "b"] * 2_000)
    assert [threshold.found for threshold in found] == [bool((rates <= rate).any()) for rate in RATES]
    assert sum(threshold.found for threshold in found) >= 3
    for threshold in found:
        step = int(np.argmax(rates <= threshold.max_under_tier)) if threshold.found else N_STEPS - 1
        assert [threshold.lambda_down, threshold.lambda_up] == pytest.approx(path()[step], abs=1e-4)
        assert threshold.under_tiered == pytest.approx(rates[step], abs=1e-4)


def test_the_interval_is_of_types_and_not_of_tasks():
    """Of 40 types of 50 tasks each ten are always under-tiered: as uncertain as 40 draws, not as 2,000."""
    believed, types = np.tile([0.99, 0.005, 0.005], (2_000, 1)), np.repeat(np.arange(40), 50)
    [threshold, *_] = choose_thresholds(believed, np.where(types < 10, 2, 0), types.astype(str))
    low, high = binom.ppf([0.05, 0.95], 40, 0.25) / 40
    assert threshold.under_tiered == 0.25
    assert threshold.under_tiered_low == pytest.approx(low, abs=0.03)
    assert threshold.under_tiered_high == pytest.approx(high, abs=0.03)
