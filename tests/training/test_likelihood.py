"""The likelihood that training climbs: its gradients, and that it is the one that serving reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.sparse import csr_matrix

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import LIMIT, Widths, pass_curve
from tierwise.classifier.task import Task
from tierwise.training.features.space import Blocks
from tierwise.training.outcomes import correction, integrated
from tierwise.training.outcomes.correction import fit_correction, fit_effects, log_prior
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.outcomes.integrated import Points, Verdicts
from tierwise.training.outcomes.likelihood import scores_of, verdict_likelihood
from tierwise.training.outcomes.penalties import Penalties, no_correction

CURVE = pass_curve(Widths())
FAILED = [(), (0,), (1,), (0, 1), (0, 1, 2), (2,)]

unit = st.floats(-4.0, 4.0)
places = st.tuples(unit, st.floats(-3.0, 5.0), st.floats(-3.0, 5.0))
verdicts = st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from(FAILED))


def one(scores, tier, clean, failed, curve=CURVE):
    """log P and its gradient by the scores, of one verdict."""
    value, by_tier = verdict_likelihood(curve, np.atleast_2d(scores).T, tier, np.array([clean]), failed)
    return float(value[0]), np.array([float(by_tier.get(each, [0.0])[0]) for each in range(3)])


@settings(max_examples=200)
@given(places, verdicts, st.sampled_from([1.0, 0.5, 4.0]))
def test_the_gradient_by_scores_is_what_differences_say(place, verdict, heard_ratio):
    curve = pass_curve(Widths(heard_ratio=heard_ratio))
    scores = np.cumsum([place[0], *np.logaddexp(0.0, place[1:])])
    step = 1 / 16  # the curve is a table with steps of 1/32, straight in between
    _, gradient = one(scores, *verdict, curve)
    for tier in range(3):
        aside = np.eye(3)[tier] * step
        slope = (one(scores + aside, *verdict, curve)[0] - one(scores - aside, *verdict, curve)[0]) / (
            2 * step
        )
        assert gradient[tier] == pytest.approx(slope, abs=2e-3)


@settings(max_examples=100)
@given(places, places, verdicts)
def test_the_gradient_by_places_follows_the_chain_rule(place, effects, verdict):
    tier, clean, failed = verdict
    outcomes = Outcomes(
        (Task("a"),),
        np.zeros(1, int),
        ("a",),
        np.array([tier]),
        np.array([clean]),
        np.zeros(1),
        (failed,),
        np.ones(1),
    )
    _, slopes = scores_of(np.atleast_2d(place), np.atleast_2d(effects))
    by_score = one(scores_of(np.atleast_2d(place), np.atleast_2d(effects))[0][0], *verdict)[1]
    above = np.cumsum(by_score[::-1])[::-1]
    points = Points.single(np.atleast_2d(effects))
    _, found = Verdicts(outcomes).log_likelihood(CURVE, np.atleast_2d(place), points)
    assert found[0] == pytest.approx([above[0], *above[1:] * slopes[0]], abs=1e-9)


@given(places, places)
def test_a_step_changes_with_its_gap_as_differences_say(place, effects):
    def value(moved):
        return scores_of(moved[None, :], np.atleast_2d(effects))[0][0, 2]

    _, slopes = scores_of(np.atleast_2d(place), np.atleast_2d(effects))
    assert [1.0, *slopes[0]] == pytest.approx(approx_fprime(np.array(place), value, 1e-6), abs=1e-4)


@settings(max_examples=100)
@given(places, verdicts, st.sampled_from([1.0, 4.0]))
def test_training_and_serving_agree_about_every_verdict(place, verdict, heard_ratio):
    """On points all over the grid of effects, with failed attempts and without."""
    tier, clean, failed = verdict
    grid = effect_grid(3, Widths(heard_ratio=heard_ratio))
    points = np.column_stack([grid.prior.levels, grid.prior.deviations])[::97]
    scores, _ = scores_of(np.tile(place, (len(points), 1)), points)
    found, _ = verdict_likelihood(grid.curve, scores.T, tier, np.full(len(points), clean), failed)
    expected = grid.log_outcome(place, tier, clean, failed)[::97]
    inside = np.abs(scores[:, tier]) < LIMIT - 1  # beyond, training goes on where the table ends
    assert found[inside] == pytest.approx(expected[inside], abs=1e-6)


@given(places, st.integers(0, 2), st.sampled_from(FAILED))
def test_clean_and_not_clean_are_all_there_is(place, tier, failed):
    scores = np.cumsum([place[0], *np.logaddexp(0.0, place[1:])])
    both = [np.exp(one(scores, tier, clean, failed)[0]) for clean in (True, False)]
    assert sum(both) == pytest.approx(1.0)


@given(places, st.integers(0, 2), st.sampled_from(FAILED[1:]))
def test_a_failed_attempt_makes_a_clean_pass_less_likely(place, tier, failed):
    scores = np.cumsum([place[0], *np.logaddexp(0.0, place[1:])])
    # without attempts the curve's own table speaks, exact to 1e-4, with them seven nodes
    assert one(scores, tier, True, failed)[0] <= one(scores, tier, True, ())[0] + 1e-3


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("score", [-LIMIT, -1e4, LIMIT, 1e4])
def test_scores_beyond_all_bounds_stay_finite(score, clean):
    for failed in FAILED:
        value, gradient = one(np.full(3, score), 1, clean, failed)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0, 2.0])
def test_attempts_in_a_row_are_one_draw_of_the_residual(omega):
    """P(fails at 0, then clean at 1) by the chain, against a simulation of the shared residual."""
    curve = pass_curve(Widths(omega=omega))
    scores = np.array([[-0.5, 0.8, 2.0]])
    first, _ = verdict_likelihood(curve, scores.T, 0, np.array([False]))
    then, _ = verdict_likelihood(curve, scores.T, 1, np.array([True]), (0,))
    residual = omega * np.random.default_rng(0).normal(size=400_000)
    low, high = (0.97 / (1 + np.exp(-(scores[0, tier] + residual))) for tier in (0, 1))
    assert np.exp(first[0] + then[0]) == pytest.approx(
        ((1 - low) * high).mean(), abs=5e-3
    )  # seven nodes; 3e-3 at omega = 2


def some_outcomes(n=60, n_types=5, seed=0):
    chance = np.random.default_rng(seed)
    return Outcomes(
        (Task("a"),) * n,
        chance.integers(0, n_types, n),
        tuple("abcde"[:n_types]),
        chance.integers(0, 3, n),
        chance.random(n) < 0.6,
        np.arange(float(n)),
        tuple(FAILED[i] if i < 4 else () for i in chance.integers(0, 12, n)),
        np.where(chance.random(n) < 0.3, 0.7, 1.0),
    )


def test_points_are_summed_as_if_each_verdict_were_worked_out_at_each_of_them():
    """The plain way: every verdict, one by one, at the effects of every point."""
    outcomes, chance = some_outcomes(), np.random.default_rng(3)
    sizes, n_types = (3, 2, 2), 5
    effects = [chance.normal(size=(n_nodes, n_types)) for n_nodes in np.cumprod(sizes)]
    log_weights = chance.normal(size=(12, n_types))
    places = np.column_stack([chance.normal(size=60), chance.normal(1.0, 0.5, (60, 2))])
    found, _ = Verdicts(outcomes).log_likelihood(CURVE, places, Points(effects, log_weights))
    expected = log_weights.copy()
    for row, kind in enumerate(outcomes.types):
        for point in range(12):
            nodes = (point // 4, point // 2, point)
            at = [effects[tier][node, kind] for tier, node in enumerate(nodes)]
            scores = scores_of(places[row][None], np.array([at]))[0][0]
            verdict = int(outcomes.tiers[row]), bool(outcomes.clean[row]), outcomes.failed[row]
            expected[point, kind] += outcomes.weights[row] * one(scores, *verdict)[0]
    assert found == pytest.approx(np.log(np.exp(expected).sum(axis=0)), abs=1e-9)


def test_types_are_worked_out_some_at_a_time_as_they_would_be_at_once(monkeypatch):
    outcomes, chance = some_outcomes(), np.random.default_rng(4)
    places, points = chance.normal(size=(60, 3)), Points.single(chance.normal(size=(5, 3)))
    at_once = Verdicts(outcomes).log_likelihood(CURVE, places, points)
    monkeypatch.setattr(integrated, "_AT_ONCE", 20)
    in_parts = Verdicts(outcomes)
    assert len(in_parts._batches) > 1
    for whole, found in zip(at_once, in_parts.log_likelihood(CURVE, places, points), strict=True):
        assert (whole == found).all()


@pytest.fixture
def loss(monkeypatch):
    """The loss that `fit_correction` minimises, with the point at which it starts."""
    outcomes, chance = some_outcomes(), np.random.default_rng(1)
    sparse = csr_matrix((chance.random((60, 4)) < 0.4) * chance.normal(size=(60, 4)))
    features = Blocks(sparse, chance.normal(size=(60, 3)).astype(np.float32))
    text = np.column_stack([chance.normal(size=60), chance.normal(1.0, 0.5, (60, 2))])
    start = no_correction(7, 3, 5)
    start = replace(
        start,
        slopes=chance.normal(1.0, 0.2, 3),
        shifts=chance.normal(0.0, 0.3, 3),
        weights=chance.normal(0.0, 0.3, (7, 3)),
        effects=chance.normal(0.0, 0.8, (5, 3)),
    )
    caught = {}
    real = correction.minimize

    def catch(function, first, **options):
        caught.update(function=function, first=first)
        return real(function, first, **options)

    monkeypatch.setattr(correction, "minimize", catch)
    fit_correction(outcomes, text, features, CURVE, Penalties(), start, max_iterations=1)
    return caught["function"], caught["first"]


def test_the_loss_of_the_correction_has_the_gradient_it_says(loss):
    function, first = loss
    _, gradient = function(first)
    step = 1 / 64  # above the rounding of the dense block, which is float32
    for index in range(len(first)):
        aside = np.eye(len(first))[index] * step
        slope = (function(first + aside)[0] - function(first - aside)[0]) / (2 * step)
        assert gradient[index] == pytest.approx(slope, abs=0.03), index


def test_the_effects_that_are_found_are_the_most_probable():
    outcomes, chance = some_outcomes(400), np.random.default_rng(5)
    places = np.column_stack([chance.normal(size=400), chance.normal(1.0, 0.5, (400, 2))])

    def log_posterior(effects):
        """Of each type, verdict by verdict."""
        total = log_prior(effects, CURVE.widths)[0].copy()
        for row, kind in enumerate(outcomes.types):
            scores = scores_of(places[row][None], effects[kind][None])[0][0]
            verdict = int(outcomes.tiers[row]), bool(outcomes.clean[row]), outcomes.failed[row]
            total[kind] += outcomes.weights[row] * one(scores, *verdict)[0]
        return total

    found, from_afar = (
        fit_effects(Verdicts(outcomes), places, CURVE, np.full((5, 3), start)) for start in (0.0, 6.0)
    )
    assert from_afar == pytest.approx(found, abs=0.02)
    best = log_posterior(found)
    assert (best > log_posterior(np.zeros((5, 3)))).all()
    for aside in 0.05 * np.vstack([np.eye(3), -np.eye(3)]):
        assert (log_posterior(found + aside) < best).all()


def test_fitting_again_from_the_end_changes_nothing_that_matters():
    outcomes = some_outcomes(400)
    chance = np.random.default_rng(2)
    features = Blocks(csr_matrix((400, 1)), chance.normal(size=(400, 2)).astype(np.float32))
    text = np.tile([-0.5, 1.0, 1.0], (400, 1))
    first = fit_correction(outcomes, text, features, CURVE, Penalties(), no_correction(3, 3, 5))
    again = fit_correction(outcomes, text, features, CURVE, Penalties(), first)
    assert again.log_likelihood == pytest.approx(first.log_likelihood, abs=0.02)
    assert again.places(text, features) == pytest.approx(first.places(text, features), abs=0.1)
