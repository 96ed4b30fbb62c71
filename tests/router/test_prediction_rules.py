"""From probabilities to a rung: "Sonnet unless", bulk work, the token-limit rule."""

from __future__ import annotations

import pytest

from tierwise.classifier.errors import InvalidTask
from tierwise.classifier.task import Task
from tierwise.data import IMAGES
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import decide
from tierwise.router.rules._limits import tokens_of
from tierwise.router.rules._sonnet_unless import Predicted, predicted_rung, sonnet_unless

EASY, MIDDLE, HARD, UNSURE = (0.9, 0.08, 0.02), (0.1, 0.8, 0.1), (0.02, 0.08, 0.9), (0.5, 0.3, 0.2)


@pytest.fixture
def predict(beliefs, ladder):
    def predicted(facts, needed, *, down=0.6, on=ladder, unavailable=False, **more):
        task, policy = Task("x", **facts), Policy()
        believed = None if needed is None else beliefs(needed, **more)._replace(lambda_down=down)
        tokens = tokens_of(task, policy)
        return predicted_rung(task, believed, tokens, policy, on, unavailable=unavailable)

    return predicted


# the thresholds of the fixture: down at .60, up at .45
@pytest.mark.parametrize(
    ("needed", "rung", "code"),
    [
        ((0.60, 0.40, 0.00), 0, "classifier"),
        ((0.59, 0.41, 0.00), 1, "low_confidence"),
        ((0.00, 0.55, 0.45), 2, "classifier"),
        ((0.00, 0.56, 0.44), 1, "classifier"),
        ((0.55, 0.00, 0.45), 2, "classifier"),  # up is asked first
        ((0.30, 0.40, 0.30), 1, "classifier"),  # the middle is the likeliest
        ((0.35, 0.35, 0.30), 1, "classifier"),  # as likely as any
        ((0.40, 0.35, 0.25), 1, "low_confidence"),
        ((0.20, 0.39, 0.41), 1, "low_confidence"),
    ],
)
def test_the_middle_unless_a_side_reaches_its_threshold(needed, rung, code, beliefs):
    assert sonnet_unless(beliefs(needed), 0.6, 1) == (rung, code)


@pytest.mark.parametrize(
    ("needed", "rung"),
    [
        ((0.7, 0.1, 0.1, 0.1, 0.0), 0),
        ((0.3, 0.4, 0.1, 0.1, 0.1), 1),  # only both together reach .60
        ((0.2, 0.3, 0.4, 0.1, 0.0), 2),
        ((0.0, 0.1, 0.2, 0.5, 0.2), 3),
        ((0.0, 0.1, 0.2, 0.3, 0.4), 4),  # the fourth alone does not reach .45
    ],
)
def test_on_a_longer_ladder_the_lowest_rung_of_a_side_that_reaches_it(needed, rung, beliefs):
    assert sonnet_unless(beliefs(needed), 0.6, 2)[0] == rung


@pytest.mark.parametrize(("middle", "needed"), [(0, (0.1, 0.1, 0.8)), (2, (0.8, 0.1, 0.1))])
def test_a_production_tier_at_an_end_of_the_ladder_has_one_side_only(middle, needed, beliefs):
    assert sonnet_unless(beliefs(needed), 0.6, middle) == (2 - middle, "classifier")


def test_above_the_top_there_is_nothing_even_where_the_threshold_is_zero(beliefs):
    always_up = beliefs((0.3, 0.3, 0.4))._replace(lambda_up=0.0)
    assert sonnet_unless(always_up, 0.7, 1) == (2, "classifier")
    assert sonnet_unless(always_up, 0.7, 2) == (2, "classifier")
    assert sonnet_unless(always_up, 0.6, 2) == (1, "classifier")


@pytest.mark.parametrize("guard", ["empty", "too_short", "unfamiliar", "very_long"])
def test_a_guard_gives_the_production_tier(predict, guard):
    assert predict({}, (0.25, 0.5, 0.25), guard=guard) == Predicted(1, (guard,))
    assert predict({"items": 500}, (0.25, 0.5, 0.25), guard=guard) == Predicted(1, (guard,))


@pytest.mark.parametrize(("needed", "rung"), [(EASY, 0), (HARD, 2)])
def test_outcomes_may_be_sure_of_what_the_text_does_not_say(predict, needed, rung):
    assert predict({}, needed, guard="unfamiliar", history=True) == Predicted(rung, ("classifier",))


def test_a_model_that_could_not_be_loaded_gives_the_production_tier(predict):
    assert predict({"items": 500}, None, unavailable=True) == Predicted(1, ("model_unavailable",))


def test_more_than_ten_items_need_only_the_lowest_permitted_confidence(predict):
    assert predict({"items": 10}, (0.65, 0.30, 0.05), down=0.8) == Predicted(1, ("low_confidence",))
    assert predict({"items": 11}, (0.65, 0.30, 0.05), down=0.8) == Predicted(0, ("many_items",))
    assert predict({"items": 11}, (0.59, 0.36, 0.05), down=0.8) == Predicted(1, ("low_confidence",))
    assert predict({"items": 11}, EASY, down=0.8) == Predicted(0, ("classifier",))
    assert predict({"items": 11}, HARD, down=0.8) == Predicted(2, ("classifier",))


FULL = {"context_used": 199_700, "context_window": 200_000}  # 400 tokens of output no longer fit


def test_a_full_session_hands_a_well_defined_step_down_and_returns(predict):
    assert predict(FULL, EASY) == Predicted(0, ("fresh_window",), return_to=1)
    assert predict({**FULL, "session_tier": "opus"}, EASY) == Predicted(0, ("fresh_window",), return_to=2)
    assert predict({**FULL, "session_tier": "opus"}, MIDDLE) == Predicted(1, ("fresh_window",), return_to=2)


def test_a_step_is_well_defined_from_the_threshold_on(predict):
    assert predict(FULL, (0.60, 0.40, 0.00)).return_to == 1
    assert predict(FULL, (0.59, 0.41, 0.00)).return_to is None


@pytest.mark.parametrize(
    ("facts", "needed", "rung"),
    [
        ({}, UNSURE, 1),
        ({}, HARD, 2),
        ({"session_tier": "haiku"}, EASY, 0),  # nothing is smaller
        ({"session_tier": "opus"}, HARD, 2),
    ],
)
def test_a_step_that_is_not_well_defined_needs_a_fresh_session(predict, facts, needed, rung):
    predicted = predict({**FULL, **facts}, needed)
    assert (predicted.rung, predicted.codes[-1], predicted.return_to) == (rung, "session_full", None)
    assert len(predicted.codes) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"context_used": 199_600, "context_window": 200_000},  # just fits
        {"context_used": 199_700},
        {"context_window": 10},
        {**FULL, "output_tokens": 300},
    ],
)
def test_a_session_with_room_changes_nothing(predict, facts):
    assert predict(facts, MIDDLE) == Predicted(1, ("classifier",))


def test_an_unknown_tier_of_the_session_is_an_error(predict):
    with pytest.raises(InvalidTask, match="Unknown tier 'opsu'; did you mean 'opus'"):
        predict({**FULL, "session_tier": "opsu"}, EASY)


def test_a_step_that_a_floor_raised_does_not_return(beliefs, ladder):
    returned = decide(Task("x", **FULL), beliefs(EASY), Policy(), ladder)
    raised = decide(Task("x", **FULL, live=True), beliefs(EASY), Policy(), ladder)
    assert (returned.rung, returned.return_to) == (0, 1)
    assert (raised.rung, raised.return_to) == (1, None)


@pytest.mark.parametrize(
    ("facts", "predicted"),
    [
        ({}, Predicted(1, ("middle_rung",))),
        ({"items": 10}, Predicted(1, ("middle_rung",))),
        ({"items": 11}, Predicted(0, ("bulk",))),
        ({"items": 11, "live": True}, Predicted(1, ("middle_rung",))),
        ({"items": 11, "time_sensitive": True}, Predicted(1, ("middle_rung",))),
        ({"items": 11, "consequential": True}, Predicted(1, ("middle_rung",))),
    ],
)
def test_without_a_model_the_middle_rung_and_volume_for_bulk_work(predict, facts, predicted):
    assert predict(facts, None, on=Ladder.load(IMAGES)) == predicted


def test_a_top_tier_that_may_not_suffice_is_used_and_said(beliefs, ladder):
    weak = beliefs(HARD, pass_=(0.1, 0.3, 0.59))
    assert decide(Task("x"), weak, Policy(), ladder).codes == ("no_tier_suffices", "classifier")
    assert decide(Task("x", pin="opus"), weak, Policy(), ladder).codes == ("pin", "no_tier_suffices")
    assert "no_tier_suffices" not in decide(Task("x", pin="haiku"), weak, Policy(), ladder).codes
    enough = beliefs(HARD, pass_=(0.1, 0.3, 0.6))
    assert decide(Task("x"), enough, Policy(), ladder).codes == ("classifier",)


@pytest.mark.parametrize(("fables", "said"), [(0.50, True), (0.55, False)])
def test_below_a_top_tier_that_passes_more_often_a_better_answer_is_left(fables, said, beliefs):
    weak = beliefs((0.01, 0.04, 0.90, 0.05), pass_=(0.1, 0.3, 0.5, fables))
    choice = decide(Task("x"), weak, Policy(), Ladder.load(enable=["fable"]))
    assert (choice.rung, "no_tier_suffices" in choice.codes) == (2, said)
