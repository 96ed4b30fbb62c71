"""A log as evaluation reads it: in the order of decisions, with when each verdict became known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tierwise.classifier.errors import InvalidTraining
from tierwise.training.evaluation._rows import read_rows

TIERS = ("haiku", "sonnet", "opus")
START = pd.Timestamp("2026-01-01", tz="UTC")


def hour(number: float | None) -> pd.Timestamp:
    return pd.NaT if number is None else START + pd.Timedelta(hours=number)


def frame(n: int, **columns) -> pd.DataFrame:
    """n clean rows of Haiku, an hour apart, unless columns say otherwise."""
    given = {"specification": [f"text {row}" for row in range(n)], "task_type": "a", "tier": "haiku"}
    return pd.DataFrame({**given, "verdict": "clean", "at": [hour(row) for row in range(n)], **columns})


def hours(seconds) -> list[float]:
    return ((seconds - START.timestamp()) / 3_600).tolist()


def test_a_verdict_is_known_when_it_was_recorded_and_never_before_it_was_said():
    rows = read_rows(
        frame(
            5,
            decided_at=[hour(at) for at in (None, 0.5, 9, 2, 3)],
            recorded_at=[hour(at) for at in (None, 8, 1, 20, 30)],
            basis=["person", "person", "person", "imported", "check"],
        ),
        TIERS,
    )
    assert [task.specification for task in rows.outcomes.tasks] == [f"text {row}" for row in range(5)]
    assert hours(rows.decided) == [0, 0.5, 2, 2, 3]  # nothing is decided after its verdict
    assert hours(rows.recorded) == [0, 8, 2, 3, 30]  # an import tells when it was said, not when it came


def test_rows_stand_in_the_order_of_their_decisions_whatever_the_order_of_the_file():
    shuffled = frame(
        4,
        decided_at=[hour(at) for at in (3, 2, 0, 1)],
        at=[hour(at) for at in (4, 9, 5, 6)],
        task_type=["a", "b", "c", "a"],
        tier=["opus", "haiku", "sonnet", "haiku"],
        verdict=["clean", "failed", "clean", "corrected"],
        propensity=[0.1, 0.2, None, 0.4],
        decision_id=["d0", "d1", "d2", "d3"],
    )
    rows = read_rows(shuffled, TIERS)
    assert rows.ids == ("d2", "d3", "d1", "d0")
    assert [task.specification for task in rows.outcomes.tasks] == ["text 2", "text 3", "text 1", "text 0"]
    assert [rows.outcomes.type_names[kind] for kind in rows.outcomes.types] == ["c", "a", "b", "a"]
    assert rows.outcomes.tiers.tolist() == [1, 0, 0, 2]
    assert rows.outcomes.clean.tolist() == [True, False, False, True]
    assert hours(rows.outcomes.at) == [5, 6, 9, 4]
    assert rows.propensity.tolist() == pytest.approx([np.nan, 0.4, 0.2, 0.1], nan_ok=True)


def test_of_many_rows_the_latest_of_each_type_stand_for_all_of_it():
    kinds = ["a", "b", "a", "a", "c", "a", "b", "a", "a"]  # six of a
    tiers = ["haiku", "haiku", "opus", *["sonnet"] * 6]
    verdicts = ["clean", "clean", "failed", *["clean"] * 6]
    rows = read_rows(frame(9, task_type=kinds, tier=tiers, verdict=verdicts), TIERS, most=7)
    assert [task.specification for task in rows.outcomes.tasks] == [
        f"text {n}" for n in (1, 3, 4, 5, 6, 7, 8)
    ]
    assert rows.weights.tolist() == [1, 1.5, 1, 1.5, 1, 1.5, 1.5]
    assert rows.earlier.tolist() == [
        [[1, 0], [0, 0], [0, 1]],
        np.zeros((3, 2)).tolist(),
        np.zeros((3, 2)).tolist(),
    ]
    assert rows.n_log == 9
    assert read_rows(frame(9), TIERS, most=9).weights.tolist() == [1] * 9


def test_of_more_types_than_rows_some_stand_for_the_others():
    kinds = [f"type {row % 10}" for row in range(40)]
    rows = read_rows(frame(40, task_type=kinds), TIERS, most=4)
    assert len(rows) == len(set(rows.outcomes.types)) == len(rows.outcomes.type_names) == 4
    assert rows.weights.tolist() == [10.0] * 4
    assert all(task.specification in {f"text {row}" for row in range(30, 40)} for task in rows.outcomes.tasks)
    assert rows.earlier.sum(axis=(1, 2)).tolist() == [3.0] * 4  # of the types that are here, and of no other


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.01, "often", float("inf")], ids=repr)
def test_a_propensity_that_is_none_is_named_with_its_row(wrong):
    some = frame(3, propensity=pd.Series([1.0, None, wrong], dtype=object))
    with pytest.raises(InvalidTraining, match=f"Column 'propensity': {wrong!r} in row 2; expected") as caught:
        read_rows(some, TIERS)
    assert caught.value.about == "propensity"
