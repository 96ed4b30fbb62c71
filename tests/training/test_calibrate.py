"""Calibration on the latent scale, against the plain way: every task alone, every verdict one by one."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.belief.posterior import Posterior
from tierwise.classifier.task import Task
from tierwise.training.outcomes.calibrate import Calibration, TypeEffects, calibrate, effects_by_type
from tierwise.training.outcomes.frame import Outcomes

WIDTHS = Widths(heard_ratio=3.0)
GRID = effect_grid(3, WIDTHS)


def some_outcomes(n, n_types=4, seed=0):
    """(n outcomes, their places): of which some count for less, and some were tried before."""
    chance = np.random.default_rng(seed)
    places = np.column_stack([chance.normal(0.5, 0.8, n), chance.normal(1.0, 0.6, (n, 2))])
    tiers = chance.integers(0, 3, n)
    failed = tuple(
        (0,) if tier and draw < 0.2 else () for tier, draw in zip(tiers, chance.random(n), strict=True)
    )
    weights = np.where(chance.random(n) < 0.3, 0.7, 1.0)
    types, names = chance.integers(0, n_types, n), tuple("abcdefgh"[:n_types])
    tasks = (Task("a"),) * n
    return Outcomes(tasks, types, names, tiers, chance.random(n) < 0.7, np.arange(n), failed, weights), places


def test_places_move_about_their_centre():
    calibration = Calibration(0.5, np.array([0.1, -0.2]), np.array([1.0, 2.0]))
    assert calibration.places(np.array([[1.0, 2.0], [3.0, 0.0]])) == pytest.approx(
        np.array([[1.1, 1.8], [2.1, 0.8]])
    )


def test_effects_of_types_are_bayes_rule_over_all_their_outcomes():
    outcomes, places = some_outcomes(60)
    found = effects_by_type(outcomes, places, WIDTHS)
    assert sorted(found) == [0, 1, 2, 3]
    for kind, effects in found.items():
        total = np.zeros(len(GRID.prior.weights))
        for row in np.flatnonzero(outcomes.types == kind):
            verdict = int(outcomes.tiers[row]), bool(outcomes.clean[row]), outcomes.failed[row]
            total += outcomes.weights[row] * GRID.log_outcome(tuple(places[row]), *verdict)
        expected = GRID.prior.reweighted(total).thinned()
        assert effects.weights == pytest.approx(expected.weights, abs=1e-9)
        assert effects.levels == pytest.approx(expected.levels)


def test_tasks_of_many_types_are_believed_as_each_alone():
    outcomes, places = some_outcomes(60)
    known = effects_by_type(outcomes, places, WIDTHS)
    types, at = [3, 0, 9, 3, 1], places[:5]  # of the type 9 nothing is known
    effects = TypeEffects(GRID, known, types)
    passes, needed = effects.pass_(at), effects.needed(at)
    for row, kind in enumerate(types):
        believed = known.get(kind, GRID.thin_prior)
        alone = Posterior(GRID, tuple(at[row]), (), None, effects=believed)
        assert passes[row] == pytest.approx(alone.pass_, abs=1e-12)
        assert needed[row] == pytest.approx(alone.needed, abs=1e-12)


def loss_of(parameters, outcomes, places, effects):
    """Minus the log probability of the verdicts that were heard, and of the parameters: sd 0.25 each."""
    centre = np.median(places, axis=0)
    moved = centre + np.exp(parameters[0]) * (places - centre) + parameters[1:]
    passes = effects.pass_(moved)[np.arange(len(places)), outcomes.tiers]
    heard = passes / (passes + 3.0 * (1.0 - passes))
    of_verdicts = outcomes.weights * np.log(np.where(outcomes.clean, heard, 1.0 - heard))
    return -of_verdicts.sum() + (parameters**2).sum() / (2 * 0.25**2)


def test_what_is_found_is_the_most_probable():
    outcomes, places = some_outcomes(900)
    effects = TypeEffects(GRID, {}, outcomes.types.tolist())
    found = calibrate(outcomes, places, effects)
    assert found.centre == pytest.approx(np.median(places, axis=0))
    best = np.array([np.log(found.slope), *found.shifts])
    least = loss_of(best, outcomes, places, effects)
    assert least < loss_of(np.zeros(4), outcomes, places, effects) - 1
    for aside in 0.05 * np.vstack([np.eye(4), -np.eye(4)]):
        assert loss_of(best + aside, outcomes, places, effects) > least - 0.05


def test_a_handful_of_verdicts_moves_next_to_nothing():
    outcomes, places = some_outcomes(3)
    found = calibrate(outcomes, places, TypeEffects(GRID, {}, outcomes.types.tolist()))
    assert found.slope == pytest.approx(1.0, abs=0.1)
    assert found.shifts == pytest.approx(np.zeros(3), abs=0.15)
