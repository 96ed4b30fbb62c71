"""Outcomes kept apart from the fit: the older half calibrates, the newer half judges, and neither both."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.task import Task
from tierwise.training.outcomes.calibrate import TypeEffects, calibrate, effects_by_type
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.promise.kept_apart import Split, judged
from tierwise.training.promise.promised import promised_thresholds

WIDTHS = Widths(heard_ratio=2.0)
N_TYPES = 40


def some_outcomes(n, seed=0):
    """(n outcomes, oldest first; their places): what came latest is often corrected."""
    chance = np.random.default_rng(seed)
    types, tiers = chance.integers(0, N_TYPES, n), chance.integers(0, 3, n)
    clean = chance.random(n) < np.where(np.arange(n) < n * 0.925, 0.9, 0.5)
    names = tuple(f"type {number}" for number in range(N_TYPES))
    outcomes = Outcomes((Task("a"),) * n, types, names, tiers, clean, np.arange(n), ((),) * n, np.ones(n))
    return outcomes, chance.normal([0.5, 1.0, 1.0], [0.8, 0.6, 0.6], (n, 3))


@pytest.mark.parametrize(
    ("n_rows", "sizes"),
    [
        (1_000, (850, 75, 75)),
        (100, (85, 7, 8)),
        (99, (85, 7, 7)),
        (100_000, (85_000, 2_000, 2_000)),  # the latest 4,000 are enough; what is between learns nothing
    ],
)
def test_the_latest_seventh_is_kept_apart_and_halved(n_rows, sizes):
    split = Split.by_time(n_rows)
    assert tuple(map(len, split)) == sizes
    assert split.early.tolist() == list(range(sizes[0]))
    late = [*split.calibrating.tolist(), *split.judging.tolist()]
    assert late == list(range(n_rows))[n_rows - sizes[1] - sizes[2] :]


def test_each_part_does_its_own_work_by_hand():
    outcomes, places = some_outcomes(1_600)
    split = Split.by_time(1_600)
    found = judged(outcomes, places, WIDTHS, split)
    early, older, newest = map(outcomes.take, split)
    grid, known = effect_grid(3, WIDTHS), effects_by_type(early, places[split.early], WIDTHS)
    calibration = calibrate(older, places[split.calibrating], TypeEffects(grid, known, older.types.tolist()))
    assert (found.calibration.slope, found.calibration.shifts.tolist()) == (
        calibration.slope,
        calibration.shifts.tolist(),
    )
    believed, moved = TypeEffects(grid, known, newest.types.tolist()), calibration.places(places[-120:])
    assert found.thresholds == promised_thresholds(newest, believed.needed(moved))
    passes = believed.pass_(moved)[np.arange(120), newest.tiers]
    p = passes / (passes + 2.0 * (1.0 - passes))  # a correction is heard twice as often
    assert found.metrics == {
        "split": "the latest 120 outcomes",
        "log_loss": pytest.approx(-np.log(np.where(newest.clean, p, 1.0 - p)).mean(), abs=1e-4),
        "brier": pytest.approx(((p - newest.clean) ** 2).mean(), abs=1e-4),
        "clean_share": pytest.approx(newest.clean.mean(), abs=1e-4),
        "mean_predicted": pytest.approx(p.mean(), abs=1e-4),
    }
    assert newest.clean.mean() < 0.6 < 0.8 < older.clean.mean()


@pytest.mark.parametrize(("n_rows", "n_judging"), [(1_320, 99), (1_334, 100)])
def test_fewer_than_a_hundred_outcomes_promise_nothing(n_rows, n_judging):
    outcomes, places = some_outcomes(n_rows)
    found = judged(outcomes, places, WIDTHS, Split.by_time(n_rows))
    assert found.metrics["split"] == f"the latest {n_judging} outcomes"
    assert (found.thresholds is not None) is (n_judging >= 100)
