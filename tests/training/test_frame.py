"""Frames of finished tasks: what is refused, in which words, and what is read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tierwise.classifier.errors import InvalidTraining
from tierwise.training.outcomes.frame import read_frame

TIERS = ("haiku", "sonnet", "opus")


def frame(**columns) -> pd.DataFrame:
    """Six good rows, with these columns in place of theirs."""
    rows = {
        "specification": ["Tag the tickets", "Plan the quarter", "Sum up the call"] * 2,
        "task_type": ["tagging", "planning", "summary"] * 2,
        "tier": ["haiku", "opus", "sonnet", "haiku", "sonnet", "haiku"],
        "verdict": ["clean", "failed", "corrected", "clean", "clean", "failed"],
        "at": pd.date_range("2026-03-01", periods=6, tz="UTC"),
    }
    return pd.DataFrame({**rows, **columns})


def with_cell(column, value, row=2) -> pd.DataFrame:
    rows = frame()
    rows[column] = rows[column].astype(object)
    rows.at[row, column] = value
    return rows


OFFSETS = [f"2026-03-{28 + i}T12:00:00+0{1 + i // 2}:00" for i in range(3)] * 2
REFUSED = {
    "no frame": ([1, 2], "Outcomes come as a pandas DataFrame or a log; got list"),
    "no column": (frame().drop(columns=["at", "tier"]), "no column 'tier', 'at'; it needs specification"),
    "two of a decision": (
        frame(decision_id=["a", "b", None, "b", None, "b"]),
        "'decision_id': 'b' is in rows 1 and 3; 3 rows .* one row per finished task",
    ),
    "two of a column": (pd.concat([frame(), frame()[["tier"]]], axis=1), "several columns 'tier'"),
    "two of a fact": (pd.concat([frame(items=1), frame(items=2)[["items"]]], axis=1), "columns 'items'"),
    "specification NaN": (
        with_cell("specification", np.nan),
        "'specification' is empty in row 2; 1 of 6 rows",
    ),
    "specification None": (with_cell("specification", None), "'specification' is empty in row 2"),
    "specification no text": (
        with_cell("specification", 3),
        r"row 2: specification must be text \(str\); got int",
    ),
    "binary": (with_cell("specification", "a\0b"), "row 2: specification contains a NUL character"),
    "task_type NaN": (with_cell("task_type", np.nan), "'task_type' is empty in row 2"),
    "task_type text NaN": (frame(task_type=["a", None] * 3), "'task_type' is empty in row 1; 3 of 6 rows"),
    "task_type blank": (with_cell("task_type", " "), "row 2: task_type must be a non-empty text; got ' '"),
    "task_type number": (with_cell("task_type", 7), "row 2: task_type must be a non-empty text; got 7"),
    "verdict": (
        with_cell("verdict", "correctd"),
        "'correctd' in row 2; did you mean 'corrected'.* Allowed: clean",
    ),
    "verdict of other case": (with_cell("verdict", "Clean"), "'Clean' in row 2; did you mean 'clean'"),
    "verdict None": (with_cell("verdict", None), "'verdict' is empty in row 2"),
    "verdict list": (with_cell("verdict", ["clean"]), r"\['clean'\] in row 2"),
    "tier": (
        with_cell("tier", "sonet"),
        "'sonet' in row 2; did you mean 'sonnet'.* Allowed: haiku, sonnet, opus",
    ),
    "tiers": (frame(tier="fable"), "'fable' in row 0. And 5 more such rows. Allowed: haiku"),
    "tier None": (with_cell("tier", None), "'tier' is empty in row 2"),
    "basis": (frame(basis="persn"), "'basis': 'persn' in row 0; did you mean 'person'"),
    "basis None": (frame(basis=["person", None] * 3), "'basis' is empty in row 1"),
    "time None": (with_cell("at", None), "'at' is empty in row 2"),
    "time NaT": (frame(at=[*frame()["at"][:5], pd.NaT]), "'at' is empty in row 5"),
    "time naive": (
        frame(at=pd.date_range("2026-03-01", periods=6)),
        r"time zone; found datetime64.*tz_localize",
    ),
    "time text naive": (frame(at="2026-03-01 12:00"), "must hold times with a time zone"),
    "a time to come": (
        frame(at=[*OFFSETS[:5], "9999-12-31T00:00:00Z"]),
        "in row 5 lies in the future\\. Is its time zone",
    ),
    "one time naive": (frame(at=[*OFFSETS[:5], "2026-03-01"]), "'2026-03-01' in row 5 has no time zone"),
    "time junk": (frame(at="yesterday"), "'yesterday' in row 0 is no time; expected one such as '2026"),
    "time number": (frame(at=1_772_000_000), "'at' holds numbers; expected times with a time zone"),
    "items negative": (frame(items=[1, 2, -3, 4, 5, 6]), "row 2: items must be a whole number >= 0; got -3"),
    "items broken": (frame(items=[1, 2, 0.5, 4, 5, 6]), "row 2: items must be a whole number >= 0; got 0.5"),
    "items text": (frame(items="3"), "row 0: items must be a whole number >= 0; got '3'"),
    "all rows bad": (frame(items=-1), "row 4: items .* And 1 more."),
    "flag text": (frame(live="yes"), "row 0: live must be True, False or None; got 'yes'"),
    "role": (frame(role="boss"), "row 0: role must be one of orchestrator, worker, reviewer; got 'boss'"),
    "cached": (
        frame(input_tokens=5, cached_tokens=9),
        r"row 0: cached_tokens \(9\) are part of input_tokens",
    ),
    "attempts text": (
        frame(attempts="haiku"),
        "row 0: attempts must be a list of tier names, .* got 'haiku'",
    ),
    "attempts numbers": (frame(attempts=[[1]] * 6), "row 0: attempts must be a non-empty text; got 1"),
    "the same label": (with_cell("verdict", "x").set_axis([7] * 6), "'x' in row 7"),
}


@pytest.mark.parametrize(("rows", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_frame_is_refused_with_what_was_found_and_where(rows, message):
    with pytest.raises(InvalidTraining, match=message) as caught:
        read_frame(rows, TIERS)
    assert "\n" not in str(caught.value)


def test_a_good_frame_is_read_oldest_first():
    found = read_frame(frame().iloc[::-1], TIERS)
    assert found.type_names == ("planning", "summary", "tagging")
    assert [found.type_names[i] for i in found.types] == ["tagging", "planning", "summary"] * 2
    assert found.tiers.tolist() == [0, 2, 1, 0, 1, 0]
    assert found.clean.tolist() == [True, False, False, True, True, False]
    assert found.at[0] == pd.Timestamp("2026-03-01", tz="UTC").timestamp()
    assert (np.diff(found.at) == 86_400).all()
    assert found.weights.tolist() == [1.0] * 6
    assert found.tasks[1].specification == "Plan the quarter"


def test_rows_of_one_time_keep_their_order():
    rows = frame(at=pd.Timestamp("2026-03-01", tz="UTC"))
    assert read_frame(rows, TIERS).tiers.tolist() == [0, 2, 1, 0, 1, 0]


def test_refusals_and_cut_offs_are_no_evidence_and_are_left_out():
    found = read_frame(frame(verdict=["refused", "clean", "cut_off", "failed", "clean", "clean"]), TIERS)
    assert len(found) == 4
    assert found.type_names == ("planning", "summary", "tagging")
    assert len(read_frame(frame(verdict="refused"), TIERS)) == 0


def test_no_rows_are_no_outcomes():
    assert len(read_frame(frame().iloc[:0], TIERS)) == 0
    assert len(read_frame(pd.DataFrame(columns=list(frame())), TIERS)) == 0


def test_labels_of_rows_do_not_matter():
    plain, labelled = read_frame(frame(), TIERS), read_frame(frame().set_axis([0] * 6), TIERS)
    assert (plain.tasks, plain.tiers.tolist()) == (labelled.tasks, labelled.tiers.tolist())


def test_facts_are_read_and_what_is_empty_is_not_given():
    rows = frame(
        items=[3, None, 5.0, None, 0, 1],
        live=[True, None, False, np.nan, np.bool_(True), None],
        verifiable=pd.array([True, None] * 3, dtype="boolean"),
        input_tokens=pd.array([10, None] * 3, dtype="Int64"),
        role=pd.array(["worker", None] * 3, dtype="string"),
        colour="green",
    )
    tasks = read_frame(rows, TIERS).tasks
    assert [task.items for task in tasks] == [3, None, 5, None, 0, 1]
    assert [task.live for task in tasks] == [True, None, False, None, True, None]
    assert [task.verifiable for task in tasks] == [True, None] * 3
    assert [task.input_tokens for task in tasks] == [10, None] * 3
    assert [task.role for task in tasks] == ["worker", None] * 3


@pytest.mark.parametrize("kind", [tuple, list, np.array])
def test_attempts_come_as_tuples_lists_or_arrays(kind):
    tried = [(), ("haiku",), ("haiku", "sonnet", "haiku"), ("fable", "opus"), None, ()]
    found = read_frame(frame(attempts=[None if t is None else kind(t) for t in tried]), TIERS)
    assert found.failed == ((), (0,), (0, 1), (2,), (), ())


def test_columns_of_categories_are_read_like_texts():
    columns = {name: frame()[name].astype("category") for name in ("task_type", "tier", "verdict")}
    columns["verdict"] = columns["verdict"].cat.add_categories(["refused"])
    plain, found = read_frame(frame(), TIERS), read_frame(frame(**columns), TIERS)
    assert found.tasks == plain.tasks
    assert found.tiers.tolist() == plain.tiers.tolist()
    assert found.clean.tolist() == plain.clean.tolist()


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-01T12:00:00+01:00",
        "2026-03-01 11:00:00Z",
        "1 March 2026 11:00 UTC",
        pd.Timestamp("2026-03-01 12:00", tz="Europe/Berlin"),
        pd.Timestamp("2026-03-01 12:00", tz="Europe/Berlin").to_pydatetime(),
    ],
    ids=str,
)
def test_times_with_a_zone_come_in_many_forms(at):
    assert read_frame(frame(at=[at] * 6), TIERS).at.tolist() == [1_772_362_800.0] * 6


def test_times_before_and_after_a_change_of_the_clocks_stand_in_one_column():
    at = ["2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00"] * 3
    assert np.unique(np.diff(read_frame(frame(at=at), TIERS).at)).tolist() == [0.0, 23 * 3600.0]


def test_a_basis_that_is_further_from_the_person_weighs_less():
    found = read_frame(frame(basis=["person", "check", "downstream", "imported", "person", "check"]), TIERS)
    assert found.weights.tolist() == [1.0, 1.0, 0.7, 0.7, 1.0, 1.0]


def test_rows_are_taken_with_everything_that_belongs_to_them():
    whole = read_frame(frame(attempts=[("haiku",)] * 6), TIERS)
    part = whole.take(np.array([4, 1]))
    assert part.tasks == (whole.tasks[4], whole.tasks[1])
    assert part.type_names == whole.type_names
    assert part.types.tolist() == whole.types[[4, 1]].tolist()
    assert (len(part), part.failed, part.tiers.tolist()) == (2, ((0,), (0,)), [1, 2])
