"""compare(): its figures are the differences of two evaluations, and those by propensities alone by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from off_policy_world import by_hand, tasks
from simulated_log import simulated

from tierwise import TierModel, evaluate
from tierwise.classifier.errors import InvalidTraining
from tierwise.training.evaluation._account import account
from tierwise.training.evaluation._difference import difference
from tierwise.training.evaluation._replay import replay
from tierwise.training.evaluation._setting import read_setting, rival_table
from tierwise.training.evaluation.compare import _weighed, compare


@pytest.fixture(scope="module")
def rows():
    return simulated(200, n_types=12)


@pytest.fixture(scope="module")
def bold(champion) -> TierModel:
    """A challenger that goes down to Haiku at once, and takes types to be as their texts say."""
    thresholds = [{"max_under_tier": 0.05, "lambda_down": 0.2, "lambda_up": 0.99}]
    widths = {**champion.manifest["widths"], "level_sd": 0.5, "deviation_sd": 0.3}
    manifest = {**champion.manifest, "thresholds": thresholds, "widths": widths}
    return TierModel(champion.reader, manifest, version="bold")


def test_a_comparison_is_the_difference_of_two_evaluations(champion, bold, rows):
    found = compare(champion, bold, rows, correction_usd=4.0)
    old, new = (evaluate(model, rows, correction_usd=4.0) for model in (champion, bold))
    assert found.likely_usd.value == pytest.approx(new.routed.cost_usd.value - old.routed.cost_usd.value)
    assert found.likely_under.value == pytest.approx(
        new.routed.under_tiered.value - old.routed.under_tiered.value
    )
    assert found.likely_usd.value != 0 != found.log_loss.value
    assert found.log_loss.value == pytest.approx(
        new.with_history.log_loss.value - old.with_history.log_loss.value
    )
    assert found.table_log_loss.value == pytest.approx(
        new.with_history.log_loss.value - new.table.log_loss.value
    )
    table = next(each for each in new.policies if each.name == "table of types")
    assert found.table_likely_usd.value == pytest.approx(new.routed.cost_usd.value - table.cost_usd.value)
    assert found.calibration == new.with_history
    assert found.about | {"model": "bold"} == new.about | {
        "champion": champion.version,
        "challenger": "bold",
        "champion_trained_until": None,
        "challenger_trained_until": None,
        "tasks_of_new_types": 200,
    }
    assert found.new_types_usd == found.likely_usd  # neither was trained on any of them
    assert found.weighed is None


def test_against_the_table_counts_where_chance_decided(champion, bold, rows):
    given = {"policy": None, "correction_usd": 4.0, "heard_ratio": 1.0, "progress": lambda *_: None}
    by_chance = rows.assign(propensity=0.4)
    found, setting = compare(champion, bold, by_chance, correction_usd=4.0), read_setting(by_chance, **given)
    units, world = setting.units, setting.world
    answers = replay(bold, setting.rows, setting.policy, setting.ladder)
    new = account(units, answers.chosen[units.rows], world)
    table = account(units, rival_table(setting, bold)[1], world)
    beside = difference(units, new, table, world=world)
    assert beside.shares["by_chance"] > 0.3
    assert found.table_usd == beside.identified_usd
    assert found.table_under == beside.identified_under


# same tier, chance decided: identified, unproved of what would move
SHARES = [(0.7, 0.12, 0.82, 0.6), (1.0, 0.0, 1.0, 0.0), (0.0257, 0.9743, 1.0, 0.0)]


def test_shares_of_what_is_known_by_hand(champion, bold, rows):
    found = compare(champion, bold, rows)
    for same, by_chance, identified, unproved in SHARES:
        shares = {**found.shares, "same": same, "by_chance": by_chance}
        some = replace(found, shares=shares)
        assert (some.identified_share, some.unproved_share) == (identified, unproved)
        assert f"{some.unproved_share:.1%}" == f"{unproved:.1%}"  # never -0.0%


def test_a_comparison_is_plain_values_and_text(champion, bold, rows):
    found = compare(champion, bold, rows.assign(propensity=0.4))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {"champion", "challenger", "policy"}.isdisjoint(plain)
    assert (plain["about"], plain["notes"]) == (found.about, list(found.notes))
    assert (plain["identified_share"], plain["unproved_share"]) == (
        found.identified_share,
        found.unproved_share,
    )
    assert plain["likely_usd"]["value"] == pytest.approx(found.likely_usd.value, rel=1e-5)
    assert plain["calibration"]["ece"] == found.calibration.ece.to_dict()
    assert plain["weighed"]["tasks"] == found.weighed["tasks"]
    assert plain["worst_usd"] == pytest.approx(list(found.worst_usd), rel=1e-5)
    assert "by propensities alone" in str(found)
    assert repr(found).find("TierModel") == -1  # which would print its tables


def test_only_the_time_that_is_asked_for_is_judged(champion, bold, rows):
    at = rows["at"].dt.to_pydatetime()
    found = compare(champion, bold, rows, since=at[20], until=at[179], pauses=[(at[99], at[139])])
    assert (found.about["tasks"], found.seen_in_training) == (120, 0)
    assert found.about["from"] == at[20].isoformat(timespec="seconds")
    assert found.about["until"] == at[179].isoformat(timespec="seconds")
    alone = compare(champion, bold, rows.iloc[20:], until=at[179])
    assert found.log_loss != alone.log_loss  # what came before is history
    with pytest.raises(
        InvalidTraining, match="49 of 200 tasks came since .* at least 50 are needed"
    ) as caught:
        compare(champion, bold, rows, since=at[151])
    assert caught.value.about == 49
    with pytest.raises(InvalidTraining, match="49 of 200 tasks came in that time and at least 50 are needed"):
        compare(champion, bold, rows, until=at[48])
    assert compare(champion, bold, rows, until=at[49]).about["tasks"] == 50


def test_types_are_new_that_neither_model_was_trained_on(champion, bold, rows):
    first = rows["task_type"].iloc[:100].unique()
    until = rows["at"].iloc[99].to_pydatetime()
    trained = {"training": {"trained_until": until.isoformat()}}
    model = TierModel(champion.reader, {**bold.manifest, **trained}, version="trained")
    renamed = rows.assign(task_type=np.where(np.arange(200) % 4 == 3, "new", rows["task_type"]))
    renamed.loc[rows.index[:100], "task_type"] = rows["task_type"].iloc[:100]
    for pair in ((champion, model), (model, champion)):
        found = compare(*pair, renamed)
        assert found.about["tasks"] == 100
        expected = ~renamed["task_type"].iloc[100:].isin(first)
        assert found.about["tasks_of_new_types"] == expected.sum() >= 25
        seen = compare(*pair, renamed, since=datetime(2025, 1, 1, tzinfo=UTC))
        assert seen.seen_in_training == 100
        assert any(note.startswith("100 of the judged tasks were in the training") for note in seen.notes)
        with pytest.raises(InvalidTraining, match=f"after {until:%Y-%m-%dT%H:%M}.* train on older ones only"):
            compare(*pair, renamed, until=until + timedelta(seconds=1))


@pytest.fixture(scope="module")
def coin(rows):
    """40 tasks, half at each of two tiers by a coin: 10 of 20 clean at the lower one, 15 of 20 at the top."""
    given = {"policy": None, "correction_usd": None, "heard_ratio": 1.0, "progress": lambda *_: None}
    units = tasks([[1, -1]] * 10 + [[0, -1]] * 10 + [[-1, 1]] * 15 + [[-1, 0]] * 5, propensity=0.5)
    return replace(read_setting(rows, **given), units=units, world=by_hand())


def test_propensities_alone_by_hand(coin):
    """The top costs 3 and fails 5 of 20 at 10 USD, the lower one 1 and 10 of 20, of which the top does 25 of 35."""
    units = coin.units
    low, top = (account(units, np.full(40, tier), coin.world) for tier in (0, 1))
    found = _weighed(coin, top, low)
    assert (found["tasks"], found["effective"]) == (40, 20.0)
    assert found["ips_usd"].value == pytest.approx((3 + 2.5) - (1 + 5))
    assert found["ips_under"].value == pytest.approx(0 - 0.5 * 25 / 35)


def test_propensities_alone_count_tasks_by_their_weight(coin):
    """As if each of the 10 that failed at the lower tier stood for three."""
    units = coin.units
    weights = np.where((units.logged == 0) & ~units.clean, 3.0, 1.0)
    heavy = replace(coin, units=replace(units, weights=weights))
    low, top = (account(heavy.units, np.full(40, tier), coin.world) for tier in (0, 1))
    found = _weighed(heavy, top, low)
    assert found["ips_usd"].value == pytest.approx((3 + 10 * 5 / 20) - (1 + 10 * 30 / 40))


def test_the_effective_sample_size_is_that_of_the_choice_that_chance_served_least_evenly(coin):
    uneven = np.where(coin.units.logged == 1, 0.5, np.where(np.arange(40) % 2, 0.25, 0.75))
    units = replace(coin.units, propensity=uneven)
    low, top = (account(units, np.full(40, tier), coin.world) for tier in (0, 1))
    weights = np.repeat([4.0, 4 / 3], 10)
    found = _weighed(replace(coin, units=units), top, low)
    assert found["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), abs=0.05)
    assert found == _weighed(replace(coin, units=units), low, top) | {
        name: found[name] for name in ("ips_usd", "ips_under")
    }


def test_without_chance_propensities_say_nothing(coin):
    certain = replace(coin, units=replace(coin.units, propensity=np.ones(40)))
    low, top = (account(certain.units, np.full(40, tier), coin.world) for tier in (0, 1))
    assert _weighed(certain, top, low) is None
