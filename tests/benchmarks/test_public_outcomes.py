"""The measures of benchmarks/public_outcomes, on made-up outcomes."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.public_outcomes._baselines import ConstantRates, ShrunkTable
from benchmarks.public_outcomes._curve import apgr, lowest_cost, single_tiers, under_tiering
from benchmarks.public_outcomes._draws import cross_fitted, folds_by, folds_by_task, log_of, logged_tiers
from benchmarks.public_outcomes._held_out import against_middle
from benchmarks.public_outcomes._outcomes import PRICES, TIERS, Outcomes
from benchmarks.public_outcomes._plans import expected_price, plan_figures, really, whole_ladder
from benchmarks.public_outcomes._slot import PLANS, Beliefs
from benchmarks.public_outcomes._within import by_type, with_true_rates

RNG = np.random.default_rng(0)
KINDS = np.repeat(["easy", "steep", "hard"], 200)
RATES = {"easy": (0.95, 0.96, 0.97), "steep": (0.2, 0.5, 0.9), "hard": (0.1, 0.1, 0.2)}
TRUE = np.array([RATES[kind] for kind in KINDS])
OUTCOMES = Outcomes(
    pd.DataFrame(
        {"source": "made up", "task_type": KINDS, "specification": [f"task {i}" for i in range(600)]}
    ),
    RNG.uniform(size=(600, 3)) < TRUE,
)
PASSED = OUTCOMES.passed


def test_a_log_holds_one_tier_a_task_and_its_outcome():
    logged = logged_tiers(600, seed=1)
    log = log_of(OUTCOMES, logged)
    assert list(log) == ["specification", "task_type", "tier", "verdict"]
    assert [TIERS.index(tier) for tier in log["tier"]] == logged.tolist()
    assert ((log["verdict"] == "clean") == PASSED[np.arange(600), logged]).all()
    np.testing.assert_allclose(np.bincount(logged) / 600, (0.3, 0.5, 0.2), atol=0.06)


def test_no_fold_is_predicted_by_a_fit_that_saw_it():
    seen = []

    class Spy:
        def fit(self, train):
            self.train = set(train["specification"])
            return self

        def beliefs(self, test):
            assert list(test) == ["specification", "task_type"]
            assert not self.train & set(test["specification"])
            seen.extend(test["specification"])
            return Beliefs.independent(np.tile([0.1, 0.2, 0.3], (len(test), 1)))

    beliefs = cross_fitted(Spy(), OUTCOMES, folds_by_task(600, seed=3), seed=3)
    assert sorted(seen) == sorted(OUTCOMES.tasks["specification"])
    np.testing.assert_allclose(beliefs.fail_together[0, PLANS.index((0, 1, 2))], 0.9 * 0.8 * 0.7)


def test_a_curve_runs_from_the_cheapest_tier_for_all_to_the_top_one():
    curve = single_tiers(TRUE, PASSED)
    assert (curve.cost[0], curve.cost[-1]) == pytest.approx((PRICES[0], PRICES[-1]))
    assert curve.share_passed[[0, -1]] == pytest.approx(PASSED.mean(axis=0)[[0, -1]])
    assert (np.diff(curve.cost) >= 0).all()


def test_between_two_points_a_coin_decides():
    curve = single_tiers(np.tile([0.5, 0.5, 0.9], (600, 1)), PASSED)  # all Haiku, then all Opus
    halfway = (PRICES[0] + PRICES[-1]) / 2
    assert curve.at(halfway, curve.quality) == pytest.approx((PASSED[:, 0] * 1.0 + PASSED[:, 2]) / 2)
    assert apgr(curve, PASSED) == pytest.approx(0.5, abs=0.01)


def test_who_knows_more_spans_the_better_curve():
    constant = cross_fitted(ConstantRates(), OUTCOMES, folds_by_task(600, 0), 0)
    table = cross_fitted(ShrunkTable(), OUTCOMES, folds_by_task(600, 0), 0)
    areas = [apgr(single_tiers(p, PASSED), PASSED) for p in (constant.pass_, table.pass_, PASSED * 1.0)]
    assert areas == sorted(areas)
    assert areas[1] > areas[0] + 0.1


def test_under_tiering_is_failing_where_the_top_would_have_passed():
    passed = np.array([[False, True, True], [False, False, False], [True, False, True]])
    assert under_tiering(passed).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    curve = single_tiers(passed * 1.0, passed)
    assert lowest_cost(curve, under_tiering(passed), 0.05) < 0.4


def test_a_plan_pays_for_a_rung_where_all_before_it_failed():
    price, quality = really(np.array([[False, False, True], [True, False, False]]))
    whole, cheap_top = PLANS.index((0, 1, 2)), PLANS.index((0, 2))
    assert price[:, whole] == pytest.approx([6.1, 0.1])
    assert price[:, cheap_top] == pytest.approx([4.1, 0.1])
    assert quality[:, whole].tolist() == [1, 1]
    assert quality[:, PLANS.index((1,))].tolist() == [0, 0]


def test_a_router_can_say_that_failures_come_together():
    beliefs = Beliefs(np.full((600, 3), 0.5), np.full((600, len(PLANS)), 0.5))
    assert expected_price(beliefs.fail_together)[0, PLANS.index((0, 1))] == pytest.approx(0.1 + 0.5 * 2)
    assert plan_figures(beliefs, PASSED)["points_above_opus"] < whole_ladder(PASSED)["points_above_opus"]


def test_the_table_shrinks_a_rare_type_more_than_a_common_one():
    train = log_of(OUTCOMES, logged_tiers(600, seed=0))
    few = pd.concat([train[train["task_type"] != "hard"], train[train["task_type"] == "hard"][:6]])
    asked = pd.DataFrame({"specification": ["a", "b"], "task_type": ["hard", "never seen"]})
    much, little = (ShrunkTable().fit(frame).beliefs(asked).pass_ for frame in (train, few))
    assert much[0, 1] < little[0, 1] < little[1, 1]


def test_whole_types_held_out_are_compared_with_sonnet_for_all():
    beliefs = cross_fitted(ConstantRates(), OUTCOMES, folds_by(OUTCOMES.tasks["task_type"], 0), 0)
    found = against_middle([beliefs], PASSED, OUTCOMES.tasks["task_type"])
    assert all(low <= value <= high for value, low, high in found.values())


def test_a_constant_ranks_nothing_within_a_type():
    folds = folds_by_task(600, 0)
    constant = cross_fitted(ConstantRates(), OUTCOMES, folds, 0)
    rows = by_type(constant.pass_, PASSED, OUTCOMES.tasks["task_type"], folds)
    assert {row["auc_sonnet"] for row in rows.values()} == {0.5}
    assert rows["easy"]["apgr"] is None  # nothing to gain there


def test_with_true_rates_only_the_order_within_types_is_the_routers():
    folds, types = folds_by_task(600, 0), OUTCOMES.tasks["task_type"]
    rates = np.array([PASSED[kind == KINDS].mean(axis=0) for kind in KINDS])
    constant = with_true_rates(np.full((600, 3), 0.5), PASSED, types, folds)
    np.testing.assert_allclose(constant, rates, atol=1e-3)
    knows = with_true_rates(np.where(PASSED, 0.6, 0.4), PASSED, types, folds)
    areas = [apgr(single_tiers(beliefs, PASSED), PASSED) for beliefs in (constant, knows)]
    assert areas[1] > areas[0] + 0.1
