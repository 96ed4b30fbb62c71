"""compare() and the gate: nothing is promoted that did not earn it, and the reason is said with figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from simulated_log import QUICK, simulated

from tierwise import Comparison, Policy, compare, gate, train
from tierwise.classifier.errors import InvalidTraining
from tierwise.training.evaluation._calibration import Calibration
from tierwise.training.evaluation._estimate import Estimate, mean, mean_difference, proved_at_most

BETTER = Estimate(-0.2, -0.3, -0.1)
UNSURE = Estimate(-0.1, -0.5, 0.3)
WORSE = Estimate(0.2, 0.1, 0.3)
NONE = Estimate(-0.2, float("nan"), float("nan"))
PROVED = dict.fromkeys(("identified_usd", "identified_under", "likely_usd", "likely_under"), -0.02)
PIN = {"specification": "Design the system architecture for a multi-region payments platform"}


@pytest.fixture(scope="module")
def earned(champion) -> Comparison:
    """A comparison that passes everything."""
    calibrated = Calibration(400, BETTER, BETTER, Estimate(0.02, 0.01, 0.03), 0.04, 0.8, BETTER)
    return Comparison(
        about={"correction_usd": [4.0, 4.0]},
        identified_usd=BETTER,
        identified_under=BETTER,
        likely_usd=BETTER,
        likely_under=BETTER,
        at_most=PROVED,
        worst_usd=(-0.5, 0.9),
        worst_under=(-0.1, 0.1),
        table_usd=BETTER,
        table_under=BETTER,
        table_likely_usd=BETTER,
        new_types_usd=UNSURE,
        new_types_under=UNSURE,
        log_loss=BETTER,
        table_log_loss=BETTER,
        calibration=calibrated,
        shares={"same": 0.9, "by_chance": 0.09, "observed": 0.9, "weighed": 0.09, "unproved": 0.01},
        weighed=None,
        upsets={"rate": 0.1, "low": 0.1, "high": 0.1, "retries": 50, "source": "50 retries"},
        seen_in_training=0,
        notes=(),
        champion=champion,
        challenger=champion,
        policy=Policy(),
    )


def test_what_earned_its_place_is_promoted(earned):
    report = gate(earned)
    assert report.verdict == "promote"
    assert report.reasons == ()
    assert all(check.passed for check in report.checks.values())
    says = {name: check.says for name, check in report.checks.items()}
    assert says["identified_usd"].startswith("Money on the identified part is no worse: -$0.2000")
    assert says["table_under"].startswith("The table of types is not shown to do better in under-tiering: ")
    assert says["table_log_loss"].startswith("Predicts better than the table of types: log loss -0.200 ")
    assert says["champion_log_loss"].startswith("Not shown to predict verdicts worse than the champion: ")
    assert says["calibrated"].startswith("Calibrated: ECE 0.020 [0.010, 0.030], at most 0.050 may be.")
    assert says["unseen"] == "None of the judged tasks was in training."
    assert says["known_share"] == "99.0% of tasks can be judged; 50% are needed."
    assert says["pinned"] == "No pinned cases were given."
    assert says["unproved"].startswith("Chance has decided 90.0% of the tasks that would move; 80.0% are ")
    kept = gate(earned, pinned=[{**PIN, "at_least": "haiku"}]).checks["pinned"]
    assert (kept.passed, kept.says) == (True, "Every pinned case is kept, 1 of 1.")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["verdict"] == "promote"
    better = {"value": -0.2, "low": -0.3, "high": -0.1}
    compared = {*PROVED, "table_usd", "table_under", "table_log_loss", "champion_log_loss"}
    estimates = {name: check["estimate"] for name, check in plain["checks"].items() if check["estimate"]}
    assert estimates == {
        **dict.fromkeys(compared, better),
        "calibrated": {"value": 0.02, "low": 0.01, "high": 0.03},
    }
    bounds = {name: check["bound"] for name, check in plain["checks"].items() if check["bound"]}
    assert bounds == {"known_share": 0.5, "calibrated": 0.05, "unproved": 0.2}


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (
            {"identified_usd": WORSE},
            "identified_usd",
            r"Money on the identified part is worse: \$0\.2000 .* up to \$0\.4000, \$0\.0000 is allowed",
        ),
        (
            {"identified_under": WORSE},
            "identified_under",
            r"Under-tiering .* is worse: 20\.0% \[10\.0%, 30\.0%\] a task; at 99\.9 % up to 40\.0%",
        ),
        (
            {"likely_usd": WORSE},
            "likely_usd",
            r"Money on all tasks \(the unproved as is likely\) is worse",
        ),
        ({"likely_under": WORSE}, "likely_under", r"Under-tiering on all tasks \(.*\) is worse"),
        ({"table_usd": WORSE}, "table_usd", r"table of types does better in money: \$0\.2"),
        ({"table_under": WORSE}, "table_under", "table of types does better in under-tiering"),
        ({"table_log_loss": WORSE}, "table_log_loss", "Not shown to predict better than the table of types"),
        (
            {"log_loss": WORSE},
            "champion_log_loss",
            r"^It predicts verdicts worse than the champion: log loss 0\.200 \[0\.100",
        ),
        ({"seen_in_training": 7}, "unseen", "7 judged tasks were in training"),
        (
            {"shares": {"same": 0.3, "by_chance": 0.7, "unproved": 0.6}},
            "known_share",
            r"Only 40\.0% of tasks",
        ),
    ],
)
def test_what_speaks_against_it_is_refused_and_named_with_its_figure(earned, change, check, says):
    if check in PROVED:
        change = {**change, "at_most": {**PROVED, check: 0.4}}
    report = gate(replace(earned, **change))
    assert report.verdict == "refuse"
    assert [name for name, each in report.checks.items() if each.speaks_against] == [check]
    assert len(report.reasons) == 1
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(report.reasons[0])
    json.dumps(report.to_dict(), allow_nan=False)
    assert f"FAILED  {check}" in str(report)


@pytest.mark.parametrize("name", [*PROVED, "table_log_loss"])
@pytest.mark.parametrize("found", [UNSURE, NONE])
def test_what_is_likely_and_not_proved_gets_a_canary(earned, name, found):
    change = {name: found}
    if name in PROVED:
        change["at_most"] = {**PROVED, name: found.high}
    report = gate(replace(earned, **change))
    assert report.verdict == "canary"
    assert [each for each, check in report.checks.items() if not check.passed] == [name]
    assert report.reasons == (report.checks[name].says,)
    assert f"OPEN    {name}" in str(report)
    json.dumps(report.to_dict(), allow_nan=False)


def test_no_difference_of_rates_is_larger_than_all_of_them(earned):
    """A few types that moved give a wide interval; its end is no rate any more."""
    found = gate(replace(earned, at_most={**PROVED, "likely_under": 16.6})).checks["likely_under"]
    assert found.figure == 1.0
    assert "up to 100.0%" in found.says


def test_the_ordinary_interval_is_no_proof(earned):
    """At 90 % it lies on its side; of a year of Fridays two or three such would be luck."""
    report = gate(replace(earned, at_most={**PROVED, "likely_usd": 0.001}))
    assert report.verdict == "canary"
    assert gate(replace(earned, at_most={**PROVED, "likely_usd": 0.001}), money_margin_usd=0.01).verdict == (
        "promote"
    )


def test_a_model_that_is_not_calibrated_is_refused(earned):
    off = earned.calibration._replace(ece=Estimate(0.09, 0.07, 0.11))
    report = gate(replace(earned, calibration=off))
    assert report.reasons == ("Not calibrated: ECE 0.090 [0.070, 0.110], at most 0.050 may be.",)
    few = off._replace(ece_by_chance=0.12)  # so few tasks that a perfect model might look like that
    assert gate(replace(earned, calibration=few)).verdict == "promote"


def test_moves_that_no_chance_decided_get_a_canary_unless_the_worst_case_passes(earned):
    shares = {**earned.shares, "by_chance": 0.07}
    unproved = replace(earned, shares=shares)
    report = gate(unproved)
    assert report.verdict == "canary"
    assert "Chance has decided 70.0% of the tasks that would move; 80.0% are needed" in report.reasons[0]
    assert gate(unproved, max_unproved=0.3).verdict == "promote"
    safe = replace(unproved, worst_usd=(-0.5, 0.0), worst_under=(-0.1, 0.0))
    assert gate(safe).verdict == "promote"
    assert "even the worst that the rest may hide" in gate(safe).checks["unproved"].says
    for half in {"worst_usd": (-0.5, 0.1)}, {"worst_under": (-0.1, 0.1)}:
        assert gate(replace(safe, **half)).verdict == "canary"
    enough = replace(safe, shares=earned.shares)
    assert gate(enough).checks["unproved"].says.endswith("; 80.0% are needed.")


def test_pinned_cases_are_kept_or_the_gate_says_which_was_not(earned, tmp_path):
    file = tmp_path / "pinned.jsonl"
    file.write_text(json.dumps({**PIN, "at_least": "sonnet"}) + "\n\n" + json.dumps({**PIN, "tier": "haiku"}))
    assert gate(earned, pinned=[{**PIN, "at_least": "sonnet"}]).verdict == "promote"
    report = gate(earned, pinned=file)
    assert report.verdict == "refuse"
    assert report.checks["pinned"].figure == 1
    assert "line 3" in report.reasons[0]
    assert "must be haiku and came out as" in report.reasons[0]


@pytest.mark.parametrize(
    ("pinned", "message"),
    [
        ([PIN], "case 0 needs either 'tier'"),
        ([{**PIN, "tier": "haiku", "at_least": "haiku"}], "needs either 'tier'"),
        ([{**PIN, "tier": "haiku", "itmes": 3}], "case 0: .*'itmes'"),
        (["a text"], "must be a mapping"),
        ([{**PIN, "tier": "haikuu"}], "case 0: 'haikuu' is no tier of the ladder; did you mean 'haiku'"),
        ([{**PIN, "at_least": "gpt"}], "'gpt' is no tier of the ladder.* Allowed: haiku, sonnet, opus"),
        ("nowhere.jsonl", "can't be read"),
    ],
)
def test_pinned_cases_that_can_not_be_read_are_named(earned, pinned, message):
    with pytest.raises(InvalidTraining, match=message):
        gate(earned, pinned=pinned)


@pytest.fixture(scope="module")
def log():
    return simulated(900, n_types=30)


@pytest.mark.slow
def test_a_challenger_that_is_worse_in_truth_is_refused(champion, log):
    """It learned that easy is hard and hard is easy."""
    early = log.iloc[:500]
    wrong = early.assign(verdict=np.where(early["verdict"] == "clean", "corrected", "clean"))
    good, bad = train(early, config=QUICK), train(wrong, config=QUICK)
    found = compare(good, bad, log, correction_usd=4.0)
    assert gate(found).verdict == "refuse"
    assert found.log_loss.low > 0
    assert found.seen_in_training == 0
    assert found.about["tasks"] == 400
    assert found.about["challenger_trained_until"] == good.report["trained_until"]
    back = compare(bad, good, log, correction_usd=4.0)
    assert back.likely_usd.value == pytest.approx(-found.likely_usd.value)
    assert back.likely_under.value == pytest.approx(-found.likely_under.value)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "Challenger minus champion" in str(found)
    with pytest.raises(InvalidTraining, match=r"0 of 500 tasks came after 2026-.* at least 50 are needed"):
        compare(champion, good, early)
    seen = compare(champion, good, log, since=datetime(2026, 1, 1, tzinfo=UTC))
    assert seen.seen_in_training == 500
    assert gate(seen).checks["unseen"].passed is False


def test_a_model_against_itself_differs_by_nothing(champion, log):
    found = compare(champion, champion, log)
    assert found.shares["same"] == 1
    assert found.likely_usd == found.identified_usd == Estimate(0, 0, 0)
    assert found.worst_usd == (0, 0)
    assert found.unproved_share == 0
    none_new = replace(found, about={**found.about, "tasks_of_new_types": 0})
    assert re.search("new types only +there are none +there are none", str(none_new))


@pytest.mark.slow
def test_where_the_log_chose_by_chance_tasks_are_weighed(champion, log):
    model = train(log.iloc[:500], config=QUICK)
    found = compare(champion, model, log.assign(propensity=1 / 3))
    assert found.shares["weighed"] > found.shares["unproved"]
    assert found.weighed["tasks"] > 0
    assert 0 < found.weighed["effective"] < found.weighed["tasks"]
    assert "by propensities alone" in str(found)


def test_a_proof_counts_the_types_that_moved():
    """Of 50 types two moved, both to advantage: an interval over all types is sure of it, the proof is not."""
    types = np.repeat(np.arange(50), 10)
    values = np.where(types < 2, -1.0, 0.0)
    weights = np.ones(len(types))
    assert mean(values, weights, types).high < 0.01
    assert 0.09 < mean_difference(values, weights, types).high < 1.0 < proved_at_most(values, weights, types)
    everywhere = np.random.default_rng(0).normal(-1.0, 0.1, len(types))
    assert mean(everywhere, weights, types).high < proved_at_most(everywhere, weights, types) < -0.9
    assert np.isnan(proved_at_most(values[:10], weights[:10], types[:10]))
    assert proved_at_most(np.zeros(500), weights, types) == 0.0


def test_what_else_may_be_true_widens_a_proof():
    """Columns: as is likeliest, and as it also may be: worse by 0.3, or better by 0.1."""
    types, weights, likely = np.repeat(np.arange(50), 10), np.ones(500), np.zeros(500)
    for values in likely, np.random.default_rng(0).normal(-1.0, 0.1, 500):
        alone = proved_at_most(values, weights, types)
        found = proved_at_most(np.column_stack([values, values + 0.3, values - 0.1]), weights, types)
        assert found == pytest.approx(values.mean() + np.hypot(alone - values.mean(), 0.3))


def test_a_proof_errs_in_one_case_of_a_thousand():
    """The truth is no difference; most tasks don't move, and types differ in size."""
    chance = np.random.default_rng(1)
    sizes = np.maximum(1, chance.poisson(6 * np.exp(chance.normal(size=60))))
    types = np.repeat(np.arange(60), sizes)
    wrong = 0
    for _ in range(4_000):
        moved = chance.random(60) < 0.3
        values = np.where(moved[types], chance.normal(0, 1, 60)[types] + chance.normal(0, 2, len(types)), 0.0)
        wrong += proved_at_most(values, np.ones(len(types)), types) < 0.0
    assert wrong <= 12
