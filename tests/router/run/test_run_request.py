"""A task becomes a request in the shape of each tier's model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise import Ladder, Task
from tierwise.classifier.errors import InvalidRequest
from tierwise.router.run import Options, build_request
from tierwise.testing import MessagesServer

TASK = Task("Write meta descriptions for 12 posts, JSON out.")
SCHEMA = {"type": "array", "items": {"type": "string"}}
FULL = Options(
    system="You write for a bakery.",
    effort="low",
    thinking={"type": "enabled", "budget_tokens": 50_000},
    output_schema=SCHEMA,
    other={"stop_sequences": ["END"], "metadata": {"user_id": "u1"}},
)


def with_accepts(ladder, *accepts, **facts):
    return replace(ladder.rungs[0], accepts=accepts, **facts)


def test_the_specification_is_the_message_unless_messages_are_given(ladder):
    haiku = ladder.rungs[0]
    request = build_request(TASK, haiku)
    assert request.kwargs == {
        "model": "claude-haiku-5-5",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": TASK.specification}],
    }
    own = [{"role": "user", "content": "Hi"}]
    assert build_request(TASK, haiku, Options(messages=own)).kwargs["messages"] == own


@pytest.mark.parametrize(
    ("output_tokens", "given", "cap", "expected", "streamed"),
    [
        (None, None, 128_000, 8_192, False),
        (3_000, None, 128_000, 8_192, False),
        (10_666, None, 128_000, 21_332, False),
        (10_667, None, 128_000, 21_334, True),
        (100_000, None, 64_000, 64_000, True),
        (100_000, 500, 64_000, 500, False),
        (None, 100_000, 64_000, 64_000, True),
        (None, 100_000, None, 100_000, True),
    ],
)
def test_max_tokens_leaves_room_stays_under_the_cap_and_decides_on_the_stream(
    ladder, output_tokens, given, cap, expected, streamed
):
    rung = replace(ladder.rungs[0], max_output_tokens=cap)
    request = build_request(replace(TASK, output_tokens=output_tokens), rung, Options(max_tokens=given))
    assert (request.max_tokens, request.stream) == (expected, streamed)
    assert build_request(TASK, rung, Options(stream=True)).stream


def test_a_model_that_accepts_everything_gets_everything(ladder):
    rung = with_accepts(ladder, "effort", "thinking", "thinking_budget", "structured_outputs")
    request = build_request(TASK, rung, FULL)
    assert request.left_out == ()
    assert request.kwargs["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": SCHEMA},
    }
    assert request.kwargs["thinking"] == {"type": "enabled", "budget_tokens": 8191}  # below max_tokens
    assert request.kwargs["system"] == "You write for a bakery."
    assert request.kwargs["stop_sequences"] == ["END"]


def test_a_fixed_budget_becomes_adaptive_where_only_that_is_accepted(ladder):
    request = build_request(TASK, ladder.rungs[0], FULL)
    assert request.kwargs["thinking"] == {"type": "adaptive"}
    assert request.left_out == ("thinking.budget_tokens",)


def test_a_model_that_accepts_nothing_gets_the_schema_in_words(ladder):
    request = build_request(TASK, with_accepts(ladder), FULL)
    assert request.left_out == ("effort", "output_schema", "thinking.budget_tokens", "thinking")
    assert not {"output_config", "thinking"} & request.kwargs.keys()
    assert request.kwargs["system"].startswith("You write for a bakery.\n\nAnswer with one JSON value")
    assert '"items": {"type": "string"}' in request.kwargs["system"]
    blocks = [{"type": "text", "text": "You write."}]
    as_blocks = build_request(TASK, with_accepts(ladder), replace(FULL, system=blocks)).kwargs["system"]
    assert as_blocks[0] == blocks[0]
    assert as_blocks[1]["text"].startswith("Answer with one JSON value")
    assert build_request(TASK, with_accepts(ladder), Options(output_schema=SCHEMA)).kwargs["system"]


@pytest.mark.parametrize("kind", ["adaptive", "between_tools"])
def test_kinds_of_thinking_pass_where_thinking_is_accepted(ladder, kind):
    assert build_request(TASK, ladder.rungs[0], Options(thinking=kind)).kwargs["thinking"] == {"type": kind}
    assert "thinking" not in build_request(TASK, with_accepts(ladder), Options(thinking=kind)).kwargs


def test_thinking_can_be_switched_off_everywhere(ladder):
    request = build_request(TASK, with_accepts(ladder), Options(thinking="disabled"))
    assert request.kwargs["thinking"] == {"type": "disabled"}


def test_a_budget_has_no_room_under_a_small_max_tokens(ladder):
    rung = with_accepts(ladder, "thinking", "thinking_budget")
    assert build_request(TASK, rung, replace(FULL, max_tokens=1024)).kwargs["thinking"] == {
        "type": "adaptive"
    }


def test_one_set_of_options_is_served_by_every_tier_of_every_shape():
    """A swap of tier never breaks a call."""
    rungs = Ladder.load().rungs
    accepted = [
        (),
        ("effort",),
        ("thinking", "structured_outputs"),
        ("thinking_budget",),
        ("effort", "thinking", "thinking_budget", "structured_outputs"),
    ]
    for accepts in accepted:
        shaped = tuple(replace(rung, accepts=accepts, max_output_tokens=4000) for rung in rungs)
        with MessagesServer(ladder=Ladder("shaped", shaped)) as server:
            client = server.client()
            for rung in shaped:
                for options in (
                    FULL,
                    Options(effort="max", thinking="adaptive"),
                    Options(thinking="disabled"),
                ):
                    client.messages.create(**build_request(TASK, rung, options).kwargs)
            assert {call.status for call in server.calls} == {200}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"effort": "hgih"}, "effort must be one of low, .*; got 'hgih'; did you mean 'high'"),
        ({"thinking": "on"}, "thinking must be one of adaptive, "),
        ({"thinking": {"type": "enabled"}}, "needs budget_tokens"),
        ({"max_tokens": 0}, "whole number >= 1; got 0"),
        ({"max_tokens": True}, "got True"),
        ({"max_tokens": 1.5}, "got 1.5"),
        ({"messages": []}, "leave it out"),
        ({"other": {"temperature": 0}}, "'temperature' can't be passed on"),
        ({"other": {"tool": []}}, "did you mean 'tools'"),
        ({"other": {"model": "x"}}, "the decision's"),
    ],
)
def test_options_that_no_model_takes_are_refused_before_anything_is_sent(options, match):
    with pytest.raises(InvalidRequest, match=match):
        Options(**options)
