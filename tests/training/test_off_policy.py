"""What is said of a tier that was not tried, by hand and against worlds whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from off_policy_world import PATTERNS, by_hand, logged, tasks

from tierwise.training.evaluation._account import account, costs, oracle_usd, under_bounds
from tierwise.training.evaluation._difference import difference
from tierwise.training.evaluation._estimate import mean
from tierwise.training.evaluation._evidence import IMPUTED, OBSERVED, UNPROVED, WEIGHED, evidence_of
from tierwise.training.evaluation._latent import clean_by_pattern, upset_patterns
from tierwise.training.evaluation._world import World


@pytest.mark.parametrize(
    ("known", "chosen", "status", "fail", "under"),
    [
        ([1, -1], 0, OBSERVED, 0.0, 0.0),
        ([0, -1], 0, OBSERVED, 1.0, 0.25 / 0.35),  # the top would have done it so often
        ([0, 1], 0, OBSERVED, 1.0, 1.0),  # a retry shows it
        ([0, 0], 0, OBSERVED, 1.0, 0.0),
        ([0, 1], 1, OBSERVED, 0.0, 0.0),
        ([1, -1], 1, IMPUTED, 0.05 / 0.65, 0.0),  # only an upset
        ([-1, 0], 0, IMPUTED, 0.10 / 0.15, 0.0),
        ([0, -1], 1, UNPROVED, 0.10 / 0.35, 0.0),
        ([-1, 1], 0, UNPROVED, 0.25 / 0.85, 0.25 / 0.85),
    ],
)
def test_each_rule_by_hand(known, chosen, status, fail, under):
    found = evidence_of(tasks([known]), np.array([chosen]), by_hand())
    assert found.status.tolist() == [status]
    assert found.fail[0] == pytest.approx([fail] * 3)
    assert found.under[0] == pytest.approx([under] * 3)
    assert found.proved.tolist() == [known == [0, 1] and chosen == 0]


def test_money_is_tokens_and_corrections():
    units = tasks([[1, -1], [0, -1], [-1, 1]])
    found = account(units, np.array([1, 0, 0]), by_hand())
    assert costs(units, found)[:, 0] == pytest.approx([3 + 10 * 0.05 / 0.65, 1 + 10, 1 + 10 * 0.25 / 0.85])
    proved, possible = under_bounds(units, found)
    assert proved.tolist() == [0, 0, 0]
    assert possible == pytest.approx([0, 1, 1])  # nothing known of the last: it may be
    assert oracle_usd(units).value == pytest.approx((1 + 3) / 2)


def test_choices_that_agree_differ_by_nothing_whatever_comes_of_them():
    units = tasks([[1, -1], [-1, 1], [-1, 1]])
    one, other = (account(units, np.array(tiers), by_hand()) for tiers in ([0, 0, 1], [0, 0, 0]))
    found = difference(units, one, other)
    assert found.shares == {
        "same": 0.6667,
        "by_chance": 0.0,
        "observed": 0.6667,
        "imputed": 0.0,
        "weighed": 0.0,
        "unproved": 0.3333,
    }
    assert found.likely_usd.value == pytest.approx((3 - 1 - 10 * 0.25 / 0.85) / 3)
    assert found.identified_usd.value == 0.0
    assert math.isnan(found.likely_usd.low)  # one type has no interval
    of_two = difference(units, one, other, among=np.array([True, False, True]))
    assert (of_two.shares["same"], of_two.shares["unproved"]) == (0.5, 0.5)
    assert of_two.likely_usd.value == pytest.approx((3 - 1 - 10 * 0.25 / 0.85) / 2)
    assert difference(units, one, other, among=np.zeros(3, dtype=bool)).shares == {}


@pytest.mark.parametrize(
    ("new", "old", "usd", "under"),
    [(0, 1, (1 - 3, 1 + 10 - 3), (0, 1)), (1, 0, (3 - 1 - 10, 3 - 1), (-1, 0))],
)
def test_the_worst_case_takes_what_nobody_tried_for_anything(new, old, usd, under):
    """All were clean at the top, nothing is known of the lower tier; two types that are alike."""
    units = replace(tasks([[-1, 1]] * 4), types=np.array([0, 0, 1, 1]))
    world = by_hand(np.repeat(PATTERNS, 2, axis=0))
    accounts = [account(units, np.full(4, tier), world) for tier in (new, old)]
    found = difference(units, *accounts)
    assert found.worst_usd == pytest.approx(usd)
    assert found.worst_under == pytest.approx(under)
    assert found.likely_under.value == pytest.approx((old - new) * 0.25 / 0.85)


def test_tasks_on_which_both_agree_add_nothing_to_any_end():
    """The first of two tasks of each type moves down, the second stays."""
    units = replace(tasks([[-1, 1]] * 4), types=np.array([0, 0, 1, 1]))
    world = by_hand(np.repeat(PATTERNS, 2, axis=0))
    new, old = (account(units, np.array(tiers), world) for tiers in ([0, 1, 0, 1], [1, 1, 1, 1]))
    found = difference(units, new, old)
    assert found.worst_usd == pytest.approx(((1 - 3) / 2, (1 + 10 - 3) / 2))
    assert found.worst_under == pytest.approx((0, 1 / 2))
    assert found.likely_under.value == pytest.approx(0.25 / 0.85 / 2)
    assert (found.identified_usd.value, found.identified_under.value) == (0.0, 0.0)


def test_where_a_coin_decided_the_difference_is_that_of_the_weighed_tasks():
    """Half at each tier: 10 of 20 clean at the lower one, 15 of 20 at the top."""
    known = [[1, -1]] * 10 + [[0, -1]] * 10 + [[-1, 1]] * 15 + [[-1, 0]] * 5
    units, world = tasks(known, propensity=0.5), by_hand()
    low, top = (account(units, np.full(40, tier), world, weighing=False) for tier in (0, 1))
    found = difference(units, top, low, world=world)
    own = 0.3  # by the table, with a task's own outcome left out
    at_low = (20 * 0.35 + 20 * own + 2 * (10 * (0 - own) + 10 * (1 - own))) / 40
    at_top = (20 * 0.15 + 20 * own + 2 * (15 * (0 - own) + 5 * (1 - own))) / 40
    assert found.shares["by_chance"] == 1.0
    assert found.identified_usd.value == pytest.approx(3 - 1 + 10 * (at_top - at_low))
    assert found.identified_under.value == pytest.approx(-at_low * 0.25 / 0.35)


def test_propensities_speak_for_tasks_that_were_not_tried_there():
    """Half at each tier by a coin: all are wanted at the top, where 15 of 20 were clean."""
    known = [[1, -1]] * 10 + [[0, -1]] * 10 + [[-1, 1]] * 15 + [[-1, 0]] * 5
    units = tasks(known, propensity=0.5)
    found = account(units, np.ones(40, dtype=np.int64), by_hand())
    assert set(found.evidence.status) == {WEIGHED}
    assert found.effective == pytest.approx(20)
    f, own = 0.15, 0.3  # by the table, and with a task's own outcome left out
    expected = (20 * f + 20 * own + 2 * (15 * (0 - own) + 5 * (1 - own))) / 40
    assert found.evidence.fail[:, 0].mean() == pytest.approx(expected)
    assert not account(tasks(known), np.ones(40, dtype=np.int64), by_hand()).effective  # no coin, no weights


def test_propensities_speak_for_under_tiering_too():
    """The same at the lower tier, where 10 of 20 failed; of a failure there the top would do 25 of 35."""
    known = [[1, -1]] * 10 + [[0, -1]] * 10 + [[-1, 1]] * 15 + [[-1, 0]] * 5
    found = account(tasks(known, propensity=0.5), np.zeros(40, dtype=np.int64), by_hand())
    assert set(found.evidence.status) == {WEIGHED}
    f, own, rescued = 0.35, 0.3, 0.25 / 0.35
    fail = (20 * f + 20 * own + 2 * (10 * (0 - own) + 10 * (1 - own))) / 40
    assert found.evidence.fail[:, 0].mean() == pytest.approx(fail)
    assert found.evidence.under[:, 0].mean() == pytest.approx(fail * rescued)


@pytest.mark.parametrize(
    ("n_tried", "propensity", "weighed"),
    [
        (10, 0.5, True),  # their weights are those of half the tasks
        (9, 0.1, False),  # too few, however heavy
        (19, 0.96, False),  # many, but for too small a part of the tasks
    ],
)
def test_overlap_is_enough_tasks_and_enough_weight(n_tried, propensity, weighed):
    units = tasks([[1, -1]] * n_tried + [[-1, 1]] * (40 - n_tried), propensity=propensity)
    found = account(units, np.zeros(40, dtype=np.int64), by_hand())
    assert (WEIGHED in found.evidence.status, UNPROVED in found.evidence.status) == (weighed, not weighed)


def test_where_no_task_was_tried_at_the_tier_there_is_no_overlap():
    units = tasks([[-1, 1]] * 40, propensity=0.9)
    found = account(units, np.zeros(40, dtype=np.int64), by_hand())
    assert set(found.evidence.status) == {UNPROVED}


def test_an_interval_by_hand():
    values, types = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])
    found = mean(values, np.ones(4), types)
    half = 6.313752 * math.sqrt((0.25**2 + 0.25**2) * 2)  # Student's t with one degree of freedom
    assert found == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-5)


def test_patterns_name_who_is_clean():
    assert clean_by_pattern(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]
    assert upset_patterns(3).tolist() == [False, True, True, True, False, True, False, False]


def without_upsets(world: World) -> World:
    """As if no tier ever failed what a lower one passes."""
    upset, joints = upset_patterns(3), []
    for joint in world.joints:
        kept = np.where(upset, 1e-12, joint.patterns)
        joints.append(replace(joint, patterns=kept / kept.sum(axis=1, keepdims=True)))
    return World(tuple(joints), world.upsets)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "explore"), [("first", 0.0), ("first", 0.2), ("broken", 0.0)])
def test_intervals_cover_the_truth(name, explore):
    covered, naive, errors, upsets = [], [], [], []
    for seed in range(20):
        units, world, fates, cost, choices = logged(seed, name=name, explore=explore)
        every, chosen = np.arange(len(units)), choices(1.0)
        new, old = account(units, chosen, world), account(units, units.logged, world)
        real = ~fates.clean & fates.clean[:, 2:]
        found = difference(units, new, old)
        money = (cost[every, chosen] - cost[every, units.logged]).mean()
        under = (real[every, chosen] * 1.0 - real[every, units.logged]).mean()
        proved, possible = (mean(each, units.weights, units.types) for each in under_bounds(units, new))
        upsets.append(abs(world.upsets["rate"] - fates.upsets()))
        covered.append(
            (
                found.likely_usd.low <= money <= found.likely_usd.high,
                found.likely_under.low <= under <= found.likely_under.high,
                found.worst_usd[0] <= money <= found.worst_usd[1],
                proved.low <= real[every, chosen].mean() <= possible.high,
            )
        )
        # without identification: tasks on which it agrees with the log stand for all
        same = chosen == units.logged
        alone = mean(costs(units, new)[same, 0], units.weights[same], units.types[same])
        known = found.likely_usd.value - money
        naive.append(alone.value - cost[every, chosen].mean())
        errors.append(known)
    shares = np.mean(covered, axis=0)
    assert (shares >= 0.75).all()  # 90 %, of 20 draws
    assert np.mean(upsets) < 0.035
    assert abs(np.mean(naive)) > 2 * abs(np.mean(errors))


@pytest.mark.slow
def test_taking_upsets_for_impossible_flatters_the_higher_tier():
    off, on = [], []
    for seed in range(6):
        units, world, fates, _, _ = logged(seed)
        rows = np.flatnonzero(units.clean & (units.logged < 2))
        top = np.full(len(units), 2)
        truth = (~fates.clean[rows, 2]).mean()
        for each, out in ((world, on), (without_upsets(world), off)):
            found = evidence_of(units, top, each)
            assert set(found.status[rows]) == {IMPUTED}
            out.append(found.fail[rows, 0].mean() - truth)
    assert abs(np.mean(on)) < 0.02
    assert np.mean(off) < -0.025
