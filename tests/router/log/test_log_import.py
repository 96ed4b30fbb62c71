"""Imports: all rows or none, or with `partial` all but the bad ones; twice is once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small_decisions import HOUR, NOON, SetClock, decided
from sqlalchemy import select

from tierwise.classifier.errors import BadRows, InvalidOutcome
from tierwise.router.log._schema import policies
from tierwise.router.log._text import STORE_TEXT

ROW = {"task_type": "meta", "tier": "haiku", "verdict": "clean", "at": NOON - HOUR}


def frame(*changes: dict, **common) -> pd.DataFrame:
    rows = [
        {**ROW, "specification": f"Tag the ticket {n}", **common, **each} for n, each in enumerate(changes)
    ]
    return pd.DataFrame(rows).astype(object)


@pytest.fixture
def log(open_log):
    return open_log(clock=SetClock())


def test_the_least_that_a_frame_needs_is_a_tier_a_verdict_and_a_time(log):
    report = log.import_frame(pd.DataFrame([ROW, {**ROW, "verdict": "failed"}]))
    assert (report.n_rows, report.n_decisions, report.n_outcomes, report.bad) == (2, 2, 2, ())
    assert log.history("meta") == {"haiku": (1, 1)}
    assert set(log.to_pandas().basis) == {"imported"}


def test_importing_twice_adds_nothing(log):
    rows = frame({}, {"items": 3}, {"specification": None}, {"specification": None})
    assert log.import_frame(rows).n_decisions == 4  # rows that look alike are tasks of their own
    again = log.import_frame(rows)
    assert (again.n_decisions, again.n_outcomes, again.n_known) == (0, 0, 4)
    assert log.history("meta") == {"haiku": (4, 0)}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"verdict": "claen"}, "verdict must be one of .* did you mean 'clean'"),
        ({"basis": "guess"}, "basis must be one of"),
        ({"tier": None}, "tier is missing: what did the work"),
        ({"tier": 3}, "tier must be a non-empty text; got 3"),
        ({"at": None}, "at is missing: when was the verdict given"),
        ({"at": "2026-02-28T10:00:00"}, "at must say its time zone"),
        ({"at": NOON + HOUR}, "at must not lie in the future"),
        ({"recorded_at": NOON + HOUR}, "recorded_at must not lie in the future"),
        ({"decided_at": "then"}, "decided_at must be a date and time"),
        ({"verdict": None, "at": None}, "a row without a verdict needs decided_at"),
        ({"items": -1}, "items must be a whole number"),
        ({"live": "maybe"}, "live must be True, False or None"),
        ({"attempts": "haiku"}, "attempts must be a list of tier names"),
        ({"attempts": 0}, "attempts must be a list of tier names, .* got 0"),
        ({"attempts": {"haiku": 1}}, "attempts must be a list of tier names"),
        ({"specification": 3}, "specification must be text"),
        ({"specification": "a\x00b"}, "NUL character"),
        ({"task_type": "a\x00b"}, "without NUL and lone surrogates"),
        ({"propensity": 0}, "propensity must be a number > 0 and <= 1; got 0"),
        ({"propensity": "all"}, "propensity must be a number"),
        ({"propensity": [1]}, r"propensity must be a number > 0 and <= 1; got \[1\]"),
        ({"confidence": 1.5}, "confidence must be a number >= 0 and <= 1; got 1.5"),
        ({"mode": "asap"}, "mode must be one of sync, batch, none"),
        ({"fallback": "no"}, "fallback must be true or false; got 'no'"),
        ({"fallback": [1]}, r"fallback must be true or false; got \[1\]"),
        ({"decision_id": "a" * 201}, "at most 200 characters"),
        ({"note": 3}, "note must be text"),
        ({"features": "[1"}, "features must be a JSON object"),
        ({"details": "[1]"}, "details must be a JSON object; got list"),
        ({"policy": {"policy": {}}, "policy_fingerprint": "x"}, "policy is not the one of the fingerprint"),
        ({"decision_id": "nope", "tier": None}, "'nope' is not in the log, and the row has no tier"),
        ({"decision_id": "taken"}, "'taken' is another decision in the log"),
        ({"decision_id": "first", "tier": "opus"}, "'first' is another decision in row 0"),
        ({"decision_id": "first", "items": 9}, "'first' is another decision in row 0"),
    ],
    ids=range(34),
)
def test_a_bad_row_is_named_and_nothing_of_its_frame_is_imported(log, row, message):
    log.record_decision(decided("taken", pin="opus"))
    rows = frame({"decision_id": "first"}, {}, row, {})
    with pytest.raises(
        BadRows, match=f"Nothing was imported: 1 of 4 rows can't be taken. row 2: .*{message}"
    ) as caught:
        log.import_frame(rows)
    assert [bad.number for bad in caught.value.rows] == [2]
    assert log.stats().n_decisions == 1
    report = log.import_frame(rows, partial=True)
    assert [bad.number for bad in report.bad] == [2]
    assert (report.n_decisions, report.n_outcomes) == (3, 3)


def test_every_bad_row_is_in_the_error_and_the_message_names_the_first(log):
    with pytest.raises(
        BadRows, match="7 of 10 rows .* row 3: .* row 7: .*; and 2 more. Correct them"
    ) as caught:
        log.import_frame(frame(*[{}] * 3, *[{"verdict": "?"}] * 7))
    assert [bad.number for bad in caught.value.rows] == list(range(3, 10))
    assert log.stats().n_decisions == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            frame({}).rename(columns={"verdict": "vredict"}),
            "Unknown column 'vredict'; did you mean 'verdict'",
        ),
        (frame({}).drop(columns=["tier"]), "A row needs a 'tier'"),
        (pd.DataFrame(), "A row needs a 'tier'.*found the columns none"),
        ([ROW], "import_frame takes a pandas DataFrame; got list"),
    ],
)
def test_a_frame_that_is_wrong_as_a_whole_is_refused(log, rows, message):
    with pytest.raises(InvalidOutcome, match=message):
        log.import_frame(rows)


def test_verdicts_of_logged_decisions_come_in_by_their_ids(log):
    log.record_decision(decided("d1"))
    rows = pd.DataFrame([{"decision_id": "d1", "verdict": "corrected", "at": NOON, "basis": "person"}])
    report = log.import_frame(rows)
    assert (report.n_decisions, report.n_outcomes) == (0, 1)
    assert log.history("meta") == {"sonnet": (0, 1)}
    assert log.replay("d1").same


def test_the_strongest_of_imported_and_recorded_verdicts_counts(log):
    log.record_outcome(decided("d1"), "clean", basis="check")
    log.record_outcome(decided("d2"), "clean", basis="person")
    rows = [
        {"decision_id": "d1", "verdict": "failed", "at": NOON - HOUR, "basis": "person"},
        {"decision_id": "d2", "verdict": "failed", "at": NOON, "basis": "imported"},
        {"decision_id": "d3", "tier": "opus", "task_type": "meta", "verdict": "failed", "at": NOON},
        {"decision_id": "d3", "verdict": "clean", "at": NOON, "basis": "check"},
        {"decision_id": "d3", "verdict": "clean", "at": NOON, "basis": "check"},
    ]
    report = log.import_frame(pd.DataFrame(rows))
    assert (report.n_decisions, report.n_outcomes, report.n_known) == (1, 4, 1)
    assert log.history("meta") == {"sonnet": (1, 1), "opus": (1, 0)}
    assert log.history("meta") == log.history("meta", as_of=NOON)
    assert log.stats().n_outcomes == 6


def test_an_import_is_known_from_now_on_unless_it_says_since_when(log):
    log.import_frame(frame({}, {"recorded_at": NOON - HOUR}))
    assert log.history("meta", as_of=NOON - HOUR) == {"haiku": (1, 0)}
    assert log.history("meta") == {"haiku": (2, 0)}


def test_steps_without_a_model_and_decisions_without_a_verdict_come_in(log):
    rows = frame({"mode": "none"}, {"verdict": None, "at": None, "decided_at": NOON})
    report = log.import_frame(rows)
    assert (report.n_decisions, report.n_outcomes) == (2, 1)
    assert log.history("meta") == {}


@pytest.mark.parametrize("column", ["verdict", "basis", "at", "mode"])
def test_a_text_in_the_wrong_column_is_not_quoted_whole(log, column):
    with pytest.raises(BadRows) as caught:
        log.import_frame(frame({column: "a long text " * 400}))
    assert len(caught.value.rows[0].message) < 250


@pytest.mark.parametrize("given", [True, np.True_, 1, 1.0])
def test_a_flag_may_be_written_as_pandas_writes_it(log, given):
    log.import_frame(frame({"fallback": given}, {"fallback": None}))
    assert log.to_pandas(columns=["fallback"]).fallback.tolist() == [True, pd.NA]


def test_a_policy_that_nobody_has_excuses_no_tier(log):
    rows = frame({"tier": "abacus", "policy_fingerprint": "x"})
    with pytest.raises(BadRows, match="tier 'abacus' is none of the ladder's"):
        log.import_frame(rows, tiers=("haiku",))
    log.record_decision(decided("d1"))  # with a policy, which does
    with log._database.read() as connection:
        fingerprint = connection.execute(select(policies.c.fingerprint)).scalar_one()
    assert log.import_frame(rows.assign(policy_fingerprint=fingerprint), tiers=("haiku",)).n_decisions == 1


def test_a_tier_that_failed_before_is_one_of_the_ladder_too(log):
    rows = frame({"tier": "sonnet", "attempts": ("hiaku",)})
    with pytest.raises(BadRows, match="attempts 'hiaku' is none of the ladder's; did you mean 'haiku'?"):
        log.import_frame(rows, tiers=("haiku", "sonnet"))
    assert log.import_frame(rows).n_decisions == 1


@pytest.mark.parametrize("name", ["pin", "floor", "ceiling", "session_tier"])
def test_a_tier_that_bounds_a_task_is_one_of_the_ladder_too(log, name):
    rows = frame({"tier": "sonnet", name: "hiaku"})
    with pytest.raises(BadRows, match=f"{name} 'hiaku' is none of the ladder's; did you mean 'haiku'?"):
        log.import_frame(rows, tiers=("haiku", "sonnet"))
    assert log.import_frame(rows).n_decisions == 1


def test_a_frame_of_the_log_that_went_through_pandas_csv_comes_back(log, open_log, sqlite_url, tmp_path):
    log.import_frame(frame({}, {"tier": "sonnet", "attempts": ("haiku",)}))
    log.to_pandas().to_csv(tmp_path / "frame.csv", index=False)
    other = open_log(f"{sqlite_url}.other", clock=SetClock())
    other.import_file(tmp_path / "frame.csv", tiers=("haiku", "sonnet"))
    assert sorted(other.to_pandas()["attempts"]) == [(), ("haiku",)]


@pytest.mark.parametrize("mode", STORE_TEXT)
def test_imported_texts_are_kept_as_the_log_keeps_texts(open_log, mode):
    log = open_log(store_text=mode, clock=SetClock())
    log.import_frame(frame({}, note="so so"))
    found = log.to_pandas(columns=["specification", "note", "features", "text_stored"]).iloc[0]
    assert (found.specification == "Tag the ticket 0", found.note == "so so") == (
        mode == "full",
        mode == "full",
    )
    assert (found.features is not None, found.text_stored) == (mode == "features", mode)


def test_type_states_go_with_an_import_that_changes_what_counts(log):
    for task_type in ("meta", "other"):
        with log.type_states(task_type) as states:
            states.put("m1", 0, b"state", 1)
    log.import_frame(frame({}))
    assert log.states_of("meta", "m1") == {}
    assert set(log.states_of("other", "m1")) == {0}


def test_a_message_that_asks_has_no_full_stop_after_it(log):
    with pytest.raises(BadRows, match=r"Is its time zone the right one\? Correct them, or import the rest"):
        log.import_frame(frame({"at": NOON + HOUR}))
