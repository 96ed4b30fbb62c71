"""What would change a decision, and how a decision is written out."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest

from tierwise import Ladder, Policy, predict_tier
from tierwise.data import IMAGES
from tierwise.router._what_if import alternatives
from tierwise.router.rules._costs import latency_ms

EASY = "Assign one category and up to five tags from our taxonomy to this blog post"
MIDDLE = "Draft the article from the attached brief, about 1,200 words, in our house voice"
HARD = "Decide which of our three product lines to close, since next year's budget and hiring hang on it"
FULL = {"context_used": 199_900, "context_window": 200_000}
PRICED = Policy(correction_minutes=6, hourly_rate_usd=80)


def test_each_fact_that_would_change_the_answer_is_offered():
    text = "\n".join(alternatives(predict_tier(EASY, reviewed=True)))
    assert "sonnet if a person were waiting for it (live=True)" in text
    assert "sonnet if much depended on it (consequential=True)" in text
    assert 'opus if it planned for other agents (role="orchestrator")' in text
    assert "haiku then sonnet if a program could check the result (verifiable=True)" in text
    assert "haiku in batch mode if it ran over 25 items (items=25)" in text


def test_what_would_change_nothing_is_not_offered():
    text = "\n".join(alternatives(predict_tier(HARD)))
    for words in ("live=True", "consequential=True", "orchestrator", "items=25"):
        assert words not in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"live": True}, "live=True"),
        ({"consequential": True}, "consequential=True"),
        ({"items": 3}, "items=25"),
        ({"role": "worker"}, "orchestrator"),
    ],
)
def test_what_was_given_is_not_offered_again(facts, words):
    assert words not in "\n".join(alternatives(predict_tier(EASY, reviewed=True, **facts)))


def test_a_pin_that_changes_the_answer_can_be_dropped():
    assert "haiku without the pin" in alternatives(predict_tier(EASY, pin="opus"))
    assert not [line for line in alternatives(predict_tier(HARD, pin="opus")) if "without the pin" in line]


def test_a_change_that_contradicts_another_fact_is_not_offered():
    decision = predict_tier(EASY, pin="haiku", floor="haiku", ceiling="haiku")
    assert [line for line in alternatives(decision) if "pin" in line] == []


@pytest.mark.parametrize(
    ("text", "facts", "words"),
    [
        (EASY, {"ceiling": "haiku"}, "sonnet if the probability"),
        (HARD, {"floor": "opus"}, "sonnet if the probability"),
        (HARD, {"attempts": ["sonnet"]}, "sonnet if the probability"),
        (MIDDLE, {"ceiling": "sonnet"}, "a higher tier if its probability"),
        (MIDDLE, {"floor": "sonnet"}, "a lower tier if its probability"),
        (MIDDLE, {"live": True}, "a lower tier if its probability"),
    ],
)
def test_a_tier_that_the_bounds_exclude_is_not_offered(text, facts, words):
    assert not [line for line in alternatives(predict_tier(text, **facts)) if line.startswith(words)]


def test_a_change_that_no_tier_could_hold_is_not_offered():
    """Without the pin the ceiling allows only a tier whose window is too small, so that is no way out."""
    haiku, *others = Ladder.load().rungs
    small = Ladder("small", (haiku, replace(others[0], context_window_tokens=10), others[1]))
    policy = Policy(ladder=small)
    decision = predict_tier(EASY, pin="haiku", ceiling="sonnet", input_tokens=500, policy=policy)
    live = [line for line in alternatives(decision) if "live" in line]
    assert live == []
    free = predict_tier(EASY, ceiling="sonnet", input_tokens=500, policy=policy)
    assert not [line for line in alternatives(free) if "live=True" in line or "orchestrator" in line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (EASY, "sonnet if the probability of a lower tier fell from"),
        (HARD, "sonnet if the probability of a higher tier fell from"),
        (MIDDLE, "a higher tier if its probability rose from"),
        (MIDDLE, "a lower tier if its probability rose from"),
    ],
)
def test_how_far_the_probabilities_are_from_another_answer(text, expected):
    assert [line for line in alternatives(predict_tier(text)) if line.startswith(expected)]


def _with_production_at(index: int) -> Policy:
    roles = [None, None, None]
    roles[index] = "production"
    rungs = Ladder.load().rungs
    moved = tuple(replace(rung, role=role) for rung, role in zip(rungs, roles, strict=True))
    return Policy(ladder=Ladder("moved", moved))


def test_at_an_end_of_the_ladder_only_the_other_direction_is_offered():
    lowest = "\n".join(alternatives(predict_tier(EASY, policy=_with_production_at(0))))
    assert "a higher tier if" in lowest
    assert "a lower tier if" not in lowest
    top = "\n".join(alternatives(predict_tier(HARD, policy=_with_production_at(2))))
    assert "a lower tier if" in top
    assert "a higher tier if" not in top


def test_where_a_rule_decided_no_probability_is_offered():
    assert not [line for line in alternatives(predict_tier(EASY, pin="opus")) if "probability" in line]
    images = predict_tier("A hero image", policy=Policy(ladder=Ladder.load(IMAGES)))
    assert not [line for line in alternatives(images) if "probability" in line]


def test_a_deterministic_step_could_be_routed():
    decision = predict_tier("Copy the file", deterministic=True)
    assert alternatives(decision) == ["deterministic=False would route it to a model"]
    assert "no model" in decision.explain().lower()


def test_where_nothing_would_change_it_the_explanation_is_silent_about_it():
    decision = predict_tier(HARD, pin="opus", items=3, role="worker", live=True, consequential=True)
    assert alternatives(decision) == []
    assert "What would change" not in decision.explain()


def test_a_text_that_was_not_read_is_not_quoted():
    text = predict_tier("?!").explain()
    assert "empty: The specification has no words" in text
    assert "What the text says" not in text


def test_a_session_that_is_full_is_told_where_to_return():
    decision = predict_tier(EASY, **FULL, session_tier="opus")
    assert (decision.tier, decision.return_to, decision.reason) == ("haiku", "opus", "fresh_window")
    assert "Return to opus for the continuation" in decision.explain()
    assert decision.to_dict()["return_to"] == "opus"


def test_the_wait_for_a_batch_is_told():
    decision = predict_tier(EASY, items=200, verifiable=True)
    assert decision.batch_wait_ceiling_s == 86_400
    assert "If the batch is not back after 24 h, send it synchronously." in decision.explain()


def test_a_priced_decision_that_travelled_can_still_be_explained():
    """It comes without its model: plans of several tiers can no longer be priced, which must not be an error."""
    for facts in ({}, {"verifiable": True}):
        decision = pickle.loads(pickle.dumps(predict_tier(EASY, policy=PRICED, **facts)))
        assert "Why, the decisive rule first" in decision.explain()


def test_a_decision_as_json_holds_plain_values_only():
    decision = predict_tier(EASY, items=200, verifiable=True, policy=PRICED)
    values = json.loads(decision.to_json())
    assert values == decision.to_dict()
    assert type(decision.to_dict()["tier"]) is str
    assert values["plan"] == list(decision.plan)
    assert values["reasons"] == list(decision.reasons)
    assert not {"task", "evidence"} & set(values)


def test_a_decision_in_one_line():
    assert str(predict_tier(EASY, pin="opus")).startswith("opus (sync, ")
    assert str(predict_tier("Copy the file", deterministic=True)) == "no model (deterministic)"


def test_the_time_to_the_last_token_by_hand(ladder):
    haiku = ladder.rungs[0]
    assert latency_ms(haiku, 1_200) == pytest.approx(600 + 10_000)  # 120 tokens a second
    assert latency_ms(Ladder.load(IMAGES).rungs[0], 1) is None


def test_a_probability_is_offered_only_where_it_would_change_the_answer():
    """Much depends on it: where the text needs no strategy tier, it goes one rung up, to the same one."""
    decision = predict_tier(HARD, consequential=True)
    assert (decision.tier, decision.reason) == ("opus", "classifier")
    assert not [line for line in alternatives(decision) if "probability of" in line]


def test_bulk_work_is_told_the_confidence_that_it_needs():
    """Over many items 60 % are enough, whatever the policy asks for otherwise."""
    policy = Policy(lambda_down=0.9999999)
    decision = predict_tier(EASY, items=15, policy=policy)
    assert (decision.tier, decision.reason) == ("haiku", "many_items")
    text = decision.explain()
    assert "or a lower one with at least 60%" in text
    assert ", over more than 10 items." in text
    [line] = [line for line in alternatives(decision) if "probability of a lower tier" in line]
    assert line.endswith("below 60%")
    few = predict_tier(EASY, items=10, policy=policy)
    assert few.tier == "sonnet"
    assert "or a lower one with at least 100%" in few.explain()


def test_thresholds_are_not_rounded_into_others():
    text = predict_tier(MIDDLE, policy=Policy(lambda_up=0.495, lambda_down=0.625)).explain()
    assert "with at least 49.5%" in text
    assert "to 62.5%" in text
