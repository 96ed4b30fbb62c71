"""Attempts at one task are one task: which answers which, and what each tier is then known to do."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.classifier.task import Task
from tierwise.training.evaluation._retries import answered_rows, known_outcomes
from tierwise.training.outcomes.frame import Outcomes


def outcomes(*rows) -> Outcomes:
    """Of (text, type, tier, clean, tiers that failed before)."""
    texts, types, tiers, clean, failed = zip(*rows, strict=True)
    n = len(rows)
    return Outcomes(
        tuple(Task(text) for text in texts),
        np.array(types),
        ("a", "b"),
        np.array(tiers),
        np.array(clean),
        np.arange(float(n)),
        failed,
        np.ones(n),
    )


CHAIN = outcomes(
    ("x", 0, 0, False, ()),
    ("y", 0, 0, False, ()),
    ("x", 0, 1, False, (0,)),
    ("x", 0, 2, True, (0, 1)),
    ("y", 0, 2, True, (0,)),
)


@pytest.mark.parametrize(
    ("follows", "expected"),
    [
        ([None, None, "d0", "d2", "d1"], [-1, -1, 0, 2, 1]),
        ([None] * 5, [-1, -1, 0, 2, 1]),  # by text and type: the latest failure at one of its attempts
        ([None, None, "d0", "d0", "d1"], [-1, -1, 0, 0, 1]),  # who says so is believed
        ([None, None, "gone", "later", float("nan")], [-1, -1, 0, 2, 1]),  # what is not here says nothing
        ([None, None, "d4", "d3", "d1"], [-1, -1, 0, 2, 1]),  # nobody answers himself, or what comes later
    ],
)
def test_an_attempt_answers_the_failure_that_it_names_or_the_latest_of_its_text(follows, expected):
    assert answered_rows(CHAIN, [f"d{row}" for row in range(5)], follows).tolist() == expected


@pytest.mark.parametrize(
    "before",
    [("x", 0, 0, True, ()), ("x", 1, 0, False, ()), ("z", 0, 0, False, ()), ("x", 0, 1, False, ())],
    ids=["clean", "other type", "other text", "other tier"],
)
def test_what_is_no_failure_of_this_task_is_not_answered(before):
    rows = outcomes(before, ("x", 0, 2, True, (0,)))
    assert answered_rows(rows, ["d0", "d1"], [None, None]).tolist() == [-1, -1]


def test_the_same_text_once_more_is_another_task():
    again = ("x", 0, 0, False, ())
    rows = outcomes(again, again, ("x", 0, 1, True, (0,)))
    assert answered_rows(rows, [None] * 3, [None] * 3).tolist() == [-1, -1, 1]


def test_what_all_attempts_did_is_known_of_the_first_one():
    first, known = known_outcomes(CHAIN, np.array([-1, -1, 0, 2, 1]), 4)
    assert first.tolist() == [0, 1]
    assert known.tolist() == [[0, 0, 1, -1], [0, -1, 1, -1]]


def test_a_log_that_begins_with_a_later_attempt_knows_what_failed_before_it():
    first, known = known_outcomes(outcomes(("x", 0, 2, True, (0, 1))), np.array([-1]), 3)
    assert (first.tolist(), known.tolist()) == ([0], [[0, 0, 1]])


def test_a_second_run_at_the_same_tier_does_not_undo_the_first():
    rows = outcomes(("x", 0, 1, False, ()), ("x", 0, 1, True, (1,)))
    _, known = known_outcomes(rows, np.array([-1, 0]), 3)
    assert known.tolist() == [[-1, 0, -1]]
