"""What is identified: where chance decided, and what verdicts say when they are heard unevenly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from off_policy_world import by_hand, logged, tasks

from tierwise.classifier.errors import InvalidTraining
from tierwise.training.evaluation._account import account
from tierwise.training.evaluation._difference import difference
from tierwise.training.evaluation._evidence import IMPUTED, OBSERVED, WEIGHED
from tierwise.training.evaluation._latent import Counts, joint, standard
from tierwise.training.evaluation._units import Units, _as_if_all_heard, check_correction
from tierwise.training.evaluation._weighing import MIN_MATCHES, drawn_between

HEARD_CLEAN, HEARD_CORRECTED = 0.2, 0.9
RATIO = HEARD_CORRECTED / HEARD_CLEAN


def canary(n: int, *, propensity: float = 0.5):
    """n tasks at each of two tiers, and what champion and challenger choose."""
    units = tasks([[1, -1]] * n + [[-1, 1]] * n, propensity=propensity)
    return units, np.zeros(2 * n, dtype=int), np.ones(2 * n, dtype=int)


def test_a_canary_decides_by_chance_between_the_two_choices():
    units, old, new = canary(MIN_MATCHES)
    assert drawn_between(units, old, new).all()
    assert not drawn_between(units, old, old).any()


@pytest.mark.parametrize(
    ("n", "propensity", "why"),
    [
        (MIN_MATCHES - 1, 0.5, "too few"),
        (MIN_MATCHES, 1.0, "no chance"),
        (MIN_MATCHES, np.nan, "not known"),
        (MIN_MATCHES, 0.05, "weights of ten times the tasks: not between these two"),
    ],
)
def test_what_is_no_fair_draw_is_not_identified(n, propensity, why):
    units, old, new = canary(n, propensity=propensity)
    assert not drawn_between(units, old, new).any(), why


def test_only_the_tasks_that_chance_decided_are_identified():
    """Beside a canary, tasks whose tier was certain: they neither count for it nor are proved by it."""
    units, old, new = canary(MIN_MATCHES)
    certain = replace(units, propensity=np.ones(len(units)))
    both = Units(
        *(np.concatenate(pair) for pair in zip(vars(units).values(), vars(certain).values(), strict=True))
    )
    expected = np.arange(4 * MIN_MATCHES) < 2 * MIN_MATCHES
    assert (drawn_between(both, np.tile(old, 2), np.tile(new, 2)) == expected).all()
    weighed = account(both, np.tile(old, 2), by_hand()).evidence.status == WEIGHED
    assert (weighed == expected).all()


def test_where_every_task_shows_what_the_choice_would_do_nothing_is_weighed():
    """Who was clean at the lower tier is so at the top: propensities have nothing to add."""
    units = tasks([[1, -1]] * 20 + [[-1, 1]] * 20, propensity=0.5)
    found = account(units, np.ones(40, dtype=int), by_hand())
    assert set(found.evidence.status) == {OBSERVED, IMPUTED}
    assert (found.effective, np.isnan(found.off).all()) == (0.0, True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_identified_difference_is_the_true_one_of_its_tasks(seed):
    found = logged(seed, explore=0.5, n_types=80)
    units, world = found.units, found.world
    old, new = found.choices(1.5), found.choices(0.3)
    chance = drawn_between(units, old, new)
    assert chance.sum() > 50
    got = difference(units, account(units, new, world), account(units, old, world), world=world)
    rows = np.flatnonzero(chance | (old == new))
    truth = (found.cost[rows, new[rows]] - found.cost[rows, old[rows]]).mean()
    half = (got.identified_usd.high - got.identified_usd.low) / 2
    assert abs(got.identified_usd.value - truth) < 2 * half
    assert got.shares["by_chance"] == pytest.approx(chance.mean(), abs=1e-3)


def test_what_chance_decided_is_weighed_once():
    """10 tasks at the lower tier, 4 of them failed; 10 at the top, all clean. A retry never came."""
    units = tasks([[1, -1]] * 6 + [[0, -1]] * 4 + [[-1, 1]] * 10, propensity=0.5)
    old, new = np.zeros(20, dtype=int), np.ones(20, dtype=int)
    found = difference(units, *(account(units, each, by_hand()) for each in (new, old)), world=by_hand())
    f, own, rescued = 0.35, 0.3, 0.25 / 0.35  # by the table; with a task's own outcome left out; of failures
    fail_below = (10 * f + 10 * own + 2 * (6 * (0 - own) + 4 * (1 - own))) / 20
    fail_above = (10 * 0.15 + 10 * own + 2 * 10 * (0 - own)) / 20
    assert found.shares["by_chance"] == 1.0
    assert found.identified_under.value == pytest.approx(-fail_below * rescued)
    assert found.identified_usd.value == pytest.approx(3 - 1 + 10 * (fail_above - fail_below))


def test_clean_verdicts_stand_for_those_that_nobody_gave():
    chance = np.random.default_rng(0)
    clean = chance.random(200_000) < 0.7
    heard = clean[chance.random(len(clean)) < np.where(clean, HEARD_CLEAN, HEARD_CORRECTED)]
    weights = _as_if_all_heard(np.ones(len(heard)), heard, RATIO)
    assert heard.mean() < 0.4
    assert weights @ heard / weights.sum() == pytest.approx(0.7, abs=0.01)
    assert weights.sum() == pytest.approx(len(heard))
    assert (_as_if_all_heard(np.ones(4), heard[:4], 1.0) == 1).all()


def test_rates_of_types_are_those_of_all_tasks_not_of_the_heard_ones():
    """Three quarters are clean; of what is heard four in ten are."""
    p, n = 0.75, 2_000
    heard = np.array([p * HEARD_CLEAN, (1 - p) * HEARD_CORRECTED])
    first = np.zeros((1, 3, 2))
    first[0, 1] = n * heard / heard.sum()
    again, usual = np.zeros((1, 3, 3, 2)), np.array([1])
    told, naive = (joint(Counts(first, again, usual, ratio), standard(3)) for ratio in (RATIO, 1.0))
    assert told.rates[0, 1] == pytest.approx(p, abs=0.03)
    assert naive.rates[0, 1] == pytest.approx(0.4, abs=0.03)
    assert told.left_out[0, 1, 0] == pytest.approx(told.rates[0, 1], abs=0.01)


@pytest.mark.parametrize("price", [None, 0, 0.5, 4.0, {"a": 0.0, "b": 12}, {}])
def test_a_correction_may_cost_any_amount_or_nothing(price):
    check_correction(price)


@pytest.mark.parametrize("price", [-0.01, np.inf, np.nan, True, "4", {"a": -1}, {"a": "4"}], ids=repr)
def test_a_price_that_is_none_is_named(price):
    with pytest.raises(
        InvalidTraining, match=r"price of a correction \((a|correction_usd)\) must be"
    ) as caught:
        check_correction(price)
    assert caught.value.about is (price["a"] if isinstance(price, dict) else price)
