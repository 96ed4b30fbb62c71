"""A session that runs out of context: a smaller tier does what it can, and the session goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise import Ladder, Policy, Router, Session, predict_tier
from tierwise.classifier.errors import InvalidTask
from tierwise.router.run import Options, execute
from tierwise.testing import MessagesServer

META = "Write the meta description of this article, at most 155 characters, JSON out"
PLAN = "Weigh our three strategies for entering the Japanese market and recommend one"
TALK = (
    {"role": "user", "content": "Let's write an article about our bakery. " * 50},
    {"role": "assistant", "content": "Here is the draft. " * 400},
    {"role": "user", "content": "Make it warmer."},
    {"role": "assistant", "content": "Warmer draft. " * 400},
)
WINDOW = Ladder.load().rungs[1].context_window_tokens
FULL = {"messages": TALK, "context_used": WINDOW - 100}


def test_while_there_is_room_the_session_goes_on():
    session = Session("sonnet", messages=TALK)
    step = session.next_step(META)
    assert (step.where, step.return_to, step.left_out) == ("session", None, 0)
    assert step.messages == (*TALK, {"role": "user", "content": META})
    assert (session.context_window, session.room) == (WINDOW, WINDOW - session.context_used)


def test_a_full_session_hands_a_clear_step_to_a_smaller_tier_and_says_where_to_return():
    step = Session("sonnet", **FULL).next_step(META, material=["The article."])
    assert (step.where, step.decision.tier, step.return_to) == ("fresh_window", "haiku", "sonnet")
    assert "fresh_window" in step.decision.reasons
    assert step.messages == ({"role": "user", "content": f"The article.\n\n{META}"},)
    assert step.left_out == len(TALK)


def test_a_full_session_goes_on_in_a_new_one_where_no_smaller_tier_is_sure():
    session = Session("sonnet", **FULL)
    step = session.next_step(PLAN)
    assert (step.where, step.return_to) == ("new_session", None)
    assert step.decision.tier >= "sonnet"
    assert step.messages == (*TALK, {"role": "user", "content": PLAN})  # they fit half a window
    session.finish(step, "The first one.")
    assert (session.tier, len(session.messages), session.room > WINDOW / 2) == (step.decision.tier, 6, True)


def test_what_does_not_fit_half_a_window_is_left_behind_from_the_old_end_on():
    long = tuple(
        {"role": role, "content": f"{number} " + "word " * 20_000}
        for number in range(30)
        for role in ("user", "assistant")
    )
    step = Session("haiku", messages=long).next_step(PLAN, ceiling="haiku")
    assert step.where == "new_session"
    assert step.messages[0] == long[0]
    kept = step.messages[1:-1]
    assert kept == long[len(long) - len(kept) :]
    assert (kept[0]["role"], step.left_out) == ("user", len(long) - 1 - len(kept))
    window = Ladder.load().rungs[0].context_window_tokens
    assert sum(len(each["content"]) for each in step.messages) / 4 < window * 0.51
    assert len(kept) > 2


def test_a_tools_result_is_not_handed_over_without_its_call():
    window = Ladder.load().rungs[0].context_window_tokens
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    back = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x" * window}],
    }
    last = ({"role": "user", "content": "And now?"}, {"role": "assistant", "content": "Now this."})
    big = {"role": "assistant", "content": "word " * (window // 3)}
    session = Session("haiku", messages=(TALK[0], big, call, back, *last), context_used=10**6)
    step = session.next_step(PLAN, ceiling="haiku")
    assert step.messages[1:-1] == last


def test_a_step_that_would_overflow_the_window_by_its_own_length_is_handed_over():
    session = Session("sonnet", messages=TALK, context_used=WINDOW - 10_000)
    assert session.next_step(META).where == "session"
    assert session.next_step(META + " word" * 20_000).where != "session"
    assert session.next_step(META, output_tokens=10_000).where == "fresh_window"


@pytest.mark.parametrize("with_router", [False, True])
def test_carried_out_through_the_sdk_it_comes_back_with_the_answer(log, with_router):
    with MessagesServer({"haiku": '{"meta": "Bread."}', "sonnet": "More."}) as server:
        router = Router(log=log) if with_router else None
        session = Session("sonnet", router=router, **FULL)
        step = session.next_step(META, material="The article.")
        result = execute(step.decision, client=server.client(), options=Options(messages=step.messages))
        assert server.calls[-1].request["model"] == step.decision.model
        session.finish(step, result)
        assert session.messages[-2:] == (
            {"role": "user", "content": META},
            {"role": "assistant", "content": '{"meta": "Bread."}'},
        )
        assert session.tier == "sonnet"
        assert WINDOW - 100 < session.context_used < WINDOW
        session = Session("sonnet", messages=TALK)
        step = session.next_step("Go on.")
        pinned = predict_tier("Go on.", pin="sonnet")
        message = execute(pinned, client=server.client(), options=Options(messages=step.messages)).message
        session.finish(step, message)
        usage = message.usage
        assert session.context_used == usage.input_tokens + usage.output_tokens  # as the service counted
    assert log.stats().n_decisions == (1 if with_router else 0)


def test_bad_input_is_said():
    with pytest.raises(InvalidTask, match="sonet"):
        Session("sonet")
    ladder = Ladder.load()
    bare = replace(ladder, rungs=tuple(replace(rung, context_window_tokens=None) for rung in ladder.rungs))
    with pytest.raises(InvalidTask, match="no context window of 'sonnet'; give context_window="):
        Session(policy=Policy(ladder=bare))
    assert Session(policy=Policy(ladder=bare), context_window=1000, context_used=990).room == 10
    with pytest.raises(InvalidTask, match="itms"):
        Session().next_step(META, itms=3)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"context_used": -1}, "context_used must be a whole number >= 0; got -1"),
        ({"context_used": 1.5}, "context_used must be a whole number >= 0; got 1.5"),
        ({"context_used": True}, "context_used must be a whole number"),
        ({"context_window": "1000"}, "context_window must be a whole number >= 0; got '1000'"),
        ({"context_window": 0}, "context_window must be a whole number > 0; got 0"),
        ({"messages": "hello"}, "messages must be a list, as messages.create takes it; got str"),
        ({"messages": 3}, "messages must be a list.*got int"),
        ({"messages": TALK[0]}, "messages must be a list.*got dict"),
        ({"messages": [*TALK, "hello"]}, r"messages\[4\] must be a mapping.*got str"),
        ({"messages": [{"content": "hello"}]}, r"messages\[0\].*it has no role"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\].*it has no content"),
        ({"messages": [{"role": "user", "content": None}]}, r"messages\[0\].*its content is NoneType"),
    ],
)
def test_what_is_no_session_is_said_when_it_is_made(given, found):
    with pytest.raises(InvalidTask, match=found) as caught:
        Session("sonnet", **given)
    assert "hello" not in str(caught.value)


@pytest.mark.parametrize("material", [3, None, {"a": "text"}, ["a", 3]])
def test_material_that_is_no_text_is_an_error(material):
    with pytest.raises(InvalidTask, match="material must be a text or a list of texts"):
        Session("sonnet", **FULL).next_step(META, material=material)


@pytest.mark.parametrize("where", [{"messages": TALK}, FULL], ids=["inside", "fresh window"])
def test_what_is_no_answer_leaves_the_session_as_it_was(where):
    session = Session("sonnet", **where)
    step, before = session.next_step(META, material="The article."), (session.messages, session.context_used)
    with pytest.raises(InvalidTask, match="answer must be a Message of the SDK.*got NoneType"):
        session.finish(step, None)
    assert (session.messages, session.context_used) == before
