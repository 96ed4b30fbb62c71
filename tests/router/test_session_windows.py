"""What a session's step sends is counted: it fits the tier that answers, and it is priced."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise import Ladder, Policy, Router, Session
from tierwise.router.ladder.prices import token_cost_usd
from tierwise.router.run import Options, execute
from tierwise.testing import Answer, MessagesServer

META = "Write the meta description of this article, at most 155 characters, JSON out"
PLAN = "Weigh our three strategies for entering the Japanese market and recommend one"
TALK = (
    {"role": "user", "content": "Let's write an article about our bakery. " * 50},
    {"role": "assistant", "content": "Here is the draft. " * 400},
)
META_TOKENS = -(-len(META) // 4)


def ladder(**windows):
    shipped = Ladder.load()
    rungs = (replace(rung, context_window_tokens=windows[rung.tier]) for rung in shipped.rungs)
    return replace(shipped, rungs=tuple(rungs))


SMALL_HAIKU = Policy(ladder=ladder(haiku=200_000, sonnet=1_000_000, opus=1_000_000))
SMALL_OPUS = Policy(ladder=ladder(haiku=1_000_000, sonnet=1_000_000, opus=200_000))


def test_a_step_is_not_sent_with_the_session_to_a_tier_that_cannot_hold_it():
    assert Session("sonnet", messages=TALK, policy=SMALL_HAIKU).next_step(META).decision.tier == "haiku"
    session = Session("sonnet", messages=TALK, context_used=300_000, policy=SMALL_HAIKU)
    step = session.next_step(META)
    assert (step.where, step.decision.tier) == ("session", "sonnet")
    assert "limit:context_window" in step.decision.reasons


def test_a_tier_that_holds_the_session_but_not_its_answer_is_not_asked():
    session = Session("sonnet", messages=TALK, context_used=199_950, policy=SMALL_HAIKU)
    assert session.next_step(META).decision.tier == "sonnet"


def test_a_step_up_does_not_leave_for_a_smaller_window():
    session = Session("sonnet", messages=TALK, context_used=300_000, policy=SMALL_OPUS)
    step = session.next_step(PLAN, consequential=True)
    assert (step.where, step.decision.tier) == ("session", "sonnet")


def test_where_the_allowed_tiers_cannot_hold_it_a_new_session_goes_on():
    session = Session("sonnet", messages=TALK, context_used=300_000, policy=SMALL_HAIKU)
    step = session.next_step(META, ceiling="haiku", floor="haiku")
    assert (step.where, step.decision.tier) == ("new_session", "haiku")
    assert step.messages[-1]["content"] == META
    assert step.decision.task.input_tokens < 200_000


def test_material_that_a_smaller_window_cannot_hold_stays_in_the_session():
    full = Session("sonnet", messages=TALK, context_used=999_990, policy=SMALL_HAIKU)
    assert full.next_step(META, material="word " * 100_000).where == "fresh_window"
    step = full.next_step(META, material="word " * 200_000)
    assert (step.where, step.return_to) == ("new_session", None)
    assert step.messages == (*TALK, {"role": "user", "content": META})


def test_material_that_no_window_holds_is_no_error():
    full = Session("sonnet", messages=TALK, context_used=999_990)
    step = full.next_step(META, material="word " * 1_000_000)
    assert (step.where, step.return_to) == ("new_session", None)
    assert "word" not in str(step.messages)


def rate(tier, tokens, **more):
    rung = next(rung for rung in Ladder.load().rungs if rung.tier == tier)
    return token_cost_usd(rung.prices, input_tokens=tokens, output_tokens=200, **more)


def test_the_session_that_is_carried_along_is_in_the_price():
    step = Session("sonnet", messages=TALK, context_used=50_000).next_step(META, output_tokens=200)
    assert step.where == "session"
    for tier, usd in step.decision.expected_cost_usd.items():
        assert usd == pytest.approx(rate(tier, 50_000 + META_TOKENS))


def test_a_fresh_window_is_priced_by_its_material_and_a_new_session_by_what_is_handed_over():
    full = Session("sonnet", messages=TALK, context_used=999_990)
    fresh = full.next_step(META, material="x" * 40_000, output_tokens=200)
    assert fresh.where == "fresh_window"
    tokens = -(-len(fresh.messages[0]["content"]) // 4)
    assert fresh.decision.expected_cost_usd["haiku"] == pytest.approx(rate("haiku", tokens))
    new = full.next_step(PLAN, output_tokens=200)
    assert new.where == "new_session"
    tokens = sum(-(-len(each["content"]) // 4) for each in new.messages)
    assert new.decision.expected_cost_usd["opus"] == pytest.approx(rate("opus", tokens))


def test_what_the_last_answer_said_is_cached_is_read_on_the_sessions_own_tier():
    said = Answer("Here.", input_tokens=100, cache_read_tokens=40_000, cache_write_5m_tokens=9_900)
    with MessagesServer(said) as server:
        session = Session("opus", messages=TALK)
        step = session.next_step(PLAN, floor="opus")
        session.finish(
            step, execute(step.decision, client=server.client(), options=Options(messages=step.messages))
        )
    step = session.next_step("Draft the second section, warmly", output_tokens=200)
    task = step.decision.task
    assert (task.cached_tokens, task.session_tier) == (49_900, "opus")
    written = task.input_tokens - 49_900
    here = rate("opus", task.input_tokens, cached_tokens=49_900, written_tokens=written)
    assert step.decision.expected_cost_usd["opus"] == pytest.approx(here)
    assert step.decision.expected_cost_usd["sonnet"] > here
    assert (step.decision.tier, step.decision.reason) == ("opus", "cached_prefix")


def test_each_step_is_one_decision_in_the_log(log):
    with Router(log=log) as router:
        for used in (1_000, 999_990):
            session = Session("sonnet", messages=TALK, context_used=used, router=router)
            found = [session.next_step(META), session.next_step(PLAN)]
            logged = {each.decision.decision_id for each in found}
            assert len(logged) == 2
    frame = log.to_pandas()
    assert log.stats().n_decisions == 4
    assert frame.empty  # nothing was judged


def test_an_image_or_a_file_counts_by_its_size_and_not_by_its_letters():
    def shown(kind, media_type):
        source = {"type": "base64", "media_type": media_type, "data": "A" * 5_000_000}
        content = [{"type": kind, "source": source}, {"type": "text", "text": "What is this?"}]
        return Session("sonnet", messages=[{"role": "user", "content": content}])

    assert shown("image", "image/png").context_used < 2_000
    assert shown("document", "application/pdf").context_used < 200_000
    assert shown("image", "image/png").next_step(META).where == "session"


def test_scripts_whose_letters_take_more_tokens_count_more():
    assert Session("sonnet", messages=[{"role": "user", "content": "面包店" * 100}]).context_used == 225


CALL = {"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {}}


@pytest.mark.parametrize("answer", [Answer.refusal(), Answer(content=[CALL], stop_reason="tool_use")])
@pytest.mark.parametrize("full", [False, True])
def test_an_answer_without_a_text_leaves_a_session_that_the_service_takes(answer, full):
    talk = ({"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."})
    session = Session("sonnet", messages=talk, context_used=999_900 if full else None)
    with MessagesServer([answer, "Done."]) as server:
        for status in (None, "unchecked"):
            step = session.next_step(META)
            result = execute(step.decision, client=server.client(), options=Options(messages=step.messages))
            assert status in (None, result.status)
            session.finish(step, result)
    assert session.messages[-1] == {"role": "assistant", "content": "Done."}
    assert all(message["content"] for message in session.messages)
