"""The monitor of a promise: seldom a false alarm, however long it looks, and soon a true one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tierwise.classifier.errors import InvalidTraining
from tierwise.training.promise.monitor import PromiseMonitor


def alarm(cases, **settings) -> int | None:
    """After how many outcomes it says that the promise is broken; None if never."""
    monitor = PromiseMonitor(**settings)
    for case in cases:
        monitor = monitor.after(under_tiered=bool(case))
        if monitor.broken:
            return monitor.n
    return None


def alarms(rates, runs, rate=0.05, seed=0):
    chance = np.random.default_rng(seed)
    return [alarm(chance.random(len(rates)) < rates, rate=rate) for _ in range(runs)]


def share(found) -> float:
    return sum(each is not None for each in found) / len(found)


def rarer_than(alpha, found) -> bool:
    """As rare as draws of an alarm with probability alpha are, in all but one run of this test in 1,000."""
    return sum(each is not None for each in found) <= binom.ppf(0.999, len(found), alpha)


def test_while_the_promise_just_holds_false_alarms_are_rare():
    assert rarer_than(0.05, alarms(np.full(800, 0.05), 120))


def test_a_rate_that_swings_below_the_promise_raises_no_more_alarms():
    assert rarer_than(0.05, alarms(0.05 * (np.arange(800) // 100 % 2), 120))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_while_the_promise_just_holds_false_alarms_are_rarer_than_alpha_over_many_runs(rate):
    assert rarer_than(0.05, alarms(np.full(1_500, rate), 500, rate=rate))


def test_a_rate_twice_as_high_is_found_soon():
    found = alarms(np.full(1_200, 0.10), 100)
    assert share(found) >= 0.97
    assert np.median([each for each in found if each]) < 300


def test_a_rate_that_rises_is_found_after_a_long_time_in_which_the_promise_held():
    found = alarms(np.concatenate([np.full(3_000, 0.02), np.full(1_500, 0.10)]), 30)
    assert share(found) >= 0.9
    assert np.median([each for each in found if each]) < 4_000


def test_all_cases_are_an_alarm_at_once_and_no_case_never_is():
    assert alarm([True] * 20, rate=0.05) <= 3
    assert alarm([False] * 2_000, rate=0.05) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.floats(0.001, 0.999))
def test_another_case_never_lowers_the_evidence_and_a_good_outcome_never_raises_it(cases, rate):
    monitor = PromiseMonitor(rate=rate)
    for case in cases:
        later = monitor.after(case)
        assert monitor.after(True).evidence >= monitor.evidence >= monitor.after(False).evidence
        monitor = later
    assert (monitor.n, monitor.cases) == (len(cases), sum(cases))
    assert math.isfinite(monitor.evidence)


@given(st.lists(st.booleans(), max_size=12), st.floats(0.01, 0.9))
def test_under_the_promise_the_evidence_is_expected_to_stay(cases, rate):
    monitor = PromiseMonitor(rate=rate)
    for case in cases:
        monitor = monitor.after(case)
    expected = rate * monitor.after(True).evidence + (1 - rate) * monitor.after(False).evidence
    assert expected == pytest.approx(monitor.evidence, rel=1e-9)


def test_a_promise_once_broken_stays_broken():
    monitor = PromiseMonitor(rate=0.05)
    for case in [True] * 10 + [False] * 500:
        monitor = monitor.after(case)
    assert monitor.broken
    assert monitor.evidence < 20
    assert (monitor.n, monitor.cases) == (510, 10)


def test_a_monitor_is_a_value():
    monitor = PromiseMonitor(rate=0.05)
    assert monitor.evidence == 1.0
    assert monitor.after(True) == monitor.after(True) != monitor
    assert monitor == PromiseMonitor(rate=0.05)


@pytest.mark.parametrize("name", ["rate", "alpha"])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 2, math.nan, math.inf, "0.05", None, True], ids=repr)
def test_a_bad_parameter_is_refused(name, value):
    with pytest.raises(InvalidTraining, match=f"{name} must be a number between 0 and 1; got"):
        PromiseMonitor(**{"rate": 0.05, name: value})
