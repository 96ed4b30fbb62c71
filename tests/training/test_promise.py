"""Promises about under-tiering: the bounds hold in simulation, and "none meets it" is an answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit

from tierwise.classifier.task import Task
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.promise.promised import (
    NOT_PROMISED,
    PROMISED,
    lower_indicator,
    promised_thresholds,
    upper_bound,
    upper_indicator,
)
from tierwise.training.promise.thresholds import RATES, path, served


def outcomes(tiers, clean, failed=None, types=None) -> Outcomes:
    n = len(tiers)
    types = np.arange(n) if types is None else np.asarray(types)
    return Outcomes(
        (Task("a"),) * n,
        types,
        tuple(str(i) for i in range(int(types.max(initial=-1)) + 1)),
        np.asarray(tiers, dtype=np.int64),
        np.asarray(clean, dtype=bool),
        np.arange(float(n)),
        ((),) * n if failed is None else tuple(failed),
        np.ones(n),
    )


# tier of the run, clean, failed before, tier chosen: is it proved, is it possible
CASES = [
    (0, True, (), 0, False, False),
    (0, True, (), 2, False, False),
    (1, True, (), 0, False, True),  # the cheaper tier was not tried
    (2, True, (), 1, False, True),
    (2, True, (), 2, False, False),
    (0, False, (), 0, False, True),
    (0, False, (), 1, False, True),  # Haiku's failure says nothing of Sonnet, which was not tried
    (0, False, (), 2, False, False),  # the top is never too low
    (1, False, (), 0, False, True),
    (1, False, (), 1, False, True),
    (2, False, (), 0, False, False),  # the top failed as well
    (2, False, (0, 1), 0, False, False),
    (1, True, (0,), 0, True, True),
    (1, True, (0,), 1, False, False),
    (2, True, (0,), 1, False, True),
    (2, True, (0, 1), 1, True, True),
    (1, False, (0,), 0, False, True),
]


@pytest.mark.parametrize(("tier", "clean", "failed", "chosen", "proved", "possible"), CASES)
def test_what_an_outcome_says_of_another_choice(tier, clean, failed, chosen, proved, possible):
    row = outcomes([tier], [clean], [failed])
    assert lower_indicator(row, np.array([chosen])).tolist() == [proved]
    assert upper_indicator(row, np.array([chosen]), 2).tolist() == [possible]


def test_a_failure_at_the_highest_tier_of_the_log_counts_when_the_ladder_goes_on():
    rows = outcomes([0, 1], [True, False])
    assert upper_indicator(rows, np.array([0, 1]), 2).tolist() == [False, True]
    assert upper_indicator(rows, np.array([0, 1]), 1).tolist() == [False, False]


def test_a_higher_choice_is_never_more_under_tiered():
    """Whatever the log says of it."""
    for tier, clean, failed in itertools.product(range(3), (True, False), [(), (0,), (1,), (0, 1), (2,)]):
        row = outcomes([tier] * 3, [clean] * 3, [failed] * 3)
        for found in (lower_indicator(row, np.arange(3)), upper_indicator(row, np.arange(3), 2)):
            assert (np.diff(found.astype(int)) <= 0).all()


@given(st.integers(0, 10_000))
def test_the_truth_lies_between_the_ends_of_the_interval(seed):
    """Tasks of which all attempts are known; the log shows one run, or a retry after failures."""
    chance = np.random.default_rng(seed)
    passes = np.sort(chance.random((50, 3)) < 0.6, axis=1)  # what a tier does, the next one does too
    first = chance.integers(0, 3, 50)
    tiers, clean, failed = first.copy(), np.zeros(50, dtype=bool), []
    for i in range(50):
        again = chance.random() < 0.5
        while again and not passes[i, tiers[i]] and tiers[i] < 2:
            tiers[i] += 1
        clean[i] = passes[i, tiers[i]]
        failed.append(tuple(range(first[i], tiers[i])))
    rows, chosen = outcomes(tiers, clean, failed), chance.integers(0, 3, 50)
    truth = ~passes[np.arange(50), chosen] & passes[:, 2]
    assert (lower_indicator(rows, chosen) <= truth).all()
    assert (truth <= upper_indicator(rows, chosen, 2)).all()


def coverage(*, mean, type_sd, n_types, per_type, even, runs=400):
    """How often the bound is above the rate of the types that are drawn from."""
    chance = np.random.default_rng(0)
    spread = type_sd * chance.normal(size=100_000)
    centre = brentq(lambda m: expit(m + spread).mean() - mean, -15, 5)
    held = 0
    for _ in range(runs):
        sizes = np.full(n_types, per_type)
        if not even:
            sizes = np.maximum(1, (per_type * np.exp(chance.normal(size=n_types) - 0.5)).astype(int))
        types = np.repeat(np.arange(n_types), sizes)
        rates = expit(centre + type_sd * chance.normal(size=n_types))
        held += upper_bound(chance.random(len(types)) < rates[types], types) >= mean
    return held / runs


@pytest.mark.parametrize("even", [True, False], ids=["types alike in size", "few large types"])
@pytest.mark.parametrize("mean", [0.05, 0.02])
@pytest.mark.parametrize("type_sd", [0.0, 1.0])
def test_the_bound_covers_the_rate_of_clustered_types(mean, type_sd, even):
    assert coverage(mean=mean, type_sd=type_sd, n_types=40, per_type=20, even=even) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize(("n_types", "per_type"), [(15, 20), (40, 5), (150, 20)])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("mean", [0.05, 0.02])
def test_the_bound_covers_for_few_and_for_many_types(mean, even, n_types, per_type):
    found = coverage(mean=mean, type_sd=1.0, n_types=n_types, per_type=per_type, even=even, runs=1_000)
    assert found >= 0.94


@pytest.mark.slow
def test_the_bound_is_near_its_level_even_where_types_differ_wildly():
    """Odds of types that differ by a factor of 7 per sd, in types of very different size."""
    assert coverage(mean=0.05, type_sd=2.0, n_types=40, per_type=20, even=False, runs=1_000) >= 0.88


@pytest.mark.parametrize(("n", "k"), [(200, 0), (200, 7), (1_000, 50), (5, 5)])
def test_the_bound_of_types_seen_once_is_nearly_clopper_and_pearsons(n, k):
    from scipy.stats import beta

    cases = np.arange(n) < k
    expected = 1.0 if k == n else beta.ppf(0.95, k + 1, n - k)
    assert upper_bound(cases, np.arange(n)) == pytest.approx(expected, rel=0.01)
    assert upper_bound(cases, np.arange(n) // 10) >= expected * (1 - 1e-9)


@pytest.mark.parametrize(
    ("per_type", "design_effect"),
    [
        ([1, 1, 1, 1], 1 + 0.05 * 24),  # types show no difference: the least that is assumed
        ([4, 0, 0, 0], 4 * 12 / 3 / (100 * 0.04 * 0.96)),  # off by 3, -1, -1, -1
        ([0, 0, 0, 0], 1 + 0.05 * 24),
    ],
)
def test_the_bound_of_few_types_by_hand(per_type, design_effect):
    """Four types of 25: t of 3 degrees of freedom is 2.353, of 99 it is 1.660."""
    from scipy.stats import beta

    cases = np.concatenate([np.arange(25) < k for k in per_type])
    n, rate = 100 / design_effect * (1.66039 / 2.35336) ** 2, sum(per_type) / 100
    expected = beta.ppf(0.95, rate * n + 1, n - rate * n)
    assert upper_bound(cases, np.repeat(np.arange(4), 25)) == pytest.approx(expected, rel=1e-4)


def test_the_bound_of_one_type_counts_its_outcomes_as_hardly_more_than_twenty():
    one, apart = (upper_bound(np.arange(300) < 9, types) for types in (np.zeros(300), np.arange(300)))
    twenty = upper_bound(np.arange(20) < 1, np.arange(20))
    assert apart < 0.06 < 0.12 < one < twenty


def test_the_bound_of_nothing_is_one():
    assert upper_bound(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)) == 1.0


def test_more_outcomes_of_one_type_do_not_make_a_promise_about_others():
    few, many = (upper_bound(np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64)) for n in (300, 30_000))
    assert 0.1 < many < few


def world(n, *, seed=0, sure=True):
    """A log that tries Haiku first and goes up, with beliefs that are right, or that know nothing."""
    chance = np.random.default_rng(seed)
    truth = chance.dirichlet([0.4, 0.4, 0.1], size=n)
    needed = (chance.random(n)[:, None] > np.cumsum(truth, axis=1)).sum(axis=1)
    rows = outcomes(needed, np.ones(n, dtype=bool), [tuple(range(k)) for k in needed], np.arange(n) // 2)
    return rows, truth if sure else np.tile([0.98, 0.01, 0.01], (n, 1)), needed


def test_a_promise_is_given_where_the_beliefs_are_right_and_it_is_kept():
    rows, beliefs, _ = world(4_000)
    found = {threshold.max_under_tier: threshold for threshold in promised_thresholds(rows, beliefs)}
    _, again, needed = world(4_000, seed=1)
    assert [found[rate].found for rate in (0.05, 0.08, 0.12)] == [True] * 3
    for rate in (0.05, 0.08, 0.12):
        threshold = found[rate]
        assert threshold.basis == PROMISED
        assert threshold.under_tiered_low <= threshold.under_tiered <= threshold.under_tiered_high <= rate
        assert (served(again, threshold.lambda_down, threshold.lambda_up) < needed).mean() <= rate


def test_what_goes_to_the_top_is_promised_whatever_failed_below():
    """The top is never too low, so that all that Sonnet failed is no case once Opus does it."""
    rows = outcomes(np.ones(400), np.zeros(400, dtype=bool))
    found = promised_thresholds(rows, np.tile([0.0, 0.05, 0.95], (400, 1)))
    assert {threshold.under_tiered for threshold in found} == {0.0}
    assert found[-1].found


def test_a_looser_rate_never_gets_stricter_thresholds():
    rows, beliefs, _ = world(1_500)
    found = promised_thresholds(rows, beliefs)
    assert [threshold.max_under_tier for threshold in found] == list(RATES)
    assert (np.diff([threshold.lambda_down for threshold in found]) <= 0).all()
    assert (np.diff([threshold.lambda_up for threshold in found]) >= 0).all()


def test_where_no_threshold_keeps_the_rate_the_answer_says_so():
    rows, beliefs, _ = world(1_000, sure=False)
    for threshold in promised_thresholds(rows, beliefs):
        assert not threshold.found
        assert threshold.basis == NOT_PROMISED
        assert [threshold.lambda_down, threshold.lambda_up] == pytest.approx(path()[-1], abs=1e-4)
        assert threshold.under_tiered_high > threshold.max_under_tier


def test_testing_stops_at_the_first_step_that_fails():
    """A step that would pass again further down the path is never reached."""
    from tierwise.training.promise.promised import _loosest

    assert _loosest(np.array([True, False, True, False, True, True])) == 4
    assert _loosest(np.array([True, True, True])) == 0
    assert _loosest(np.array([True, True, False])) is None


def test_the_loosest_step_that_keeps_the_rate_is_chosen():
    rows, beliefs, _ = world(2_000)
    steps = path()
    bounds = [upper_bound(upper_indicator(rows, served(beliefs, *step), 2), rows.types) for step in steps]
    for threshold in promised_thresholds(rows, beliefs):
        if threshold.found:
            chosen = int(np.flatnonzero(np.isclose(steps[:, 1], threshold.lambda_up, atol=1e-4))[0])
            assert max(bounds[chosen:]) <= threshold.max_under_tier
            assert chosen == 0 or bounds[chosen - 1] > threshold.max_under_tier


@pytest.mark.slow
def test_a_promise_is_broken_in_no_more_than_one_log_of_twenty():
    """Of 200 logs from one world, by the rate in 100,000 tasks that none of them holds."""
    broken, given_ = 0, 0
    _, large, large_needed = world(100_000, seed=999)
    for seed in range(200):
        rows, beliefs, _ = world(600, seed=seed)
        for threshold in promised_thresholds(rows, beliefs):
            if threshold.max_under_tier == 0.08 and threshold.found:
                given_ += 1
                rate = (served(large, threshold.lambda_down, threshold.lambda_up) < large_needed).mean()
                broken += rate > 0.08
    assert given_ > 100
    assert broken <= 16  # the 0.98 quantile of a binomial with 200 draws and 5 %


def test_a_ladder_of_two_tiers_has_promises_too():
    chance = np.random.default_rng(0)
    low = chance.beta(0.4, 0.4, size=2_000)
    needed = (chance.random(2_000) > low).astype(int)
    rows = outcomes(
        needed, np.ones(2_000, dtype=bool), [tuple(range(k)) for k in needed], np.arange(2_000) // 2
    )
    found = promised_thresholds(rows, np.column_stack([low, 1 - low]))
    assert any(threshold.found for threshold in found)
