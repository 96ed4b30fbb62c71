"""The latent model: what outcomes may do to beliefs, whatever the text said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._gauss_hermite import gauss_hermite
from tierwise.classifier.belief._passing import LIMIT, Widths, pass_curve
from tierwise.classifier.belief._place import Link, cumulative_logits, solve_gaps
from tierwise.classifier.belief.posterior import Posterior, TextPosterior, needed_mass, work_out

WIDTHS = Widths()
GRID = effect_grid(3, WIDTHS)
LINK = Link(GRID.curve, solve_gaps(WIDTHS))

masses = st.tuples(*[st.floats(0.002, 1.0)] * 3).map(lambda m: tuple(x / sum(m) for x in m))
counts = st.dictionaries(st.integers(0, 2), st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=3)


def after(mass, seen, failed=()):
    return Posterior(GRID, LINK.place(mass), mass, None, history=seen or None, failed=failed)


def with_one_more(seen, tier, clean):
    good, bad = seen.get(tier, (0, 0))
    return {**seen, tier: (good + clean, bad + (not clean))}


@given(masses)
def test_without_outcomes_the_grid_says_what_the_text_says(mass):
    assert after(mass, {}).needed == pytest.approx(mass, abs=0.05)


@given(masses)
def test_a_thinned_prior_says_nearly_the_same(mass):
    place = LINK.place(mass)
    thin = GRID.thin_prior
    assert len(thin.weights) <= 180
    found = needed_mass(thin.scores(place), thin.weights, thin.widths, GRID)
    assert found == pytest.approx(mass, abs=0.06)
    assert thin.weights @ GRID.curve.of(thin.scores(place)) == pytest.approx(
        np.array(after(mass, {}).pass_), abs=0.01
    )


def test_a_text_alone_passes_as_the_thinned_prior_at_its_place():
    mass, thin = (0.3, 0.6, 0.1), GRID.thin_prior
    for place in (None, (0.5, 1.0, 2.0)):
        found = TextPosterior(GRID, LINK, mass, None, needed=mass, place=place)
        assert found.place == (place or LINK.place(mass))
        passes = thin.weights @ GRID.curve.of(thin.scores(found.place))
        assert found.pass_ == pytest.approx(passes, abs=1e-12)


def test_many_tasks_of_known_types_are_worked_out_exactly_as_each_would_be_alone():
    places = [(number / 20 - 4.0, number % 7 - 2.0, number % 5 - 1.0) for number in range(150)]
    seen = ({0: (9, 0)}, {0: (0, 8), 1: (3, 0)}, {2: (1, 40)})
    known = [GRID.prior.reweighted(GRID.log_likelihood((0.0, 1.0, 1.0), each)).thinned() for each in seen]

    def made():
        return [Posterior(GRID, at, (), None, effects=known[n % 3]) for n, at in enumerate(places)]

    together = made()
    work_out(GRID, together)
    for found, alone in zip(together, made(), strict=True):
        assert found.is_weighed
        assert (found.needed, found.pass_) == (alone.needed, alone.pass_)


many = st.one_of(st.integers(0, 30), st.integers(0, 100_000))


@settings(max_examples=200)
@given(masses, st.dictionaries(st.integers(0, 2), st.tuples(many, many), min_size=1, max_size=3))
def test_thinning_keeps_mass_and_pass_probabilities_after_any_history(mass, seen):
    """Many outcomes leave most points without any mass at all."""
    place = LINK.place(mass)
    whole = GRID.prior.reweighted(GRID.log_likelihood(place, seen))
    thin = whole.thinned()
    assert len(thin.weights) <= 180
    assert thin.weights.sum() == pytest.approx(1.0)
    found, expected = (e.weights @ GRID.curve.of(e.scores(place)) for e in (thin, whole))
    assert found == pytest.approx(expected, abs=0.03)


@settings(max_examples=300)
@given(masses, counts, st.integers(0, 2), st.booleans())
def test_a_correction_never_raises_what_suffices_and_a_clean_pass_never_lowers_it(mass, seen, tier, clean):
    before = sum(after(mass, seen).needed[: tier + 1])
    later = sum(after(mass, with_one_more(seen, tier, clean)).needed[: tier + 1])
    assert later >= before - 1e-9 if clean else later <= before + 1e-9


@given(masses, counts)
def test_pass_probabilities_never_fall_up_the_ladder(mass, seen):
    found = after(mass, seen).pass_
    assert list(found) == sorted(found)
    assert sum(after(mass, seen).needed) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "mass", [(1.0, 1e-9, 1e-9), (0.9, 0.09, 0.01), (0.1, 0.8, 0.1), (0.05, 0.15, 0.8), (0.002, 0.01, 0.988)]
)
def test_haiku_never_and_sonnet_always_is_sonnets(mass):
    assert after(mass, {0: (0, 30), 1: (30, 0)}).needed[1] > 0.95


@pytest.mark.parametrize("mass", [(0.9, 0.09, 0.01), (0.1, 0.8, 0.1), (0.05, 0.15, 0.8)])
def test_corrections_at_the_top_speak_against_every_tier(mass):
    found = after(mass, {2: (0, 20)})
    assert found.needed[2] > 0.95
    assert found.needed[0] <= after(mass, {}).needed[0]
    assert found.pass_[2] < WIDTHS.min_pass
    assert not found.top_suffices()


def test_the_top_suffices_though_no_tier_below_it_does():
    found = after((0.02, 0.03, 0.95), {0: (0, 5)})
    assert found.pass_[1] < WIDTHS.min_pass < found.pass_[2]
    assert found.top_suffices()


def passes_until_haiku(mass, sure=0.6):
    return next(n for n in range(200) if after(mass, {0: (n, 0)}).needed[0] >= sure)


def test_clean_passes_bring_a_type_down():
    assert 5 <= passes_until_haiku((0.1, 0.8, 0.1)) <= 25
    assert passes_until_haiku((0.55, 0.42, 0.03)) <= 10


def test_many_outcomes_outweigh_any_text():
    found = after((0.02, 0.08, 0.9), {0: (285, 15), 1: (97, 3), 2: (98, 2)})
    assert found.needed[0] > 0.99
    assert found.pass_[0] == pytest.approx(0.95, abs=0.02)


def test_a_failed_attempt_teaches_about_the_next_tier_but_not_all():
    mass = (0.5, 0.4, 0.1)
    fresh, tried = after(mass, {}), after(mass, {}, failed=(0,))
    assert tried.pass_[1] < fresh.pass_[1]
    both = fresh.all_fail([0, 1])
    assert (1 - fresh.pass_[0]) * (1 - fresh.pass_[1]) < both < 1 - fresh.pass_[1]
    assert tried.pass_[1] == pytest.approx(1 - both / (1 - fresh.pass_[0]), abs=1e-4)


def test_a_failed_attempt_speaks_of_the_type_as_bayes_rule_has_it():
    mass, prior, curve = (0.5, 0.4, 0.1), GRID.prior, GRID.curve
    scores = prior.scores(LINK.place(mass))
    weights = prior.weights * ((1 - curve.given_residual(scores[:, 0])) @ curve.residual_weights)
    expected = needed_mass(scores, weights / weights.sum(), prior.widths, GRID)
    tried = after(mass, {}, failed=(0,))
    assert tried.needed == pytest.approx(expected, abs=1e-9)
    assert tried.needed[0] < after(mass, {}).needed[0] - 0.1


@pytest.mark.parametrize(("tier", "failed"), [(0, ()), (1, (0,)), (2, (0, 1)), (0, (1,)), (1, (1,))])
def test_a_verdict_after_failures_is_as_probable_as_sums_over_the_residual_say(tier, failed):
    grid = effect_grid(3, Widths(heard_ratio=2.0))
    curve, places = grid.curve, np.array([[0.5, 1.0, 2.0], [-1.0, 0.3, 0.7]])
    verdicts = grid.log_outcomes(places, tier, np.array([True, False]), failed)
    for place, clean, found in zip(places, (True, False), verdicts, strict=True):
        alone = grid.log_outcome(tuple(place), tier, clean, failed)
        assert alone == pytest.approx(np.broadcast_to(found, grid.shape).ravel())
        for point in range(0, len(alone), 431):
            score = grid.prior.scores(place)[point]
            joint, passes = curve.residual_weights, 0.97 / (1 + np.exp(-(score[:, None] + curve.residuals)))
            for other in failed:
                joint = joint * (1 - passes[other])
            p = (joint * passes[tier]).sum() / joint.sum()
            heard = p / (p + 2.0 * (1 - p))
            assert np.exp(alone[point]) == pytest.approx(heard if clean else 1 - heard, abs=1e-4)


@pytest.mark.parametrize("n", [7, 31])
def test_the_nodes_that_are_written_out_are_those_of_gauss_and_hermite(n):
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    found = gauss_hermite(n)
    np.testing.assert_allclose(found[0], nodes, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[1], weights / weights.sum(), rtol=1e-12)


def test_the_pass_curve_integrates_the_residual():
    curve = pass_curve(WIDTHS)
    chance = np.random.default_rng(0).normal(size=400_000)
    for score in (-2.0, 0.0, 1.7):
        expected = 0.97 * (1 / (1 + np.exp(-(score + chance)))).mean()
        assert float(curve.of(np.array(score))) == pytest.approx(expected, abs=2e-3)
    assert float(curve.of(np.array(curve.cut))) == pytest.approx(curve.sufficient_pass, abs=1e-6)


@pytest.mark.parametrize("n_tiers", [2, 3, 4, 5])
def test_ladders_of_other_lengths(n_tiers):
    grid = effect_grid(n_tiers, WIDTHS)
    link = Link(grid.curve, solve_gaps(WIDTHS))
    mass = tuple([1 / n_tiers] * n_tiers)
    posterior = Posterior(grid, link.place(mass), mass, None, effects=grid.prior)
    assert posterior.needed == pytest.approx(mass, abs=0.08 if n_tiers > 3 else 0.005)
    assert len(posterior.pass_) == n_tiers


def test_cumulative_logits_rise_and_are_bounded():
    (found,) = np.stack(cumulative_logits(np.array([[1e-12, 0.0, 1.0 - 1e-12]])), axis=1)
    assert found[0] >= -7.0
    assert found[1] > found[0]


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.floats(1e-12, 1.0), min_size=n, max_size=n)))
def test_one_place_is_what_many_are_to_the_last_bit(weights):
    mass = [weight / sum(weights) for weight in weights]
    others = [1 / len(mass)] * len(mass)
    assert list(LINK.place(mass)) == LINK.places([others, mass, others])[1].tolist()


@given(masses)
def test_a_place_gives_back_its_masses(mass):
    assert LINK.masses(np.array([LINK.place(mass)]))[0] == pytest.approx(mass, abs=0.05)


def test_corrections_that_are_reported_more_often_count_for_less():
    place = LINK.place((0.4, 0.5, 0.1))
    uneven = effect_grid(3, Widths(heard_ratio=4.5))
    seen = {0: (10, 5)}
    plain = GRID.prior.reweighted(GRID.log_likelihood(place, seen))
    corrected = uneven.prior.reweighted(uneven.log_likelihood(place, seen))
    passes = [Posterior(GRID, place, (0.4, 0.5, 0.1), None, effects=e).pass_[0] for e in (plain, corrected)]
    assert passes[0] + 0.05 < passes[1]
    for ratio in (1.0, 2.0, 4.5):
        heard = pass_curve(Widths(heard_ratio=ratio)).heard(np.array(0.9))
        assert heard == pytest.approx(0.9 / (0.9 + ratio * 0.1))


@pytest.mark.parametrize("score", [-30.0, -2.0, 0.3, 3.0, 30.0])
def test_the_mean_over_a_types_level_is_that_of_many_types(score):
    curve = pass_curve(WIDTHS)
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    levels = WIDTHS.level_scale * np.log(quantiles / (1 - quantiles))  # logistic, by its inverse
    within = min(max(score, -LIMIT), LIMIT)
    assert curve.mean_of(score) == pytest.approx(curve.of(within + levels).mean(), abs=1e-4)


def test_looking_up_in_the_even_table_finds_what_interpolation_finds():
    curve = pass_curve(WIDTHS)
    scores = np.concatenate([np.linspace(-20.0, 20.0, 5_001), np.arange(-16.0, 16.0, 1 / 64), [-1e9, 1e9]])
    assert curve.of(scores) == pytest.approx(np.interp(scores, curve.scores, curve.table), abs=1e-14)
    passes, slopes = curve.with_slope(scores)
    assert passes == pytest.approx(curve.of(scores))
    assert slopes == pytest.approx(np.interp(scores, curve.scores, curve.slopes), abs=1e-14)
