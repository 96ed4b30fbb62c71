"""The loopback server, through the real SDK: what it answers and what it refuses."""

from __future__ import annotations

from contextlib import suppress

import anthropic
import pytest

from tierwise import Ladder
from tierwise.testing import Answer, Fault, MessagesServer, tokens_in

HAIKU = "claude-haiku-5-5"
HELLO = {"model": HAIKU, "max_tokens": 100, "messages": [{"role": "user", "content": "Say hello to Ada."}]}


@pytest.fixture
def server():
    with MessagesServer() as running:
        yield running


def test_a_message_has_text_usage_and_a_recorded_call(server):
    server.then("Hello Ada.")
    message = server.client().messages.create(**HELLO)
    assert (message.content[0].text, message.stop_reason, message.model) == ("Hello Ada.", "end_turn", HAIKU)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (tokens_in(HELLO), 3)
    (call,) = server.calls
    assert (call.endpoint, call.status, call.model, call.request["max_tokens"]) == (
        "messages",
        200,
        HAIKU,
        100,
    )
    assert call.cost_usd == server.cost_usd == pytest.approx((5 * 0.10 + 3 * 0.50) / 1e6)


def test_a_stream_arrives_in_pieces_and_ends_with_the_same_message(server):
    text = "A long answer. " * 40
    server.then(Answer(text, output_tokens=70))
    with server.client().messages.stream(**HELLO) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == message.content[0].text == text
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 70)
    assert server.calls[0].usage["output_tokens"] == 70


async def _stream_of(client, request):
    async with client, client.messages.stream(**request) as stream:
        return await stream.get_final_message()


def test_the_async_client_is_served_too(server):
    import asyncio

    message = asyncio.run(_stream_of(server.async_client(), HELLO))
    assert message.content[0].text == "Done."


def test_scripts_are_a_text_a_list_a_function_or_one_of_these_per_model_or_tier(ladder):
    script = {
        "haiku": ["first", "second"],
        "claude-sonnet-5-5": lambda request: request["messages"][0]["content"].upper(),
        "*": "other",
    }
    with MessagesServer(script) as server:
        client = server.client()

        def ask(model):
            return client.messages.create(**{**HELLO, "model": model}).content[0].text

        assert [ask(HAIKU) for _ in range(3)] == ["first", "second", "second"]
        assert ask("claude-sonnet-5-5") == "SAY HELLO TO ADA."
        assert ask("claude-opus-5-5") == "other"


def test_limits_cut_answers_as_the_api_does(ladder):
    with MessagesServer("x" * 1000) as server:
        message = server.client().messages.create(**{**HELLO, "max_tokens": 10})
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 10)
    assert len(message.content[0].text) == 40
    with MessagesServer(Answer("x" * 1000, input_tokens=999_990)) as server:
        message = server.client().messages.create(**HELLO)
    assert (message.stop_reason, message.usage.output_tokens) == ("model_context_window_exceeded", 10)


def test_a_refusal_is_a_message_without_content(server):
    server.then(Answer.refusal())
    message = server.client().messages.create(**HELLO)
    assert (message.stop_reason, message.content, message.stop_details.type) == ("refusal", [], "refusal")


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"extra_body": {"temperature": 0.2}}, anthropic.BadRequestError, "temperature"),
        ({"extra_body": {"banana": 1}}, anthropic.BadRequestError, "banana: Extra inputs are not permitted"),
        ({"max_tokens": 128_001, "timeout": 60}, anthropic.BadRequestError, "128001 > 128000"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "greater than or equal to 1"),
        ({"messages": []}, anthropic.BadRequestError, "at least one message"),
        ({"messages": [{"role": "user", "content": ""}]}, anthropic.BadRequestError, "non-empty content"),
        (
            {"messages": [{"role": "king", "content": "x"}]},
            anthropic.BadRequestError,
            "'user' or 'assistant'",
        ),
        ({"messages": [{"role": "assistant", "content": "x"}]}, anthropic.BadRequestError, "first message"),
        ({"output_config": {"effort": "huge"}}, anthropic.BadRequestError, "effort"),
        ({"output_config": {"format": {"type": "xml"}}}, anthropic.BadRequestError, "json_schema"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, anthropic.BadRequestError, "adaptive"),
        ({"thinking": {"type": "deep"}}, anthropic.BadRequestError, "thinking.type"),
        ({"messages": [{"role": "user", "content": "x" * 4_000_004}]}, anthropic.BadRequestError, "too long"),
        ({"model": "claude-3-opus"}, anthropic.NotFoundError, "model: claude-3-opus"),
    ],
)
def test_what_the_api_refuses_is_refused_and_costs_nothing(server, changes, error, match):
    with pytest.raises(error, match=match):
        server.client().messages.create(**{**HELLO, **changes})
    assert (server.calls[-1].status, server.cost_usd) == (error.status_code, 0.0)


USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "seen"}]}
HI = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("messages", "match"),
    [
        ([RESULT], "`tool_result` without its `tool_use`"),
        ([HI, USE, HI], "`tool_use` without its `tool_result`"),
        ([HI, USE, HI, RESULT], "`tool_use` without its `tool_result`"),
        (
            [{"role": "user", "content": [{"type": "text", "text": ""}]}],
            "text content blocks must be non-empty",
        ),
    ],
)
def test_a_tools_use_and_its_result_stand_together(server, messages, match):
    """A conversation that is cut in the wrong place is refused."""
    create = server.client().messages.create
    with pytest.raises(anthropic.BadRequestError, match=match):
        create(**{**HELLO, "messages": messages})
    assert create(**{**HELLO, "messages": [HI, USE, RESULT]}).stop_reason == "end_turn"
    assert create(**{**HELLO, "messages": [HI, USE]}).stop_reason == "end_turn"


def test_a_model_accepts_only_what_its_rung_names():
    from dataclasses import replace

    haiku, *others = Ladder.load().rungs
    plain = Ladder("plain", (replace(haiku, accepts=("sampling", "thinking_budget")), *others))
    with MessagesServer(ladder=plain) as server:
        create = server.client().messages.create
        thinking = {"type": "enabled", "budget_tokens": 1024}
        create(**{**HELLO, "max_tokens": 2000, "thinking": thinking, "extra_body": {"temperature": 0.2}})
        for refused in (
            {"output_config": {"effort": "low"}},
            {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
            {"thinking": {"type": "adaptive"}},
            {"thinking": thinking},  # not below max_tokens
            {"thinking": {"type": "enabled", "budget_tokens": 10}},
        ):
            with pytest.raises(anthropic.BadRequestError):
                create(**{**HELLO, **refused})


def test_retired_models_wrong_keys_and_wrong_addresses_are_refused(server):
    server.retire(HAIKU)
    with pytest.raises(anthropic.NotFoundError, match="model: claude-haiku"):
        server.client().messages.create(**HELLO)
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        server.client(api_key="sk-wrong").messages.create(**HELLO)
    with pytest.raises(anthropic.NotFoundError):
        server.client(base_url=f"{server.url}/elsewhere").messages.create(**HELLO)


def test_tokens_are_counted_without_a_message(server):
    request = {"model": HAIKU, "messages": HELLO["messages"], "system": "Be brief."}
    assert server.client().messages.count_tokens(**request).input_tokens == tokens_in(request) == 7
    assert server.calls[0].endpoint == "count_tokens"
    with pytest.raises(anthropic.BadRequestError):
        server.client().messages.count_tokens(**request, extra_body={"max_tokens": 1})


def test_models_are_listed_with_their_limits_and_what_they_accept(server, ladder):
    server.retire("claude-opus-5-5")
    client = server.client()
    found = {model.id: model for model in client.models.list(limit=2)}  # two pages
    assert list(found) == [HAIKU, "claude-sonnet-5-5", "claude-fable-5-2"]
    haiku = found[HAIKU]
    assert (haiku.line, haiku.max_tokens, haiku.max_input_tokens) == ("haiku", 128_000, 1_000_000)
    assert haiku.capabilities.effort.supported
    assert not haiku.capabilities.thinking.types.enabled.supported
    assert [model.lifecycle for model in client.models.list(lifecycle=["retired"])] == ["retired"]
    assert client.models.retrieve("claude-opus-5-5").lifecycle == "retired"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-0")


def test_the_server_must_run_to_have_an_address():
    with pytest.raises(RuntimeError, match="start"):
        MessagesServer().client()


def test_it_can_be_started_again_and_keeps_its_record():
    server = MessagesServer(["one", Fault.error(500)])
    for _ in range(2):
        with server, suppress(anthropic.InternalServerError):
            server.client().messages.create(**HELLO)
    assert [call.status for call in server.calls] == [200, 500]
