"""An evaluation by tier, by type and task by task: seven tasks by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tierwise.training.evaluation._account import account, costs, oracle_usd, summary
from tierwise.training.evaluation._errors import errors_frame
from tierwise.training.evaluation._estimate import mean
from tierwise.training.evaluation._groups import by_tier, by_type
from tierwise.training.evaluation._replay import Replayed
from tierwise.training.evaluation._setting import read_setting

ATTEMPTS = [  # of d0 to d7: type, tier, verdict, tiers that failed before
    ("a", "haiku", "clean", ()),
    ("a", "haiku", "corrected", ()),
    ("a", "sonnet", "clean", ()),
    ("b", "opus", "failed", ()),
    ("b", "sonnet", "corrected", ()),
    ("b", "haiku", "corrected", ()),
    ("b", "opus", "failed", ()),
    ("b", "opus", "clean", ("haiku",)),  # d5 once more
]
CHOSEN = np.array([1, 0, 0, 1, 1, 2, 2])
WEIGHTS = np.array([1.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0])
HAIKU, SONNET, OPUS = 2 * 1e-7 + 400 * 5e-7, 2 * 2e-6 + 400 * 1e-5, 2 * 4e-6 + 400 * 2e-5  # tokens in USD
CORRECTION = {"a": 2.0, "b": 4.0}


@pytest.fixture(scope="module")
def setting():
    frame = pd.DataFrame(ATTEMPTS, columns=["task_type", "tier", "verdict", "attempts"])
    frame["specification"] = [f"text {task}" for task in (0, 1, 2, 3, 4, 5, 6, 5)]
    frame["decision_id"] = [f"d{row}" for row in range(len(frame))]
    frame["at"] = pd.date_range("2026-01-01", periods=len(frame), freq="h", tz="UTC")
    found = read_setting(
        frame, policy=None, correction_usd=CORRECTION, heard_ratio=1.0, progress=lambda *_: None
    )
    assert found.units.token_usd == pytest.approx(np.tile([HAIKU, SONNET, OPUS], (7, 1)))
    return replace(found, units=replace(found.units, weights=WEIGHTS))


@pytest.fixture(scope="module")
def routed(setting):
    return account(setting.units, CHOSEN, setting.world)


def test_tiers_say_how_their_work_went_and_where_it_would_go(setting, routed):
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    haiku, sonnet, opus = by_tier(setting, routed, p)
    assert haiku == {
        "tier": "haiku",
        "tasks": 3,
        "clean": 0.25,
        "predicted": pytest.approx((0.1 + 2 * 0.2 + 0.6) / 4),
        "moved_down": 0.0,
        "moved_up": 0.5,
    }
    assert (sonnet["tasks"], sonnet["clean"], sonnet["moved_down"], sonnet["moved_up"]) == (2, 0.25, 0.25, 0)
    assert (opus["tasks"], opus["clean"], opus["moved_down"], opus["moved_up"]) == (2, 0.0, 0.5, 0.0)


def test_a_tier_that_did_nothing_has_no_shares(setting):
    some = setting.units.logged != 1
    units = setting.units.take(some)
    found = by_tier(replace(setting, units=units), account(units, CHOSEN[some], setting.world), np.ones(5))
    none = dict.fromkeys(("clean", "predicted", "moved_down", "moved_up"))
    assert found[1] == {"tier": "sonnet", "tasks": 0, **none}


def test_types_come_with_what_they_cost_and_save_the_largest_first(setting, routed):
    units = setting.units
    always_sonnet = account(units, np.ones(7, dtype=int), setting.world)
    larger, smaller = by_type(setting, routed, always_sonnet)
    assert [(each["task_type"], each["tasks"], each["mostly"]) for each in (larger, smaller)] == [
        ("b", 4, "sonnet"),
        ("a", 3, "haiku"),
    ]
    fail, fail_sonnet = routed.evidence.fail[:, 0], always_sonnet.evidence.fail[:, 0]
    likely = [SONNET + 2 * fail[0], HAIKU + 2.0, HAIKU + 2 * fail[2]]
    weights = WEIGHTS[:3]
    assert smaller["cost_usd"] == pytest.approx(np.average(likely, weights=weights), rel=1e-5)
    sonnets = [likely[0], SONNET + 2 * fail_sonnet[1], SONNET]  # the third was clean there
    assert smaller["saving_usd"] == pytest.approx(
        np.average(np.array(sonnets) - likely, weights=weights), rel=1e-4
    )
    assert smaller["clean_as_logged"] == 0.5
    assert (smaller["unproved"], larger["unproved"]) == (0.25, 0.0)
    assert smaller["under_tiered_proved"] == larger["under_tiered_proved"] == 0.0
    assert smaller["under_tiered_at_most"] == pytest.approx((fail[0] + 2 + 1) / 4, rel=1e-5)
    assert larger["under_tiered_at_most"] == pytest.approx((fail[3] + 3) / 6, rel=1e-5)  # never at the top


def test_errors_are_what_fails_below_the_top_what_was_too_much_and_what_nobody_knows(setting, routed):
    passes = np.arange(24).reshape(8, 3) / 100
    answers = Replayed(np.append(CHOSEN, 2), passes, np.zeros((8, 3)))
    found = errors_frame(setting, routed, answers)
    assert found["cost_usd"].is_monotonic_decreasing
    found = found.set_index("decision_id").sort_index()
    assert found["error"].to_dict() == {
        "d0": "too high",
        "d1": "too low",
        "d2": "unproved",
        "d3": "too low",
        "d4": "too low",
    }
    assert found["known_by"].tolist() == ["imputed", "observed", "unproved", "imputed", "observed"]
    assert found["logged_tier"].tolist() == ["haiku", "haiku", "sonnet", "opus", "sonnet"]
    assert found["chosen_tier"].tolist() == ["sonnet", "haiku", "haiku", "sonnet", "sonnet"]
    assert found["distance"].tolist() == [1, 0, -1, -1, 0]
    assert found["p_clean"].tolist() == [0.01, 0.03, 0.06, 0.10, 0.13]
    assert found["verdict"].tolist() == ["clean", "not clean", "clean", "not clean", "not clean"]
    assert found["specification"].tolist() == [f"text {task}" for task in range(5)]
    assert found["logged_cost_usd"].tolist() == pytest.approx(
        [HAIKU, HAIKU + 2, SONNET, OPUS + 4, SONNET + 4]
    )
    cost = costs(setting.units, routed)[:5, 0]
    assert found["cost_usd"].tolist() == pytest.approx(cost)
    excess = [cost[0] - HAIKU, np.nan, cost[2] - SONNET, np.nan, np.nan]
    assert found["excess_cost_usd"].tolist() == pytest.approx(excess, nan_ok=True)


def test_what_failed_in_a_retry_at_a_higher_tier_was_too_low_below_it(setting):
    """d5 once more, as if Opus had failed it too."""
    units = replace(
        setting.units, known=np.where(np.arange(7)[:, None] == 5, [[0, -1, 0]], setting.units.known)
    )
    chosen = np.array([0, 1, 1, 2, 2, 1, 2])
    found = errors_frame(
        replace(setting, units=units),
        account(units, chosen, setting.world),
        Replayed(np.append(chosen, 2), np.zeros((8, 3)), np.zeros((8, 3))),
    )
    assert found.set_index("decision_id")["error"].to_dict() == {
        "d1": "unproved",
        "d4": "unproved",
        "d5": "too low",
    }


@pytest.mark.parametrize("propensity", [1.0, 0.5])
def test_an_error_that_was_seen_is_one_whether_or_not_chance_chose(setting, propensity):
    """Half of 24 tasks at each tier; what speaks for all of them by its weight was still seen itself."""
    every = np.arange(24)
    logged = every % 2
    known = np.full((24, 3), -1, dtype=np.int8)
    known[every, logged] = every % 4 > 1
    units = replace(
        setting.units.take(np.zeros(24, dtype=int)),
        logged=logged,
        known=known,
        clean=every % 4 > 1,
        propensity=np.full(24, propensity),
    )
    routed = account(units, np.ones(24, dtype=int), setting.world)
    answers = Replayed(np.ones(8, dtype=int), np.zeros((8, 3)), np.zeros((8, 3)))
    found = errors_frame(replace(setting, units=units), routed, answers)
    seen = found[found["error"] == "too low"]
    assert len(seen) == 6
    assert set(seen["known_by"]) == {"observed"}
    assert seen["cost_usd"].tolist() == pytest.approx(
        seen["logged_cost_usd"].tolist()
    )  # it chose as was logged
    assert seen["cost_usd"].tolist() == pytest.approx([SONNET + CORRECTION["a"]] * 6)
    assert found.index.tolist() == list(range(len(found)))
    assert "index" not in found


def test_a_retry_that_was_clean_above_proves_that_the_first_tier_was_too_low(setting):
    units, names = setting.units, setting.ladder.names
    logged = summary("as logged", units, account(units, units.logged, setting.world), names)
    assert logged.under_interval[0] == 0.0  # one of ten, of few types
    assert logged.shares == {"observed": 1.0, "imputed": 0.0, "weighed": 0.0, "unproved": 0.0}
    assert logged.mix == {"haiku": 0.4, "sonnet": 0.4, "opus": 0.2}
    assert logged.token_usd == pytest.approx(0.4 * HAIKU + 0.4 * SONNET + 0.2 * OPUS)
    assert logged.cost_usd.value == pytest.approx(logged.token_usd + (2 * 2 + 4 + 3 * 4 + 4 + 4) / 10)
    again = units.take(np.arange(7) == 5)
    proof = account(again, np.zeros(1, dtype=int), setting.world)
    assert summary("haiku", again, proof, names).under_tiered.value == pytest.approx(1.0)


def test_the_ends_take_what_nobody_tried_for_anything(setting, routed):
    """d2 ran at Sonnet: at Haiku it costs its tokens alone, or a correction too; it is no case, or one."""
    units, at = setting.units, (WEIGHTS, setting.units.types)
    found = summary("routed", units, routed, setting.ladder.names)
    least, most = costs(units, routed)[:, 0], costs(units, routed)[:, 0]
    least[2], most[2] = HAIKU, HAIKU + 2
    assert found.worst_usd == pytest.approx((mean(least, *at).low, mean(most, *at).high))
    fail = routed.evidence.fail[:, 0]
    possible = np.array([fail[0], 1, 1, fail[3], 1, 0, 0])
    assert found.under_interval == pytest.approx((0.0, mean(possible, *at).high))
    assert found.shares == {"observed": 0.7, "imputed": 0.2, "weighed": 0.0, "unproved": 0.1}


def test_hindsight_takes_the_cheapest_tier_that_is_known_to_do_it(setting):
    """d0 by Haiku, d2 by Sonnet, d5 by Opus in its retry; of the others nobody knows."""
    assert oracle_usd(setting.units).value == pytest.approx((HAIKU + SONNET + OPUS) / 3)
