"""Pin, floors and ceiling by hand: which rungs are left, and what is said of bounds that meet or cross."""

from __future__ import annotations

import pytest

from tierwise.classifier.errors import ContradictoryTask
from tierwise.classifier.task import Task
from tierwise.router.rules._bounds import bounds_of


@pytest.mark.parametrize(
    ("facts", "low", "high", "codes"),
    [
        ({}, 0, 2, ()),
        ({"live": True, "role": "orchestrator"}, 2, 2, ()),  # the higher of two floors
        ({"live": True, "floor": "opus"}, 2, 2, ()),
        ({"role": "orchestrator", "floor": "sonnet"}, 2, 2, ()),
        ({"live": True, "ceiling": "sonnet"}, 1, 1, ()),  # they meet: nothing to say
        ({"live": True, "ceiling": "haiku"}, 0, 0, ("ceiling_below_floor",)),
        ({"attempts": ("sonnet", "haiku")}, 2, 2, ()),
        ({"attempts": ("haiku",), "ceiling": "sonnet"}, 1, 1, ()),
        ({"attempts": ("sonnet",), "ceiling": "sonnet"}, 1, 1, ("exhausted",)),
        ({"live": True, "pin": "sonnet"}, 1, 2, ("pin",)),  # the pin is on the floor
        ({"live": True, "pin": "haiku"}, 1, 2, ("pin", "pin_below_floor")),
    ],
)
def test_what_the_facts_leave(ladder, facts, low, high, codes):
    found = bounds_of(Task("x", **facts), ladder)
    assert (found.low, found.high, found.codes) == (low, high, codes)


@pytest.mark.parametrize(
    ("facts", "message", "about"),
    [
        ({"floor": "opus", "ceiling": "sonnet"}, "floor 'opus' lies above ceiling 'sonnet'", "floor"),
        ({"floor": "sonnet", "pin": "haiku"}, "pin 'haiku' lies below floor 'sonnet'", "pin"),
        ({"ceiling": "sonnet", "pin": "opus"}, "pin 'opus' lies above ceiling 'sonnet'", "pin"),
    ],
)
def test_bounds_of_the_caller_that_exclude_each_other_are_an_error(ladder, facts, message, about):
    with pytest.raises(ContradictoryTask, match=message) as caught:
        bounds_of(Task("x", **facts), ladder)
    assert caught.value.about == about
