"""explain(): rules, probabilities, evidence, arithmetic, and what would change the answer."""

from __future__ import annotations

import pytest

from tierwise import Ladder, Policy, predict_tier
from tierwise.data import IMAGES
from tierwise.router.reasons import MEANING


def test_it_names_every_rule_with_its_meaning():
    decision = predict_tier("Tag these tickets by product area", items=40, verifiable=True, live=True)
    text = decision.explain()
    for code in decision.reasons:
        assert f"{code}: {MEANING[code]}" in text


def test_it_shows_probabilities_and_the_rule_that_read_them():
    text = predict_tier("Draft a reply to the landlord about the damp in the hall").explain()
    assert "tier       needed  passes" in text
    assert "sonnet, unless a higher tier is needed with at least" in text


def test_nothing_is_shown_as_certain():
    decision = predict_tier("Sort these names alphabetically, one per line, nothing else", verifiable=True)
    assert decision.confidence > 0.9995
    assert "100" not in f"{decision.explain().partition('Cost of')[0]} {decision}"
    assert "100.0%" not in decision.explain()


def test_the_words_for_a_decision_say_what_its_number_is():
    decision = predict_tier("Tag these 40 tickets by product area", live=True)
    assert str(decision).startswith("sonnet (sync, needed 0%, floor:live")
    assert str(predict_tier("curl -I https://example.com", deterministic=True)) == "no model (deterministic)"


def test_it_shows_the_words_that_spoke():
    text = predict_tier("Extract the invoice numbers into a CSV with two columns").explain()
    assert "for haiku:" in text
    assert "csv" in text


def test_it_shows_history_beside_the_text():
    text = predict_tier("Extract the invoice numbers", history={"haiku": (3, 9)}).explain()
    assert "haiku: 3 clean, 9 not clean" in text
    assert "The text alone:" in text


def test_it_adds_up_the_cost():
    policy = Policy(correction_minutes=6, hourly_rate_usd=100)
    decision = predict_tier(
        "Extract the invoice numbers", input_tokens=1000, output_tokens=200, policy=policy
    )
    text = decision.explain()
    assert "Cost of 1,000 tokens in and 200 out (given):" in text
    fails = 1 - decision.pass_probabilities["haiku"]
    assert decision.expected_cost_usd["haiku"] == pytest.approx(0.0002 + fails * 10)
    assert "x $10.00 correction" in text
    assert "Cheapest plan:" in text
    assert "unless a higher tier is needed" not in text  # thresholds did not decide


def test_it_says_what_would_change_the_answer():
    text = predict_tier("Tag these tickets by product area").explain()
    assert "if a person were waiting for it (live=True)" in text
    assert "sonnet if the probability of a lower tier fell from" in text
    pinned = predict_tier("Tag these tickets by product area", pin="opus").explain()
    assert "haiku without the pin" in pinned


def test_it_says_how_far_the_middle_is_from_its_neighbours():
    text = predict_tier("Draft a friendly newsletter about our new opening hours").explain()
    assert "a higher tier if its probability rose from" in text
    assert "a lower tier if its probability rose from" in text


def test_it_works_without_a_model_and_without_tokens():
    text = predict_tier("A lighthouse", policy=Policy(ladder=Ladder.load(IMAGES))).explain()
    assert "middle_rung" in text
    assert "Cost of 1 images" in text
    none = predict_tier("curl -I https://example.com").explain()
    assert none.startswith("No model: a plain program does this step.")
    assert "deterministic=False would route it to a model" in none


def test_attempts_are_mentioned():
    text = predict_tier("Tag these tickets by product area", attempts=["haiku"]).explain()
    assert "Already failed at this task: haiku." in text


def test_a_text_is_not_counted_in_images():
    images = Policy(ladder=Ladder.load(IMAGES))
    text = predict_tier("A hero image of a lighthouse", items=11, policy=images).explain()
    assert "Cost of 11 images (estimated):" in text
    assert "images in" not in text
