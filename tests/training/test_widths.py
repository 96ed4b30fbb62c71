"""The widths of type effects by marginal likelihood: what types are like shows in what is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tierwise.classifier.artifact._stored import widths_from
from tierwise.classifier.belief._deviations import ODD_SD
from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.task import Task
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.outcomes.learner import STANDARD
from tierwise.training.outcomes.widths import (
    _profile,
    fit_epsilon,
    fit_omega,
    fit_widths,
    sample,
    type_likelihoods,
)

N_TYPES = 150


def found_for(odd_share, *, start=STANDARD):
    """The widths found where each type's effects are known to +-0.5, and this share of gaps is odd."""
    chance = np.random.default_rng(4)
    odd = chance.random((N_TYPES, 2)) < odd_share
    deviations = 0.8 * np.where(odd, ODD_SD, 1.0) * chance.normal(size=(N_TYPES, 2))
    effects = np.column_stack([chance.logistic(scale=Widths().level_scale, size=N_TYPES), deviations])
    effects += 0.5 * chance.normal(size=effects.shape)
    grid = effect_grid(3, start)
    points = np.column_stack([grid.prior.levels, grid.prior.deviations])
    squares = ((points[None] - effects[:, None]) ** 2).sum(axis=2)
    return fit_widths(-2.0 * squares, 3, start, STANDARD)


def test_the_share_of_odd_types_is_found():
    few, many = found_for(0.0), found_for(0.4)
    assert few.odd_share < 0.08
    assert many.odd_share == pytest.approx(0.4, abs=0.15)
    for found in (few, many):
        assert found.deviation_sd == pytest.approx(0.8, rel=0.3)
        assert found.level_sd == pytest.approx(1.2, rel=0.3)


def test_how_improbable_a_types_outcomes_are_altogether_says_nothing_of_the_widths():
    likelihoods = -np.random.default_rng(0).uniform(
        0.0, 3.0, (9, len(effect_grid(3, STANDARD).prior.weights))
    )
    improbable = likelihoods - 1_000.0 * np.arange(9)[:, None]  # their exponentials are 0 in numbers
    found, again = (fit_widths(each, 3, STANDARD, STANDARD) for each in (likelihoods, improbable))
    assert again.level_sd == pytest.approx(found.level_sd, rel=0.01)
    assert again.deviation_sd == pytest.approx(found.deviation_sd, rel=0.01)
    assert again.odd_share == pytest.approx(found.odd_share, abs=0.005)


def test_a_start_far_off_does_not_decide_what_is_found():
    near, far = (found_for(0.2, start=replace(STANDARD, deviation_sd=sd)) for sd in (0.8, 1.0))
    assert near.deviation_sd == pytest.approx(far.deviation_sd, rel=0.15)


def test_types_without_outcomes_leave_the_standard_widths():
    likelihoods = np.zeros((3, len(effect_grid(3, STANDARD).prior.weights)))
    found = fit_widths(likelihoods, 3, STANDARD, STANDARD)
    assert found.odd_share == pytest.approx(STANDARD.odd_share, abs=0.01)
    assert found.deviation_sd == pytest.approx(STANDARD.deviation_sd, rel=0.05)


def test_a_model_of_before_the_share_was_stored_has_five_per_cent():
    stored = {name: value for name, value in Widths().to_dict().items() if name != "odd_share"}
    assert widths_from({"widths": stored, "format_version": 2}).odd_share == 0.05


def test_a_larger_share_gives_in_sooner_to_a_step_that_the_text_denies():
    """Half clean at Sonnet and nearly all at Opus, where the text sees no step between them."""
    place, counts = (0.0, -2.0, -2.0), {1: (20, 20), 2: (18, 2)}
    at_opus = []
    for share in (0.0, 0.05, 0.3):
        grid = effect_grid(3, replace(Widths(), odd_share=share))
        known = grid.prior.reweighted(grid.log_likelihood(place, counts))
        at_opus.append(float(known.weights @ grid.curve.of(known.scores(place)[:, 2])))
    assert at_opus == sorted(at_opus)
    assert at_opus[2] > at_opus[0] + 0.05


def tried(n, n_clean, tier, *, types=1, failed=()):
    """n verdicts at this tier, of which so many are clean; spread over the types."""
    rows = np.arange(n)
    clean, names = rows * n_clean % n < n_clean, tuple(map(str, range(types)))
    return Outcomes(
        (Task("a"),) * n, rows % types, names, np.full(n, tier), clean, rows, (failed,) * n, np.ones(n)
    )


def test_the_likelihood_of_a_type_is_the_sum_over_its_verdicts():
    """Some of which count for less, were tried before, or are of types that stand apart from each other."""
    chance, n = np.random.default_rng(0), 600
    failed = tuple((0,) if draw < 0.3 else () for draw in chance.random(n))
    rows = Outcomes(
        (Task("a"),) * n,
        chance.choice([1, 3], n),
        ("a", "b", "c", "d"),
        np.array([2 if tried_before else chance.integers(0, 3) for tried_before in failed]),
        chance.random(n) < 0.7,
        np.arange(n),
        failed,
        np.where(chance.random(n) < 0.5, 0.7, 1.0),
    )
    places, grid = chance.normal(size=(n, 3)), effect_grid(3, STANDARD)

    def plain(some):
        total = {1: 0.0, 3: 0.0}
        for row in some:
            verdict = int(rows.tiers[row]), bool(rows.clean[row]), rows.failed[row]
            total[rows.types[row]] += rows.weights[row] * grid.log_outcome(tuple(places[row]), *verdict)
        return np.array([total[1], total[3]])

    np.testing.assert_allclose(type_likelihoods(rows, places, STANDARD), plain(range(n)), rtol=1e-9)
    few = sample(n, 50)
    assert few.tolist() == sorted(set(few.tolist()))
    assert (len(few), few[-1] > n / 2) == (50, True)  # from all over the rows
    np.testing.assert_allclose(type_likelihoods(rows, places, STANDARD, most=50), plain(few), rtol=1e-9)


@pytest.mark.parametrize(("n", "n_clean", "epsilon"), [(400, 396, 0.01), (400, 360, 0.1), (190, 171, 0.05)])
def test_epsilon_is_what_even_the_top_fails_and_few_outcomes_cap_it(n, n_clean, epsilon):
    """Tasks that a tier could hardly fail for want of capability."""
    found, low, high = fit_epsilon(tried(n, n_clean, 2), np.tile([6.0, 4.0, 4.0], (n, 1)), Widths())
    assert found == pytest.approx(epsilon, abs=0.006)
    assert low <= found <= high < found + 0.06
    assert low > found - 0.06


def test_without_outcomes_at_the_top_epsilon_is_what_is_usual():
    """The mode of its prior, a beta distribution with 2 and 40, is 1/40."""
    found, _, _ = fit_epsilon(tried(1, 1, 0), np.array([[0.0, 1.0, 1.0]]), Widths())
    assert found in (0.02, 0.03)


def clean_after_failing(omega):
    """P(clean | the attempt before failed) at a score of 0, where half pass."""
    residual = np.random.default_rng(1).normal(size=400_000)
    passes = 0.97 / (1 + np.exp(-omega * residual))
    return (passes * (1 - passes)).mean() / (1 - passes).mean()


@pytest.mark.parametrize("omega", [0.5, 1.5, 2.25])
def test_omega_is_how_much_a_failure_says_of_the_next_attempt(omega):
    again = tried(2_000, round(2_000 * clean_after_failing(omega)), 0, failed=(0,))
    found, low, high = fit_omega(again, np.zeros((2_000, 3)), Widths())
    assert found == pytest.approx(omega, abs=0.26)
    assert low <= found <= high
    fresh = replace(again, failed=((0,),) * 99 + ((),) * 1_901)  # 99 retries are too few
    assert fit_omega(fresh, np.zeros((2_000, 3)), Widths()) is None


@pytest.mark.parametrize("n_clean", [25, 35, 50])
def test_what_few_retries_leave_open_of_omega_is_what_is_usual(n_clean):
    """Of a hundred; the logarithm of omega has a standard deviation of one about that of omega = 1."""
    omegas = np.arange(0.0, 2.51, 0.25)
    share = np.array([clean_after_failing(omega) for omega in omegas])
    posterior = n_clean * np.log(share) + (100 - n_clean) * np.log(1 - share)
    posterior -= 0.5 * np.log(np.maximum(omegas, 0.1)) ** 2
    found, _, _ = fit_omega(tried(100, n_clean, 0, failed=(0,)), np.zeros((100, 3)), Widths())
    assert found == pytest.approx(omegas[posterior.argmax()], abs=0.26)


def test_an_interval_is_all_that_is_nearly_as_probable():
    candidates = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert _profile(candidates, np.array([-9.0, -7.36, -6.0, -7.35, -8.0])) == (3.0, 3.0, 4.0)
