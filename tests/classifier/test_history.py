"""History as counts: clean and not clean, per tier."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tierwise.classifier.belief.history import parse_counts
from tierwise.classifier.errors import InvalidTask
from tierwise.classifier.task import Task

TIERS = ("haiku", "sonnet", "opus")

BAD_PAIRS = [
    3,
    None,
    "12",
    (),
    (1,),
    (1, 2, 3),
    (-1, 0),
    (0, -0.5),
    (True, 0),
    (0, np.False_),
    ("3", 1),
    (None, 1),
    (math.nan, 0),
    (0, math.inf),
    (np.float64("nan"), 1),
    {"clean": 1, "unclean": 2},
]


@pytest.mark.parametrize("pair", BAD_PAIRS, ids=repr)
def test_counts_are_two_numbers_from_zero_up(pair):
    with pytest.raises(InvalidTask, match=r"history\['haiku'\] must be two counts >= 0, .*; got "):
        parse_counts({"haiku": pair}, TIERS)


@pytest.mark.parametrize("history", [3, "haiku", [("haiku", (1, 0))], {"haiku"}, True], ids=repr)
def test_history_is_a_mapping(history):
    with pytest.raises(InvalidTask, match="history must map tiers to .* got ") as caught:
        parse_counts(history, TIERS)
    assert caught.value.about == "history"


@pytest.mark.parametrize(
    ("tier", "message"),
    [
        ("hiaku", "names the tier 'hiaku'; did you mean 'haiku'"),
        ("gpt", r"names the tier 'gpt'\. The model has: haiku, sonnet, opus\."),
        (0, "names the tier 0"),
        (None, "names the tier None"),
    ],
)
def test_an_unknown_tier_is_named_and_the_nearest_suggested(tier, message):
    with pytest.raises(InvalidTask, match=message) as caught:
        parse_counts({tier: (1, 0)}, TIERS)
    assert caught.value.about == tier


def test_counts_are_keyed_by_the_index_of_their_tier():
    assert parse_counts({"opus": (4, 0), "haiku": [12, 1]}, TIERS) == {2: (4.0, 0.0), 0: (12.0, 1.0)}


def test_aged_counts_may_be_fractions():
    assert parse_counts({"sonnet": (0.5, 0.25)}, TIERS) == {1: (0.5, 0.25)}


@pytest.mark.parametrize("history", [{}, {"haiku": (0, 0)}, {"haiku": (0, 0.0), "opus": [0, 0]}], ids=repr)
def test_nothing_observed_is_none(history):
    assert parse_counts(history, TIERS) is None


def test_a_tier_without_outcomes_is_left_out():
    assert parse_counts({"haiku": (0, 0), "sonnet": (0, 1)}, TIERS) == {1: (0.0, 1.0)}


@pytest.mark.parametrize("number", [np.int64(3), np.uint8(3), np.float32(3), np.float64(3)], ids=repr)
def test_numbers_of_numpy_are_accepted_as_they_are_in_a_task(number):
    counts = parse_counts({"haiku": (number, 0)}, TIERS)
    assert counts == {0: (3.0, 0.0)}
    assert type(counts[0][0]) is float


@pytest.mark.parametrize("number", [10**400, 1.7e308], ids=["huge int", "huge float"])
def test_an_absurd_count_is_refused_or_weighed_but_never_crashes(champion, number):
    try:
        found = champion.posterior(Task("Tag the tickets by area"), {"haiku": (0, number)})
    except InvalidTask as error:
        assert "history" in str(error)
    else:
        assert sum(found.needed) == pytest.approx(1)
