"""How well probabilities were met: each figure of the report by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tierwise.training.evaluation._calibration import calibration, reliability

P = np.array([0.1, 0.2, 0.6, 0.9])
CLEAN = np.array([False, True, True, True])
WEIGHTS = np.array([1.0, 1.0, 2.0, 4.0])
TYPES = np.array([0, 0, 1, 1])


def test_losses_and_shares_are_weighted_means():
    found = calibration(P, CLEAN, WEIGHTS, TYPES)
    losses = -np.log([0.9, 0.2, 0.6, 0.9])
    assert found.rows == 4
    assert found.log_loss.value == pytest.approx((losses * WEIGHTS).sum() / 8)
    assert found.brier.value == pytest.approx((0.01 + 0.64 + 2 * 0.16 + 4 * 0.01) / 8)
    assert found.predicted == pytest.approx((0.1 + 0.2 + 1.2 + 3.6) / 8)
    assert found.clean.value == pytest.approx(7 / 8)


def test_a_certain_error_costs_much_and_not_infinitely_much():
    found = calibration(np.array([0.0, 1.0]), np.array([True, False]), np.ones(2), np.arange(2))
    assert found.log_loss.value == pytest.approx(-math.log(1e-9))


def test_the_calibration_error_is_the_mean_gap_of_ten_bins():
    """Ten bins of two: .05 and .05 of the first are clean once, and so on."""
    p = np.repeat(np.linspace(0.05, 0.95, 10), 2)
    clean = np.tile([True, False], 10)
    weights = np.repeat([1.0, 3.0], 10)
    found = calibration(p, clean, weights, np.arange(20) // 2)
    gaps = np.abs(np.linspace(0.05, 0.95, 10) - 0.5) * 2
    expected = (gaps * np.repeat([1.0, 3.0], 5)).sum() / 40
    assert found.ece.value == pytest.approx(expected)
    assert found.ece.low < expected < found.ece.high


def test_the_interval_of_the_calibration_error_holds_the_error():
    """Types of which all is clean or nothing: together they are calibrated, hardly any draw of them is."""
    types = np.arange(1_000) // 10
    found = calibration(np.full(1_000, 0.5), types % 2 == 0, np.ones(1_000), types).ece
    assert found.low == found.value == pytest.approx(0.0)
    assert found.high > 0.1


def test_the_error_of_the_calibrated_stays_below_what_chance_does_and_another_does_not():
    chance = np.random.default_rng(101)
    p = chance.random(2_000)
    types, one = chance.integers(0, 50, 2_000), np.ones(2_000)
    fair, off = chance.random(2_000) < p, chance.random(2_000) < np.clip(p + 0.2, 0, 1)
    good, bad = (calibration(p, clean, one, types) for clean in (fair, off))
    assert good.ece.value < good.ece_by_chance < bad.ece.low < bad.ece.value < bad.ece.high
    # of 2,000 fair draws in ten bins the error is above this one time in twenty
    again = [calibration(p, chance.random(2_000) < p, one, types).ece.value for _ in range(200)]
    assert np.mean(np.array(again) > good.ece_by_chance) == pytest.approx(0.05, abs=0.05)
    # the interval is of whole types: twice the tasks of each change little, and it is not shrunk
    twice = calibration(np.tile(p, 2), np.tile(off, 2), np.ones(4_000), np.tile(types, 2))
    assert twice.ece.high - twice.ece.low == pytest.approx(bad.ece.high - bad.ece.low, rel=0.4)


def test_one_type_has_no_interval_and_nothing_has_no_figure():
    alone = calibration(P, CLEAN, WEIGHTS, np.zeros(4, dtype=int))
    assert (math.isnan(alone.ece.low), alone.ece.value > 0, alone.ece_by_chance > 0) == (True, True, True)
    nothing = calibration(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0, dtype=int))
    none = {"value": None, "low": None, "high": None}
    assert nothing.to_dict() == {
        "rows": 0,
        "predicted": None,
        "ece_by_chance": None,
        **dict.fromkeys(("log_loss", "brier", "ece", "clean"), none),
    }


@pytest.mark.parametrize(("n", "n_bins"), [(9, 1), (10, 1), (25, 2), (100, 10), (1_000, 10)])
def test_a_plot_has_a_point_for_ten_rows_and_at_most_ten(n, n_bins):
    p, clean = np.linspace(1.0, 0.0, n), np.arange(n) % 2 == 0
    points = reliability(p, clean, np.ones(n))
    assert len(points) == n_bins
    assert sum(point["rows"] for point in points) == n
    predicted = [point["predicted"] for point in points]
    assert predicted == sorted(predicted)
    lowest = slice(n - points[0]["rows"], n)
    assert points[0]["clean"] == pytest.approx(clean[lowest].mean(), abs=1e-5)
    assert points[0]["predicted"] == pytest.approx(p[lowest].mean(), abs=1e-5)


def test_rows_of_a_plot_count_by_their_weight():
    assert reliability(np.array([0.2, 0.6]), np.array([True, False]), np.array([3.0, 1.0])) == [
        {"predicted": pytest.approx(0.3), "clean": 0.75, "rows": 2}
    ]
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0)) == []
