"""Type states: what a type's outcomes say, whenever and in whatever order they come."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.belief._place import Link, solve_gaps
from tierwise.classifier.belief._stored_state import (
    Newest,
    digest,
    from_bytes,
    newest_bytes,
    older_bytes,
    to_bytes,
)
from tierwise.classifier.belief.posterior import Posterior
from tierwise.classifier.belief.state import MAX_BUCKETS, MAX_RECENT, Seen, TypeState
from tierwise.classifier.errors import StateMismatch

GRID = effect_grid(3, Widths())
STEADY = effect_grid(3, dataclasses.replace(Widths(), hazard=0.0))
LINK = Link(GRID.curve, solve_gaps(Widths()))
MASS = (0.3, 0.6, 0.1)
PLACE = LINK.place(MASS)
EMPTY = TypeState("m")


def seen(at, clean=True, tier=0, **more):
    return Seen(float(at), tier, clean, PLACE, **more)


def needed(state, grid=GRID, **how):
    return Posterior(grid, PLACE, MASS, None, effects=state.effects(grid, **how)).needed


verdicts = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=25)
@given(verdicts, st.randoms(use_true_random=False))
def test_the_order_of_reporting_does_not_matter(outcomes, chance):
    rows = [seen(at, clean, tier) for at, (tier, clean) in enumerate(outcomes)]
    shuffled = rows[:]
    chance.shuffle(shuffled)
    one_by_one = EMPTY
    for row in rows:
        one_by_one = one_by_one.observe([row], STEADY)
    at_once = EMPTY.observe(shuffled, STEADY)
    assert needed(one_by_one, STEADY) == pytest.approx(needed(at_once, STEADY), abs=1e-6)
    assert one_by_one.counts == at_once.counts
    assert one_by_one.n_outcomes == at_once.n_outcomes == len(rows)


@settings(max_examples=25)
@given(verdicts, verdicts)
def test_merging_adds_the_outcomes_of_both(one, other):
    first = [seen(2 * at, clean, tier) for at, (tier, clean) in enumerate(one)]
    second = [seen(2 * at + 1, clean, tier) for at, (tier, clean) in enumerate(other)]
    merged = EMPTY.observe(first, STEADY).merge(EMPTY.observe(second, STEADY), STEADY)
    together = EMPTY.observe(first + second, STEADY)
    assert needed(merged, STEADY) == pytest.approx(needed(together, STEADY), abs=1e-5)
    assert merged.counts == together.counts
    assert merged.n_outcomes == together.n_outcomes


def test_a_state_agrees_with_counts_when_nothing_changes():
    rows = [seen(at, at % 5 != 0, at % 2) for at in range(40)]
    counts = {0: (16.0, 4.0), 1: (16.0, 4.0)}
    state = EMPTY.observe(rows, STEADY)
    assert state.counts == counts
    effects = STEADY.prior.reweighted(STEADY.log_likelihood(PLACE, counts)).thinned()
    expected = Posterior(STEADY, PLACE, MASS, None, effects=effects).needed
    assert needed(state, STEADY) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("one", "other"), [(40, 60), (200, 30), (30, 200)])
def test_merging_is_the_same_either_way_and_as_all_at_once(one, other):
    """What one machine has not added up yet may be older than what the other has."""
    first = [seen(2 * at, at % 5 > 0, at % 2) for at in range(one)]
    second = [seen(2 * at + 1, at % 3 > 0, at % 2) for at in range(other)]
    a, b = EMPTY.observe(first, GRID), EMPTY.observe(second, GRID)
    merged = a.merge(b, GRID)
    assert merged == b.merge(a, GRID)
    assert needed(merged) == pytest.approx(needed(EMPTY.observe(first + second, GRID)), abs=0.02)


def test_states_are_equal_if_what_is_in_them_is():
    state = EMPTY.observe([seen(at) for at in range(100)], GRID)
    assert from_bytes(to_bytes(state)) == state
    assert state != EMPTY.observe([seen(at, clean=at != 3) for at in range(100)], GRID)


def test_a_state_stays_small():
    state = EMPTY.observe([seen(at) for at in range(900)], GRID)
    assert len(state.recent) <= MAX_RECENT
    assert len(state.buckets) <= MAX_BUCKETS
    assert len(state.effects(GRID).weights) <= 64
    assert len(to_bytes(state)) < 100_000


def test_a_late_verdict_lands_in_its_time():
    rows = [seen(at) for at in range(100)]
    late = seen(3.5, clean=False)
    state = EMPTY.observe(rows, GRID).observe([late], GRID)
    assert state.n_outcomes == 101
    assert late not in state.recent
    first, others = EMPTY.observe(rows, GRID).buckets[0], EMPTY.observe(rows, GRID).buckets[1:]
    found = state.buckets[0]
    assert (found.since, found.until, found.size) == (first.since, first.until, first.size + 1)
    expected = first.log_likelihood + late.log_likelihood(GRID)
    np.testing.assert_allclose(found.log_likelihood, expected, rtol=1e-5, atol=1e-6)
    for hour, index in (-1.0, 0), (first.until, 0), (first.until + 0.5, 1):
        sizes = [bucket.size for bucket in EMPTY.observe(rows, GRID).observe([seen(hour)], GRID).buckets]
        assert sizes == [b.size + (i == index) for i, b in enumerate((first, *others))]
    assert EMPTY.observe(rows, GRID).observe([seen(-1)], GRID).buckets[0].since == -1.0
    now = EMPTY.observe([*rows, seen(100, clean=False)], GRID)
    assert needed(state)[0] > needed(now)[0]  # an old correction weighs less than a new one


def test_reading_as_of_a_time_never_sees_the_future():
    past = [seen(at) for at in range(20)]
    state = EMPTY.observe([*past, *(seen(at, clean=False) for at in range(20, 60))], STEADY)
    whole = [bucket.until for bucket in state.buckets]
    until = whole[0]  # the next bucket reaches beyond and is left out as a whole
    first = EMPTY.observe(past[: int(until) + 1], STEADY)
    assert needed(state, STEADY, as_of=until + 0.5) == pytest.approx(needed(first, STEADY), abs=1e-5)
    assert needed(state, STEADY, as_of=until) == needed(state, STEADY, as_of=until + 0.5)
    assert needed(state, STEADY, as_of=-1) == pytest.approx(needed(EMPTY, STEADY), abs=1e-9)
    recent = state.recent[10].at
    assert needed(state, as_of=recent) == pytest.approx(
        needed(TypeState("m", state.buckets, state.recent[:11])), abs=1e-9
    )


def test_bytes_and_back():
    state = EMPTY.observe(
        [seen(at, at % 7 > 0, at % 3, failed=(0,) if at % 3 else ()) for at in range(50)], GRID
    )
    again = from_bytes(to_bytes(state))
    assert needed(again) == needed(state)
    assert (again.model, again.counts, again.recent) == (state.model, state.counts, state.recent)


def test_the_newest_part_is_completed_by_the_older_part_it_names():
    first = EMPTY.observe([seen(at) for at in range(25)], GRID)
    later = first.observe([seen(25, clean=False)], GRID)
    other = EMPTY.observe([seen(at, clean=False) for at in range(25)], GRID)
    older = older_bytes(first)
    assert older == older_bytes(later) != older_bytes(other)
    newest = Newest(newest_bytes(later, digest(older)))
    for whole in newest.completed(older), newest.completed_like(first):
        assert to_bytes(whole) == to_bytes(later)
        assert needed(whole) == needed(later)
    for wrong in older_bytes(other), b"":
        with pytest.raises(ValueError, match="don't belong together"):
            newest.completed(wrong)


def test_bytes_that_are_no_state_are_refused():
    state = EMPTY.observe([seen(at) for at in range(25)], GRID)
    whole = to_bytes(state)
    for broken in b"", b"{}", whole[4:], whole[:60], whole.replace(b'"model"', b'"motel"'):
        with pytest.raises(ValueError, match="are no state"):
            from_bytes(broken)
    for sums in b"no tensors", older_bytes(state)[:-1], older_bytes(EMPTY):
        with pytest.raises(ValueError, match="are no state"):  # whole, and yet not what the buckets need
            Newest(newest_bytes(state, digest(sums))).completed(sums)


def test_another_models_state_is_refused():
    with pytest.raises(StateMismatch, match="made by the model other, the model in use is m"):
        EMPTY.merge(TypeState("other"), GRID)


def test_a_duplicated_outcome_counts_as_two():
    once, twice, four = (EMPTY.observe([seen(i) for i in range(n)], STEADY) for n in (5, 10, 20))
    doubled = EMPTY.observe([seen(i % 5) for i in range(10)], STEADY)
    assert needed(doubled, STEADY) == pytest.approx(needed(twice, STEADY))
    assert needed(once, STEADY)[0] < needed(doubled, STEADY)[0] < needed(four, STEADY)[0]


def test_weight_one_half_twice_is_weight_one():
    halves = EMPTY.observe([seen(1, weight=0.5), seen(1, weight=0.5)], STEADY)
    assert needed(halves, STEADY) == pytest.approx(needed(EMPTY.observe([seen(1)], STEADY), STEADY))


def test_the_chance_of_a_change_is_mixed_in_before_each_outcome():
    changing = effect_grid(3, dataclasses.replace(Widths(), hazard=0.03))
    rows = [seen(at, at % 3 > 0, at % 2) for at in range(33)]
    prior = weights = changing.prior.weights
    for some in rows[:8], rows[8:16], *([row] for row in rows[16:]):  # as a state keeps them
        unchanged = 0.97 ** len(some)
        weights = unchanged * weights + (1 - unchanged) * prior
        weights = weights * np.exp(sum(row.log_likelihood(changing) for row in some))
        weights = weights / weights.sum()
    effects = changing.prior.with_weights(weights).thinned()
    state = EMPTY.observe(rows, changing)
    assert [bucket.size for bucket in state.buckets] == [8, 8]
    expected = Posterior(changing, PLACE, MASS, None, effects=effects).needed
    assert needed(state, changing) == pytest.approx(expected, abs=1e-6)


def test_a_bucket_holds_its_outcomes_with_their_weights_and_what_had_failed():
    rows = [seen(at, at % 3 > 0, 1, failed=(0,) * (at % 2), weight=1.0 - 0.1 * at) for at in range(8)]
    state = EMPTY.observe([*rows, *(seen(at) for at in range(8, 25))], GRID)
    [bucket] = state.buckets
    assert (bucket.since, bucket.until, bucket.size) == (0.0, 7.0, 8)
    expected = sum(row.log_likelihood(GRID) for row in rows)
    np.testing.assert_allclose(bucket.log_likelihood, expected, rtol=1e-5, atol=1e-6)


def test_buckets_that_are_added_up_are_the_oldest():
    state = EMPTY.observe([seen(at) for at in range(24 + 8 * 6 - 7)], GRID)  # six folds, four buckets
    assert [(b.since, b.until, b.size) for b in state.buckets] == [
        (0.0, 23.0, 24),
        (24.0, 31.0, 8),
        (32.0, 39.0, 8),
        (40.0, 47.0, 8),
    ]
    expected = 24 * seen(0).log_likelihood(GRID)
    np.testing.assert_allclose(state.buckets[0].log_likelihood, expected, rtol=1e-5, atol=1e-6)


def test_without_an_outcome_the_state_is_as_if_it_had_never_come():
    rows = [seen(at, at % 3 > 0, at % 2) for at in range(7)]
    for row in rows:
        left = EMPTY.observe(rows, GRID).without(row.at, row.tier, row.clean)
        assert left == EMPTY.observe([each for each in rows if each is not row], GRID)
    assert EMPTY.observe(rows[:1], GRID).without(0.0, 0, False) == EMPTY
    twice = EMPTY.observe([seen(1), seen(1)], GRID)
    assert twice.without(1.0, 0, True) == EMPTY.observe([seen(1)], GRID)


def test_what_is_added_up_or_not_to_be_told_apart_cannot_be_taken_out():
    state = EMPTY.observe([seen(at) for at in range(25)], GRID)  # eight are added up, 17 kept
    assert state.without(7.0, 0, True) is None
    assert state.without(8.0, 0, False) is None
    alike = EMPTY.observe([seen(1), seen(1, weight=0.7)], GRID)
    assert alike.without(1.0, 0, True) is None
    assert state.is_full
    left = state.without(8.0, 0, True)
    assert left.n_outcomes == 24
    assert not left.is_full  # one by one, 24 outcomes would not have been added up
    assert EMPTY.observe([seen(1)], GRID).without(1.0, 0, True).is_full


def test_each_outcome_is_heard_once_however_often_the_state_is_asked():
    heard = []

    class Noted(Seen):
        def likelihood(self, grid):
            heard.append(self.at)
            return super().likelihood(grid)

    state = EMPTY
    for at in range(6):
        state = state.observe([Noted(float(at), 0, True, PLACE)], GRID)
        if at in (1, 2, 5):  # as after several outcomes that no decision came between
            needed(state)
            needed(state)
    assert heard == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def haiku_serves(state):
    return needed(state)[0] >= 0.6


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_a_type_that_turned_hard_comes_up_within_four_corrections(share):
    chance = np.random.default_rng(1)
    state = EMPTY.observe([seen(at, chance.random() > share) for at in range(600)], GRID)
    state = state.observe([seen(600 + i) for i in range(3)], GRID)
    assert haiku_serves(state)
    for number in range(4):
        state = state.observe([seen(700 + number, clean=False)], GRID)
    assert not haiku_serves(state)


@pytest.mark.slow
def test_steady_corrections_of_five_percent_hardly_ever_make_a_type_flap():
    flaps = []
    for seed in range(12):
        chance = np.random.default_rng(seed)
        state = EMPTY.observe([seen(at, chance.random() > 0.05) for at in range(50)], GRID)
        served, moves = True, 0
        for at in range(50, 600):
            state = state.observe([seen(at, chance.random() > 0.05)], GRID)
            moves += served and not haiku_serves(state)
            served = haiku_serves(state)
        flaps.append(moves)
    assert np.mean(flaps) <= 1.0, flaps
