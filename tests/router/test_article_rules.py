"""The routing rules that the project was founded on, each with its own examples."""

from __future__ import annotations

import pytest

from tierwise import Ladder, Policy, predict_tier
from tierwise.data import IMAGES

HAIKU = [
    "Assign one category and up to five tags from our taxonomy to this blog post",
    "Write an SEO title under 60 characters and a meta description under 155 for the post below",
    "Generate the JSON-LD Article schema for this post from its title, author and date",
    "Turn the published article below into three short social posts, one per network, with its link",
    "Make an FAQ block with five questions and answers taken from this article",
    "List the phrases in this post that could link to one of the URLs below",
    "Classify each post as news, tutorial, opinion or announcement",
    "Extract name, date and amount from each of the receipts into a CSV",
]
SONNET = [
    "Draft the article from the attached brief, about 1,200 words, in our house voice",
    "Rework this published guide so that answer engines can quote it, without losing the author's tone",
    "Write the content brief for a piece on meal planning: audience, angle, outline, sources",
    "Write three variants of this landing page for a nurse, a founder and a retiree",
    "Expand this thin page on ankle braces to about 800 useful words",
    "Write a LinkedIn post with a point of view about our move to a four-day week",
]
OPUS = [
    "Write the pillar article on the future of remote care, synthesising these nine reports that disagree",
    "Work through our market entry with the client: what matters, what to give up, what to do first",
    "Decide how our content and data platforms should be split into services, and what follows from it",
    "Choose which of our three product lines to close, since next year's budget and hiring hang on it",
]


@pytest.mark.parametrize("specification", HAIKU)
def test_what_the_volume_tier_handles(specification):
    assert predict_tier(specification).tier == "haiku"


@pytest.mark.parametrize("specification", SONNET)
def test_what_the_production_tier_handles(specification):
    assert predict_tier(specification).tier == "sonnet"


@pytest.mark.parametrize("specification", OPUS)
def test_what_the_strategy_tier_handles(specification):
    assert predict_tier(specification).tier == "opus"


def test_extraction_over_more_than_ten_items_is_volume_work(champion):
    """At ten items the model's own confidence decides; from eleven on the lowest permitted one does."""
    strict = Policy(lambda_down=0.999_999)
    text = "Pull the figures out of the reports into a table"
    ten = predict_tier(text, items=10, policy=strict)
    eleven = predict_tier(text, items=11, policy=strict)
    assert ten.tier == "sonnet"
    assert eleven.tier == "haiku"
    assert eleven.reason == "many_items"


def test_many_items_do_not_make_judgement_volume_work():
    decision = predict_tier("Decide which of these suppliers we should bet the company on", items=40)
    assert decision.tier == "opus"


TAXONOMY = {
    "specification": "Normalise the tags of each post to the closest term of this list and return JSON",
    "task_type": "taxonomy-normalisation",
    "verifiable": True,
}


def test_the_canonical_batch():
    decision = predict_tier(**TAXONOMY, items=4000)
    assert (decision.tier, decision.mode) == ("haiku", "batch")
    assert decision.batch_wait_ceiling_s == 86_400
    one_by_one = predict_tier(**TAXONOMY, items=4000, live=False, time_sensitive=True)
    assert decision.expected_cost_usd["haiku"] == pytest.approx(one_by_one.expected_cost_usd["haiku"] / 2)


@pytest.mark.parametrize(
    ("facts", "mode", "code"),
    [
        ({"items": 21}, "batch", "batch"),
        ({"items": 20}, "sync", None),
        ({"items": 21, "live": True}, "sync", "sync:live"),
        ({"items": 21, "time_sensitive": True}, "sync", "sync:time_sensitive"),
        ({"items": 21, "verifiable": False}, "sync", "sync:not_verifiable"),
        ({"items": 21, "verifiable": False, "reviewed": True}, "batch", "batch"),
    ],
)
def test_every_condition_of_the_batch_rule(facts, mode, code):
    decision = predict_tier(**{**TAXONOMY, **facts})
    assert decision.mode == mode
    assert code is None or code in decision.reasons


def test_what_is_no_format_task_does_not_go_in_batch():
    decision = predict_tier("Draft a newsletter about each of these exhibitions", items=60, reviewed=True)
    assert decision.mode == "sync"
    assert "sync:not_a_format_task" in decision.reasons


def test_a_full_session_hands_a_well_defined_step_down_and_returns():
    decision = predict_tier(
        "Convert the outline above to a Markdown table with the columns section, words, owner",
        context_used=199_000,
        context_window=200_000,
        output_tokens=2_000,
        session_tier="sonnet",
    )
    assert decision.tier == "haiku"
    assert decision.reason == "fresh_window"
    assert decision.return_to == "sonnet"
    assert "Return to sonnet" in decision.explain()


def test_a_full_session_does_not_hand_judgement_down():
    decision = predict_tier(
        "Now decide which of the two architectures we take, and why",
        context_used=199_900,
        context_window=200_000,
        session_tier="sonnet",
    )
    assert decision.tier == "opus"
    assert decision.return_to is None
    assert "session_full" in decision.reasons


def test_a_session_with_room_is_not_left():
    decision = predict_tier(
        "Convert the outline above to a Markdown table", context_used=1_000, context_window=200_000
    )
    assert decision.return_to is None


def test_overrides_go_upward():
    brief = "Fill the brief template with title, audience and deadline from the form"
    assert predict_tier(brief).tier == "haiku"
    assert predict_tier(brief, consequential=True).tier == "sonnet"
    assert predict_tier(brief, live=True).tier == "sonnet"
    failed = predict_tier(brief, attempts=["haiku"])
    assert failed.tier == "sonnet"
    assert failed.reason == "floor:attempts"


def test_ambiguous_tasks_get_the_middle_tier():
    for text in ("handle this", "the usual please", "Kowalski file"):
        decision = predict_tier(text)
        assert decision.tier == "sonnet"
        assert decision.fallback


def test_orchestrator_worker_reviewer():
    step = "Collect the release dates of the libraries in this list as JSON"
    assert predict_tier(step, role="worker").tier == "haiku"
    assert predict_tier(step, role="reviewer").tier == "sonnet"
    assert predict_tier(step, role="orchestrator").tier == "opus"


def test_the_orchestrator_stays_on_the_strategy_tier_when_a_higher_rung_is_on():
    policy = Policy(ladder=Ladder.load(enable=["fable"]))
    assert predict_tier("Plan the agents' work", role="orchestrator", policy=policy).tier == "opus"
    assert predict_tier("Plan the agents' work", attempts=["opus"], policy=policy).tier == "fable"


@pytest.mark.parametrize(
    ("facts", "tier"),
    [({}, "standard"), ({"items": 200}, "fast"), ({"consequential": True}, "ultra")],
)
def test_other_families_route_by_the_same_rules(facts, tier):
    policy = Policy(ladder=Ladder.load(IMAGES))
    assert predict_tier("A lighthouse at dusk, wide", policy=policy, **facts).tier == tier


def test_a_trivial_step_needs_no_model():
    decision = predict_tier("curl -fsS -o /dev/null -w '%{http_code}' https://example.com/post")
    assert decision.mode == "none"
    assert decision.model is None
    assert decision.expected_cost_usd == {}
    asked = predict_tier("curl -I https://example.com/post answers 301, why?")
    assert asked.mode == "sync"


@pytest.mark.parametrize(
    ("open_ask", "specified"),
    [
        (
            "Describe our product range",
            "Describe each product in our range: CSV with the columns sku and text, text at most 120 "
            "characters, name first, then material, no adjectives",
        ),
        (
            "Summarise the interview",
            "Summarise the interview as JSON with the keys name, role, start_date and three quotes copied "
            "word for word",
        ),
        (
            "Write a message to the parents about the trip",
            "Fill this message to the parents about the trip: date, meeting point, price, from the form; "
            "at most 300 characters, change nothing else",
        ),
    ],
)
def test_a_complete_specification_raises_the_chance_of_the_volume_tier(champion, open_ask, specified):
    before, after = predict_tier(open_ask), predict_tier(specified)
    assert after.probabilities["haiku"] > before.probabilities["haiku"]
