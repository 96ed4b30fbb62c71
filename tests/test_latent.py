"""The latent grid: outcomes move beliefs the right way, by Bayes' rule and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.classifier._latent import LatentGrid, Widths, latent_grid, needed_tier

HAIKU, SONNET, OPUS = 0, 1, 2
GRID = latent_grid(3)
UNSURE_SONNET = (0.1, 0.8, 0.1)
CERTAIN = 1e-9

MASSES = st.tuples(*[st.floats(1e-6, 1.0)] * 3).map(lambda raw: np.array(raw) / sum(raw))


def histories(most: int):
    return st.dictionaries(st.integers(0, 2), st.tuples(st.integers(0, most), st.integers(0, most)))


def weight(mass, counts=None, grid: LatentGrid = GRID) -> np.ndarray:
    return grid.posterior(np.array(mass), grid.log_likelihood(counts or {}))


def needed(mass, counts=None, grid: LatentGrid = GRID) -> np.ndarray:
    return grid.needed_mass(weight(mass, counts, grid))


def with_one_more(counts: dict, tier: int, *, clean: int = 0, unclean: int = 0) -> dict:
    before = counts.get(tier, (0, 0))
    return {**counts, tier: (before[0] + clean, before[1] + unclean)}


@pytest.fixture(params=[1, 2, 3, 4], ids=lambda n: f"{n} tiers")
def grid(request) -> LatentGrid:
    return latent_grid(request.param)


def test_the_shapes_fit_each_other(grid):
    n_tiers, n_points = grid.shape.shape
    assert grid.pass_.shape == (n_points, n_tiers)
    assert grid.pass_given_residual.shape == (n_points, len(grid.node_weights), n_tiers)
    assert grid.needed.shape == (n_points,)
    assert grid.mean_pass.shape == (n_tiers, n_tiers)


def test_a_pass_probability_never_falls_up_the_ladder(grid):
    for passes in (grid.pass_, grid.pass_given_residual, grid.mean_pass):
        assert (np.diff(passes, axis=-1) >= -1e-12).all()
        assert (passes > 0).all()
        assert (passes <= 1 - grid.widths.epsilon + 1e-12).all()


def test_weights_sum_to_one(grid):
    assert grid.node_weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(grid.shape.sum(axis=1), 1)
    uniform = np.full(len(grid.shape), 1 / len(grid.shape))
    np.testing.assert_allclose(grid.posterior(uniform, grid.log_likelihood({})).sum(), 1)
    np.testing.assert_allclose(
        np.einsum("j,pjt->pt", grid.node_weights, grid.pass_given_residual), grid.pass_
    )


def test_each_needed_tier_keeps_to_its_own_points(grid):
    for tier, row in enumerate(grid.shape):
        assert (row[grid.needed != tier] == 0).all()
        assert row[grid.needed == tier].sum() == pytest.approx(1)


NEEDED = [
    ((0.90, 0.95, 0.97), HAIKU),
    ((0.59, 0.60, 0.61), SONNET),
    ((0.70, 0.90, 0.97), SONNET),
    ((0.10, 0.20, 0.97), OPUS),
    ((0.30, 0.40, 0.50), OPUS),
    ((0.65, 0.66, 0.70), HAIKU),
]


@pytest.mark.parametrize(("passes", "tier"), NEEDED)
def test_the_needed_tier_is_the_lowest_that_does_about_as_well_as_the_top(passes, tier):
    assert needed_tier(np.array([passes]), Widths()) == [tier]


def test_the_grid_is_built_once_per_ladder():
    assert latent_grid(3, Widths()) is latent_grid(3, Widths())
    assert Widths(**Widths(omega=0.5).to_dict()) == Widths(omega=0.5)


@settings(deadline=None)
@given(MASSES)
def test_without_outcomes_the_text_is_believed(mass):
    np.testing.assert_allclose(needed(mass), mass, atol=1e-12)
    np.testing.assert_allclose(weight(mass) @ GRID.pass_, mass @ GRID.mean_pass, atol=1e-12)


@settings(deadline=None)
@given(MASSES, histories(40))
def test_beliefs_are_probabilities_whatever_the_history(mass, counts):
    found = weight(mass, counts)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert needed(mass, counts).sum() == pytest.approx(1)
    assert (np.diff(found @ GRID.pass_) >= -1e-12).all()


@settings(deadline=None)
@given(MASSES, histories(4), st.integers(0, 1))
def test_a_clean_pass_at_a_tier_never_lowers_the_chance_that_it_suffices(mass, counts, tier):
    before = needed(mass, counts).cumsum()[tier]
    after = needed(mass, with_one_more(counts, tier, clean=1)).cumsum()[tier]
    assert after >= before - 1e-9


@settings(deadline=None)
@given(MASSES, histories(4), st.integers(0, 1))
def test_a_correction_at_a_tier_never_raises_the_chance_that_it_suffices(mass, counts, tier):
    before = needed(mass, counts).cumsum()[tier]
    after = needed(mass, with_one_more(counts, tier, unclean=1)).cumsum()[tier]
    assert after <= before + 1e-9


@settings(deadline=None)
@given(MASSES, histories(300), st.integers(0, 1))
def test_where_only_min_pass_counts_this_holds_after_any_history(mass, counts, tier):
    absolute = latent_grid(3, Widths(tolerance=1.0))
    before = needed(mass, counts, absolute).cumsum()[tier]
    clean = needed(mass, with_one_more(counts, tier, clean=1), absolute).cumsum()[tier]
    unclean = needed(mass, with_one_more(counts, tier, unclean=1), absolute).cumsum()[tier]
    assert unclean - 1e-9 <= before <= clean + 1e-9


@settings(deadline=None)
@given(MASSES, histories(10), histories(10))
def test_outcomes_count_the_same_in_one_go_or_in_two(mass, first, second):
    both = {
        tier: tuple(np.add(first.get(tier, (0, 0)), second.get(tier, (0, 0)))) for tier in {*first, *second}
    }
    in_two = GRID.log_likelihood(first) + GRID.log_likelihood(second)
    np.testing.assert_allclose(GRID.log_likelihood(both), in_two, atol=1e-9)


@pytest.mark.parametrize("mass", [UNSURE_SONNET, (0.8, 0.15, 0.05), (0.05, 0.15, 0.8), (1 / 3, 1 / 3, 1 / 3)])
def test_haiku_always_failing_and_sonnet_never_gives_sonnet(mass):
    found = needed(mass, {HAIKU: (0, 30), SONNET: (30, 0)})
    assert found.argmax() == SONNET
    assert found[SONNET] > 0.6


@pytest.mark.parametrize("mass", [UNSURE_SONNET, (0.8, 0.15, 0.05), (0.05, 0.15, 0.8)])
def test_corrections_at_the_top_leave_the_top_and_do_not_praise_the_bottom(mass):
    found = needed(mass, {OPUS: (0, 20)})
    assert found.argmax() == OPUS
    assert found[HAIKU] <= mass[HAIKU]


def test_at_most_twenty_five_clean_passes_bring_sonnets_work_to_haiku():
    found = needed(UNSURE_SONNET, {HAIKU: (25, 0)})
    assert found[HAIKU] > 0.6  # going down asks for no less: lambda_down is never below it
    assert needed(UNSURE_SONNET, {HAIKU: (3, 0)})[HAIKU] < 0.6


def test_many_outcomes_overrule_any_text():
    assert (
        needed((1 - 2 * CERTAIN, CERTAIN, CERTAIN), {HAIKU: (0, 60), SONNET: (0, 60), OPUS: (60, 0)})[OPUS]
        > 0.99
    )
    assert needed((CERTAIN, CERTAIN, 1 - 2 * CERTAIN), {HAIKU: (300, 3)})[HAIKU] > 0.99


@settings(deadline=None)
@given(MASSES, st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
def test_a_failed_attempt_teaches_that_every_tier_is_less_sure_of_this_task(mass, failed):
    before = weight(mass)
    joint = GRID.after_failures(before, failed)
    assert joint.shape == (len(GRID.needed), len(GRID.node_weights))
    assert joint.sum() == pytest.approx(1)
    after = np.einsum("pj,pjt->t", joint, GRID.pass_given_residual)
    assert (after <= before @ GRID.pass_ + 1e-12).all()
    assert (np.diff(after) >= -1e-12).all()


@settings(deadline=None)
@given(MASSES, histories(10))
def test_attempts_at_one_task_fail_together_more_often_than_apart(mass, counts):
    found = weight(mass, counts)
    fails = 1 - found @ GRID.pass_
    assert GRID.fail_moment(found, []) == pytest.approx(1)
    for tier in range(3):
        assert GRID.fail_moment(found, [tier]) == pytest.approx(fails[tier])
    assert GRID.fail_moment(found, [HAIKU, SONNET]) >= fails[HAIKU] * fails[SONNET] - 1e-12
    assert GRID.fail_moment(found, [HAIKU, SONNET]) <= fails[SONNET] + 1e-12
