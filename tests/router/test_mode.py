"""Batch or sync: each condition of the batch rule alone decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise.classifier.task import Task
from tierwise.data import TIERS
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules._mode import mode_of

DEFAULT = Policy()
ALL_MET = {"items": 21, "verifiable": True}
EASY, HARD = (0.9, 0.08, 0.02), (0.02, 0.08, 0.9)


@pytest.fixture
def mode(beliefs, ladder):
    def of(facts, needed=EASY, *, rung=0, policy=DEFAULT, on=ladder, **more):
        believed = None if needed is None else beliefs(needed, **more)
        return mode_of(Task("x", **facts), believed, rung, policy, on)

    return of


def test_all_conditions_met_is_batch(mode):
    assert mode(ALL_MET) == ("batch", "batch")


@pytest.mark.parametrize("items", [None, 0, 1, 20])
def test_up_to_twenty_items_are_sync_and_nothing_needs_saying(mode, items):
    assert mode({**ALL_MET, "items": items}) == ("sync", None)


@pytest.mark.parametrize(("items", "found"), [(None, ("sync", None)), (1, ("batch", "batch"))])
def test_where_single_items_may_go_in_a_batch_a_task_of_none_still_does_not(mode, items, found):
    assert mode({**ALL_MET, "items": items}, policy=Policy(batch_over_items=0)) == found


@pytest.mark.parametrize("items", [21, 4_000])
def test_from_twenty_one_items_on_it_is_batch(mode, items):
    assert mode({**ALL_MET, "items": items}) == ("batch", "batch")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"live": True}, "sync:live"),
        ({"time_sensitive": True}, "sync:time_sensitive"),
        ({"verifiable": False}, "sync:not_verifiable"),
        ({"verifiable": None}, "sync:not_verifiable"),
    ],
)
def test_each_fact_alone_keeps_it_sync(mode, changed, code):
    assert mode({**ALL_MET, **changed}) == ("sync", code)


def test_a_person_who_reviews_every_result_is_verification_too(mode):
    assert mode({"items": 21, "reviewed": True}) == ("batch", "batch")


def test_saying_no_is_as_good_as_saying_nothing(mode):
    assert mode({**ALL_MET, "live": False, "time_sensitive": False}) == ("batch", "batch")


def test_work_that_is_not_clearly_volume_work_is_sync(mode):
    assert mode(ALL_MET, HARD) == ("sync", "sync:not_a_format_task")
    assert mode(ALL_MET, (0.59, 0.31, 0.1)) == ("sync", "sync:not_a_format_task")
    assert mode(ALL_MET, (0.60, 0.30, 0.1)) == ("batch", "batch")


@pytest.mark.parametrize("said", [{"pin": "haiku"}, {"ceiling": "haiku"}])
@pytest.mark.parametrize("needed", [HARD, None])
def test_a_pin_or_ceiling_at_the_volume_tier_says_that_it_is_volume_work(mode, said, needed):
    assert mode({**ALL_MET, **said}, needed) == ("batch", "batch")


def test_other_pins_say_nothing_about_the_work(mode):
    assert mode({**ALL_MET, "pin": "sonnet"}, HARD, rung=1) == ("sync", "sync:not_a_format_task")


def test_without_a_model_or_an_opinion_nothing_is_clearly_volume_work(mode):
    assert mode(ALL_MET, None) == ("sync", "sync:not_a_format_task")
    assert mode(ALL_MET, (0.25, 0.5, 0.25), guard="unfamiliar") == ("sync", "sync:not_a_format_task")


def test_volume_work_that_a_floor_raised_may_still_go_in_batch(mode):
    assert mode({**ALL_MET, "floor": "sonnet"}, rung=1) == ("batch", "batch")


def test_a_tier_without_a_batch_price_is_sync(mode):
    with_fable = Ladder.load(TIERS, enable=["fable"])
    top = len(with_fable.rungs) - 1
    assert mode(ALL_MET, (*EASY, 0.0), rung=top, on=with_fable) == ("sync", "sync:no_batch_price")


def test_a_batch_price_on_some_steps_only_is_no_batch_price(mode, ladder):
    first, last = ladder.rungs[0].prices
    steps = (first, replace(last, batch_input=None, batch_output=None))
    partly = Ladder("partly", (replace(ladder.rungs[0], prices=steps), *ladder.rungs[1:]))
    assert mode(ALL_MET, on=partly) == ("sync", "sync:no_batch_price")


def test_the_operator_moves_the_number_of_items(mode):
    few = Policy(batch_over_items=5)
    assert mode({**ALL_MET, "items": 5}, policy=few) == ("sync", None)
    assert mode({**ALL_MET, "items": 6}, policy=few) == ("batch", "batch")


def test_with_several_reasons_against_it_a_waiting_person_is_named_first(mode):
    assert mode({"items": 21, "live": True, "time_sensitive": True}, HARD) == ("sync", "sync:live")
    assert mode({"items": 21, "time_sensitive": True}, HARD) == ("sync", "sync:time_sensitive")
