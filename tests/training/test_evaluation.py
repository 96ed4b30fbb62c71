"""evaluate(): what a model would have done with a log, seen from each moment and never from later."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from simulated_log import QUICK, simulated

import tierwise.training.evaluation._setting as setting
from tierwise import OutcomeLog, Policy, Task, evaluate, train
from tierwise.classifier.errors import InvalidTraining
from tierwise.router._view import view_of
from tierwise.router.ladder import Ladder
from tierwise.training.evaluation._replay import NOT_ROUTED, _Walk, replay
from tierwise.training.evaluation._rows import read_rows
from tierwise.training.evaluation._table import table_rates

TIERS = ("haiku", "sonnet", "opus")
LADDER = Ladder.load()


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulated(300, n_types=12)


@pytest.fixture(scope="module")
def report(champion, rows):
    return evaluate(champion, rows, correction_usd=4.0)


def answers(model, frame, **options):
    return replay(model, read_rows(frame, TIERS, **options), Policy(), LADDER)


def test_later_verdicts_change_nothing_that_was_answered_before(champion, rows):
    late = rows.index >= 200
    other = rows.assign(
        verdict=np.where(late, rows["verdict"].sample(frac=1, random_state=1), rows["verdict"])
    )
    assert (other["verdict"] != rows["verdict"]).sum() > 20
    one, two = answers(champion, rows), answers(champion, other)
    np.testing.assert_array_equal(one.passes[:201], two.passes[:201])
    np.testing.assert_array_equal(one.chosen[:201], two.chosen[:201])
    assert (one.passes[201:] != two.passes[201:]).any()
    tables = [table_rates(read_rows(frame, TIERS), 3, np.arange(200)) for frame in (rows, other)]
    np.testing.assert_array_equal(tables[0][:201], tables[1][:201])


def test_a_verdict_counts_from_when_it_was_recorded_and_not_from_when_it_is_of(champion):
    at = pd.date_range("2026-01-01", periods=20, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {
            "specification": "Tag these tickets by product area",
            "task_type": "tags",
            "tier": "haiku",
            "verdict": "corrected",
            "at": at,
            "decided_at": at - pd.Timedelta(minutes=5),
            "recorded_at": at + pd.Timedelta(days=30),
        }
    )
    unknown = answers(champion, frame)
    np.testing.assert_array_equal(unknown.passes, unknown.text_passes)
    known = answers(champion, frame.drop(columns="recorded_at"))
    assert known.passes[0, 0] == unknown.passes[0, 0]
    assert (np.diff(known.passes[:, 0]) < 0).all()
    imported = answers(champion, frame.assign(basis="imported"))  # recorded late, but said in time
    np.testing.assert_array_equal(imported.passes[1:, 0] < known.passes[0, 0], True)


def test_each_row_is_answered_as_the_model_would_have_with_the_state_of_then(champion, rows):
    found = answers(champion, rows)
    kind = rows["task_type"].value_counts().index[0]
    of_type = np.flatnonzero(rows["task_type"] == kind)
    tasks = [Task(rows["specification"][i], task_type=kind) for i in of_type]
    from tierwise.classifier.belief.state import Seen

    state = None
    for i, task in zip(of_type, tasks, strict=True):
        posterior = champion.posterior(task, state)
        assert found.passes[i] == pytest.approx(posterior.pass_, abs=0.02)
        seen = Seen(
            rows["at"][i].timestamp(),
            TIERS.index(rows["tier"][i]),
            rows["verdict"][i] == "clean",
            champion.places([task])[0],
        )
        state = champion.observe(state, [seen])


def test_a_verdict_is_heard_by_bayes_rule_after_the_chance_of_a_change(champion, rows):
    few = read_rows(
        rows.iloc[:12].assign(basis=["person", "downstream"] * 6, attempts=[("haiku",)] * 12), TIERS
    )
    places, view = np.array(champion.places(few.outcomes.tasks)), view_of(champion, LADDER, Policy())
    walk = _Walk(champion, view, few, places, {0: 0, 1: 1, 2: 2})
    prior, hazard = champion.grid.prior.weights, champion.widths.hazard
    weights = expected = prior
    for row in range(12):
        tier, clean = int(few.outcomes.tiers[row]), bool(few.outcomes.clean[row])
        said = champion.grid.log_outcome(tuple(places[row]), tier, clean, few.outcomes.failed[row])
        expected = ((1 - hazard) * expected + hazard * prior) * np.exp([1.0, 0.7][row % 2] * said)
        expected /= expected.sum()
        weights, n_heard = walk._after(weights, row)
        np.testing.assert_allclose(weights, expected, rtol=1e-9)
        assert n_heard == 1
    deaf = _Walk(champion, view, few, places, {})  # to rungs that the model does not know
    assert deaf._after(weights, 0) == (weights, 0)


def test_a_task_that_no_tier_can_take_is_not_routed(champion, rows):
    few = rows.iloc[:4].assign(input_tokens=[900, 10**9, 900, 10**9], output_tokens=90)
    assert (answers(champion, few).chosen == NOT_ROUTED).tolist() == [False, True, False, True]


def test_the_report_says_what_was_judged_and_how_much_of_it_is_known(report, rows):
    assert report.about["tasks"] == len(rows)
    assert report.about["task_types"] == rows["task_type"].nunique()
    assert report.about["correction_usd"] == [4.0, 4.0]
    assert [each.name for each in report.policies[:2]] == ["routed", "as logged"]
    for each in report.policies:
        assert sum(each.shares.values()) == pytest.approx(1, abs=2e-4)
        assert sum(each.mix.values()) == pytest.approx(1, abs=2e-4)
        assert each.worst_usd[0] <= each.cost_usd.low + 1e-9
        assert each.worst_usd[1] >= each.cost_usd.high - 1e-9
        assert each.under_interval[0] <= each.under_tiered.value <= each.under_interval[1]
    assert report.policies[1].shares["observed"] == 1
    logged = rows["verdict"].ne("clean").mean() * 4
    assert report.policies[1].cost_usd.value == pytest.approx(logged, abs=0.2)  # and tokens
    assert report.with_history.log_loss.value < report.by_text.log_loss.value
    json.dumps(report.to_dict(), allow_nan=False)
    text = str(report)
    for word in ("Saved against sonnet", "Best constant tier", "Oracle", "table of types", "unproved"):
        assert word in text


def test_errors_are_rows_with_their_cost(report, rows):
    errors = report.errors
    assert set(errors["error"]) == {"too low", "too high", "unproved"}
    assert errors["cost_usd"].is_monotonic_decreasing
    low = errors[(errors["error"] == "too low") & (errors["known_by"] == "observed")]
    assert (low["verdict"] == "not clean").all()
    assert (low["distance"] == 0).all()
    assert low["cost_usd"].min() >= 4
    high = errors[errors["error"] == "too high"]
    assert (high["distance"] > 0).all()
    assert set(errors["specification"]) <= set(rows["specification"])


def test_retries_prove_under_tiering_and_are_no_tasks_of_their_own(champion, rows):
    failed = rows[(rows["tier"] == "haiku") & (rows["verdict"] == "corrected")]
    again = failed.assign(
        tier="opus",
        verdict="clean",
        at=failed["at"] + pd.Timedelta(minutes=1),
        attempts=[("haiku",)] * len(failed),
    )
    found = evaluate(champion, pd.concat([rows.assign(attempts=[()] * len(rows)), again]), baseline="haiku")
    assert found.about["tasks"] == len(rows)
    assert found.upsets["retries"] == len(failed)
    haiku = next(each for each in found.policies if each.name == "haiku for everything")
    assert haiku.under_interval[0] > 0.02
    assert haiku.under_tiered.value > 0.9 * len(failed) / len(rows)


def test_rows_of_training_are_not_judged_and_if_they_must_be_the_report_says_so(rows):
    model = train(rows.iloc[:200], config=QUICK)
    assert model.report["trained_until"] == rows["at"][199].isoformat()
    found = evaluate(model, rows)
    assert found.about["tasks"] == 100
    assert any("the last one in training" in note for note in found.notes)
    for options in ({"since": datetime(2026, 1, 1, tzinfo=UTC)}, {}):
        seen = evaluate(model, rows if options else rows.iloc[:200], **options)
        assert any("200 of these rows were in the model's own training" in note for note in seen.notes)


def test_of_a_long_log_the_latest_of_each_type_are_judged_and_older_ones_are_history(
    champion, rows, monkeypatch
):
    few = read_rows(rows, TIERS, most=100)
    assert len(few) <= 100
    assert few.weights.sum() == pytest.approx(len(rows))
    assert few.n_log == len(rows)
    assert few.earlier.sum() + len(few) == len(rows)
    whole, part = answers(champion, rows), answers(champion, rows, most=100)
    at = np.flatnonzero(np.isin(read_rows(rows, TIERS).decided, few.decided))
    assert np.corrcoef(part.passes[:, 0], whole.passes[at, 0])[0, 1] > 0.95
    monkeypatch.setattr(setting, "MOST_ROWS", 100)
    found = evaluate(champion, rows)
    assert found.about["tasks"] == len(few)
    assert any("Of 300 rows the latest" in note for note in found.notes)


def test_a_log_and_its_frame_give_the_same(champion, rows, tmp_path):
    with OutcomeLog(tmp_path / "log.db") as log:
        log.import_frame(rows.iloc[:120].assign(propensity=1.0))
        of_log = evaluate(champion, log)
        of_frame = evaluate(champion, log.to_pandas())
    assert of_log.to_dict() == of_frame.to_dict()
    assert of_log.errors["decision_id"].notna().all()


def test_work_done_elsewhere_is_history_from_when_its_verdicts_were_given(champion, rows, tmp_path):
    """Brought into the log with what persons said of it; what says when it became known is taken at its word."""
    some = rows.iloc[:120].assign(basis="person")
    found = {}
    for name, given in {"said": some, "late": some.assign(recorded_at=some["at"].max())}.items():
        with OutcomeLog(tmp_path / f"{name}.db") as log:
            log.import_frame(given)
            found[name] = evaluate(champion, log)
            assert evaluate(champion, log.to_pandas()).with_history == found[name].with_history
    assert found["said"].with_history == evaluate(champion, some).with_history
    assert found["said"].with_history.log_loss != found["said"].by_text.log_loss
    assert found["late"].with_history.log_loss == found["late"].by_text.log_loss
    assert not any("counts as history" in note for note in found["said"].notes)
    assert any("Nothing counts as history" in note for note in found["late"].notes)


def test_rows_of_another_ladder_are_left_out_of_a_log(champion, rows, tmp_path):
    """One mistyped import must not be the end of every evaluation."""
    with OutcomeLog(tmp_path / "log.db") as log:
        log.import_frame(rows.iloc[:60])
        log.import_frame(rows.iloc[60:62].assign(tier="fable"))
        report = evaluate(champion, log)
    assert report.about["tasks"] == 60
    assert "2 rows left out: of tiers other than haiku, sonnet, opus." in report.notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.iloc[:0], "No row can be evaluated .the log is empty"),
        (lambda rows: rows.assign(verdict="refused"), "No row can be evaluated .300 refused or cut off"),
        (lambda rows: rows.assign(task_type=None), "300 without a task type"),
        (lambda rows: rows.drop(columns="verdict"), "has no column 'verdict'"),
        (lambda rows: rows.assign(tier="fable"), "Column 'tier': 'fable'.* Allowed: haiku, sonnet, opus"),
        (lambda rows: rows.assign(propensity=0.0), "Column 'propensity': .*0.0.* in row 0"),
        (lambda rows: rows.assign(at=rows["at"].dt.tz_localize(None)), "must hold times with a time zone"),
        (lambda rows: "rows.csv", "DataFrame or a log; got str"),
    ],
)
def test_what_can_not_be_evaluated_says_why(champion, rows, change, message):
    with pytest.raises(InvalidTraining, match=message):
        evaluate(champion, change(rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "sonett"}, "'sonett' is no tier of the ladder; did you mean 'sonnet'"),
        ({"correction_usd": -1}, "must be a number of USD >= 0; got -1"),
        ({"correction_usd": {"tags": "4"}}, "got '4'"),
        ({"since": datetime(2026, 1, 1)}, "with a time zone"),
        ({"since": datetime(2030, 1, 1, tzinfo=UTC)}, "No task that can be routed is left"),
    ],
)
def test_settings_that_make_no_sense_are_named(champion, rows, options, message):
    with pytest.raises(InvalidTraining, match=message):
        evaluate(champion, rows, **options)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda rows: rows.assign(tier="sonnet"), "One tier only"),
        (lambda rows: rows.assign(verdict="clean"), "0 retries don't tell"),
        (lambda rows: rows.assign(task_type="one"), "One task type only"),
        (lambda rows: rows.iloc[:1], "One task type only"),
        (lambda rows: rows.assign(propensity=np.nan), "0 retries don't tell"),
        (lambda rows: rows.assign(task_type=rows["task_type"].where(rows.index > 9)), "10 rows left out"),
    ],
    ids=("one tier", "all clean", "one type", "one row", "no propensity", "no type"),
)
def test_little_or_lopsided_logs_have_a_clear_answer(champion, rows, change, note):
    found = evaluate(champion, change(rows.iloc[:60]))
    assert any(note in each for each in found.notes)
    json.dumps(found.to_dict(), allow_nan=False)
    assert str(found)


def test_a_model_of_another_ladder_is_refused(rows):
    from small_model import ladder_of_two

    from tierwise.classifier.errors import LadderMismatch

    with pytest.raises(LadderMismatch):
        evaluate(ladder_of_two(), rows)
