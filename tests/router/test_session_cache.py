"""The prompt cache of a session is priced: it stays on a higher tier where that costs less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise import Ladder, Policy, predict_tier
from tierwise.classifier.errors import InvalidTask
from tierwise.classifier.task import Task
from tierwise.router.rules._beliefs import Beliefs
from tierwise.router.rules._decide import decide
from tierwise.router.rules._limits import tokens_of
from tierwise.router.rules._request_cost import rung_cost_usd

EASY, MIDDLE, HARD = (0.9, 0.08, 0.02), (0.1, 0.8, 0.1), (0.02, 0.08, 0.9)
LONG = {"input_tokens": 60_000, "cached_tokens": 59_000, "output_tokens": 400}


@pytest.fixture
def chosen(beliefs, ladder):
    def choose(needed, policy=None, **facts):
        return decide(Task("Go on", **facts), beliefs(needed), policy or Policy(), ladder)

    return choose


def cost(ladder, tier, facts):
    """USD by hand: read what is cached on this tier, write the rest of the prompt."""
    step = next(
        step
        for step in ladder.rungs[ladder.index(tier)].prices
        if step.up_to_prompt_tokens is None or facts["input_tokens"] <= step.up_to_prompt_tokens
    )
    read = facts["cached_tokens"] if tier == facts["session_tier"] else 0
    written = facts["input_tokens"] - read
    return (
        read * step.cache_read + written * step.cache_write_5m + facts["output_tokens"] * step.output
    ) / 1e6


@pytest.mark.parametrize("session", ["haiku", "sonnet", "opus"])
def test_the_session_reads_its_cache_and_other_tiers_write_one(chosen, ladder, session):
    facts = {**LONG, "session_tier": session}
    choice = chosen(MIDDLE, **facts)
    for rung in ladder.rungs:
        found = rung_cost_usd(rung, choice.tokens, Task("Go on", **facts), batch=False)
        assert found == pytest.approx(cost(ladder, rung.tier, facts))


@pytest.mark.parametrize("facts", [{"session_tier": "opus"}, {"cached_tokens": 59_000}], ids=str)
def test_nothing_is_written_without_a_session_that_caches(ladder, facts):
    """Of a session without a cache all is plain input; cached tokens without a session are read anywhere."""
    task = Task("Go on", input_tokens=60_000, output_tokens=400, **facts)
    read = facts.get("cached_tokens", 0)
    for rung in ladder.rungs:
        step = rung.prices[0]
        found = rung_cost_usd(rung, tokens_of(task, Policy()), task, batch=False)
        assert found == pytest.approx(
            ((60_000 - read) * step.input + read * step.cache_read + 400 * step.output) / 1e6
        )


def test_it_stays_on_opus_where_a_new_cache_on_sonnet_costs_more(chosen, ladder):
    facts = {**LONG, "session_tier": "opus"}
    assert cost(ladder, "opus", facts) < cost(ladder, "sonnet", facts)
    choice = chosen(MIDDLE, **facts)
    assert (choice.rung, choice.stayed_from, choice.codes) == (2, 1, ("cached_prefix", "classifier"))


@pytest.mark.parametrize(("items", "rung"), [(20, 2), (21, 1)])
def test_what_may_go_in_a_batch_does_not_stay(chosen, items, rung):
    assert chosen(MIDDLE, **LONG, session_tier="opus", items=items).rung == rung


def test_it_leaves_opus_where_little_is_cached(chosen, ladder):
    facts = {**LONG, "session_tier": "opus", "cached_tokens": 1_000}
    assert cost(ladder, "opus", facts) > cost(ladder, "sonnet", facts)
    assert (chosen(MIDDLE, **facts).rung, chosen(MIDDLE, **facts).codes) == (1, ("classifier",))


def test_haiku_is_worth_a_new_cache_below_its_price_step_and_not_above_it(chosen, ladder):
    above = {"input_tokens": 100_001, "cached_tokens": 99_000, "output_tokens": 400, "session_tier": "sonnet"}
    below = {**above, "input_tokens": 60_000, "cached_tokens": 30_000}
    assert chosen(EASY, **below).rung == 0
    assert chosen(EASY, **above).rung == 1
    assert cost(ladder, "haiku", below) < cost(ladder, "sonnet", below)
    assert cost(ladder, "haiku", above) > cost(ladder, "sonnet", above)


@pytest.mark.parametrize(
    ("facts", "rung"),
    [
        ({"session_tier": "haiku"}, 2),  # the task needs more than the session's tier
        ({"session_tier": "sonnet"}, 2),
        ({"session_tier": "haiku", "floor": "sonnet"}, 2),
    ],
)
def test_it_never_stays_below_what_the_task_needs(chosen, facts, rung):
    choice = chosen(HARD, **LONG, **facts)
    assert (choice.rung, choice.stayed_from) == (rung, None)


@pytest.mark.parametrize(
    ("facts", "rung"),
    [
        ({"attempts": ("sonnet",), "session_tier": "sonnet"}, 2),
        ({"pin": "haiku", "session_tier": "opus"}, 0),
        ({"ceiling": "sonnet", "session_tier": "opus"}, 1),
        ({"role": "orchestrator", "session_tier": "sonnet"}, 2),
    ],
)
def test_floors_pins_ceilings_and_attempts_go_first(chosen, facts, rung):
    choice = chosen(MIDDLE, **LONG, **facts)
    assert (choice.rung, choice.stayed_from) == (rung, None)


def test_a_tier_that_cannot_hold_the_prompt_is_not_stayed_on(beliefs, ladder):
    small_opus = replace(ladder.rungs[2], context_window_tokens=50_000)
    small = replace(ladder, rungs=(*ladder.rungs[:2], small_opus))
    choice = decide(Task("Go on", **LONG, session_tier="opus"), beliefs(MIDDLE), Policy(), small)
    assert (choice.rung, choice.stayed_from) == (1, None)


def test_what_may_go_in_a_batch_is_left_alone(chosen):
    choice = chosen(EASY, **LONG, session_tier="opus", items=25, verifiable=True)
    assert (choice.rung, choice.mode) == (0, "batch")


def test_the_answer_to_not_sure_is_no_fallback_once_the_cache_has_decided(chosen):
    unsure = (0.5, 0.3, 0.2)
    assert chosen(unsure, **LONG).fallback
    stays = chosen(unsure, **LONG, session_tier="opus")
    assert (stays.fallback, stays.codes[:2]) == (False, ("cached_prefix", "low_confidence"))


def test_where_a_correction_is_priced_the_plan_has_the_cache_in_it(chosen):
    facts = {**LONG, "floor": "sonnet"}
    nearly_free = Policy(correction_minutes=0.001, hourly_rate_usd=1)
    assert chosen(MIDDLE, nearly_free, **facts).rung == 1
    stays = chosen(MIDDLE, nearly_free, **facts, session_tier="opus")
    assert (stays.rung, stays.codes[0], stays.stayed_from) == (2, "expected_cost", None)


def test_the_arithmetic_is_in_the_explanation():
    facts = {**LONG, "session_tier": "opus"}
    text = "Draft a blog post of 900 words about our bakery."
    decision = predict_tier(text, **facts)
    assert (decision.tier, decision.reason) == ("opus", "cached_prefix")
    costs = decision.expected_cost_usd
    explained = decision.explain()
    assert "59,000 tokens are in the prompt cache of opus" in explained
    assert (
        f"Staying on opus ${costs['opus']:.6f} < moving to sonnet ${costs['sonnet']:.6f}: "
        f"saves ${costs['sonnet'] - costs['opus']:.6f}" in explained
    )
    assert "Staying" not in predict_tier(text, **{**facts, "session_tier": "sonnet"}).explain()


def test_a_session_tier_that_does_not_exist_is_an_error():
    with pytest.raises(InvalidTask, match="Unknown tier 'opsu'"):
        predict_tier("Go on", **LONG, session_tier="opsu")


def test_the_decision_is_replayed_from_its_row(open_log):
    from tierwise import Router

    log = open_log()
    with Router(log=log) as router:
        decision = router.decide("Draft a blog post about our bakery", **LONG, session_tier="opus")
    assert decision.reason == "cached_prefix"
    assert log.replay(decision.decision_id).same


tokens = st.integers(0, 400_000)
tiers = st.sampled_from(["haiku", "sonnet", "opus"])


@settings(max_examples=400)
@given(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
    tokens,
    tokens,
    st.integers(0, 20_000),
    tiers,
    st.fixed_dictionaries(
        {},
        optional={
            "floor": st.none() | tiers,
            "live": st.booleans(),
            "consequential": st.booleans(),
            "attempts": st.lists(tiers, max_size=2).map(tuple),
            "role": st.sampled_from(["orchestrator", "reviewer", "worker"]),
            "items": st.integers(0, 40),
            "verifiable": st.booleans(),
        },
    ),
)
def test_a_session_never_lowers_a_tier_and_never_costs_more(weights, cached, more, out, session, facts):
    ladder = Ladder.load()
    needed = tuple(weight / sum(weights) for weight in weights)
    believed = Beliefs(needed, (0.6, 0.8, 0.95), None, False, 0.6, 0.45, 0.6, None)
    given_tokens = {"input_tokens": cached + more, "cached_tokens": cached, "output_tokens": out}
    task = Task("Go on", **given_tokens, **facts)
    inside = replace(task, session_tier=session)
    before = decide(task, believed, Policy(), ladder)
    after = decide(inside, believed, Policy(), ladder)
    assert after.rung >= before.rung
    if after.rung == before.rung:
        assert (after.codes, after.stayed_from) == (before.codes, None)
        return
    assert (ladder.names[after.rung], after.stayed_from) == (session, before.rung)
    stays, moves = (
        rung_cost_usd(ladder.rungs[rung], after.tokens, inside, batch=False)
        for rung in (after.rung, before.rung)
    )
    assert stays < moves
