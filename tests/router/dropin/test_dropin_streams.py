"""Streams and raw responses of a wrapped client: the SDK's own, with the decision; noted as they are read."""

from __future__ import annotations

import gc

import anthropic
import pytest
from anthropic.lib.streaming import MessageStream, MessageStreamManager

from tierwise.testing import Answer, Fault, MessagesServer

TEXT = "Tag these 40 tickets by product area"
HAIKU = "claude-haiku-5-5"
ASKING = {"model": "auto", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]}
ANSWER = Answer("word " * 200, input_tokens=900, cache_read_tokens=100, cache_write_5m_tokens=50)


@pytest.fixture
def server():
    with MessagesServer(answers=ANSWER) as running:
        yield running


@pytest.fixture
def attempts(client):
    return client.router.log.attempts


def check_noted(server, attempts):
    """One whole attempt, which costs what the server bills."""
    (attempt,) = attempts()
    (call,) = server.calls
    assert attempt.cost_usd == pytest.approx(call.cost_usd)
    assert (attempt.input_tokens, attempt.output_tokens) == (900, 250)
    assert (attempt.cache_read_tokens, attempt.cache_write_5m_tokens) == (100, 50)
    assert (attempt.status, attempt.stop_reason, attempt.cost_is_exact) == ("completed", "end_turn", True)


def test_events_of_a_stream(client, server, attempts):
    stream = client.messages.create(**ASKING, stream=True)
    assert type(stream) is anthropic.Stream
    assert stream.tierwise.tier == "haiku"
    events = list(stream)
    assert [event.type for event in events][:2] == ["message_start", "content_block_start"]
    assert client.decision_of(events[0]).decision_id == stream.tierwise.decision_id
    assert client.decision_of(events[0].message.id) == client.decision_of(stream)
    check_noted(server, attempts)


def test_the_stream_helper(client, server, attempts):
    manager = client.messages.stream(**ASKING)
    assert isinstance(manager, MessageStreamManager)
    assert server.calls == ()  # as the SDK, it asks when it is entered
    with manager as stream:
        assert type(stream) is MessageStream
        assert "".join(stream.text_stream) == ANSWER.text
        final = stream.get_final_message()
        assert stream.get_final_text() == ANSWER.text
    assert final.tierwise.decision_id == stream.tierwise.decision_id
    assert client.decision_of(final.id) == final.tierwise
    check_noted(server, attempts)


def test_a_raw_response(client, server, attempts):
    raw = client.messages.with_raw_response.create(**ASKING)
    assert type(raw) is anthropic.APIResponse
    assert raw.tierwise.tier == "haiku"
    assert client.decision_of(raw.parse()).decision_id == raw.tierwise.decision_id
    assert raw.headers["request-id"].startswith("req_")
    check_noted(server, attempts)


def test_a_raw_stream(client, server, attempts):
    stream = client.with_raw_response.messages.create(**ASKING, stream=True).parse()
    assert [event.type for event in stream][-1] == "message_stop"
    check_noted(server, attempts)


@pytest.mark.parametrize("how", ["read", "json", "text", "iter_bytes", "iter_lines", "parse"])
def test_a_response_that_is_read_later(client, server, attempts, how):
    with client.messages.with_streaming_response.create(**ASKING) as response:
        assert response.tierwise.tier == "haiku"
        assert attempts() == []
        found = getattr(response, how)()
        if how.startswith("iter"):
            list(found)
    check_noted(server, attempts)


def test_events_that_are_read_as_bytes(client, server, attempts):
    with client.messages.with_streaming_response.create(**ASKING, stream=True) as response:
        body = b"".join(response.iter_bytes(chunk_size=7))
    assert body.startswith(b"event: message_start")
    check_noted(server, attempts)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_response_that_nobody_reads_is_noted_as_unknown(client, attempts, streamed):
    with client.messages.with_streaming_response.create(**ASKING, stream=streamed):
        pass
    (attempt,) = attempts()
    assert (attempt.status, attempt.output_tokens, attempt.cost_is_exact) == ("broken_off", 0, False)


def test_a_stream_that_is_left_is_noted_with_what_was_announced(client, attempts):
    with client.messages.stream(**ASKING) as stream:
        next(iter(stream))
    (attempt,) = attempts()
    assert (attempt.status, attempt.input_tokens, attempt.cost_is_exact) == ("broken_off", 900, False)


def test_a_stream_that_is_dropped_is_closed_at_once(client, attempts):
    gc.disable()
    try:
        stream = client.messages.create(**ASKING, stream=True)
        response = stream.response
        next(iter(stream))
        del stream
        assert response.is_closed
    finally:
        gc.enable()
    assert [each.status for each in attempts()] == ["broken_off"]


def test_a_stream_that_breaks_off(client, server, attempts):
    server.then(Fault.cut())
    with pytest.raises(Exception, match="peer closed connection"), client.messages.stream(**ASKING) as stream:
        stream.until_done()
    (attempt,) = attempts()
    assert (attempt.status, attempt.cost_is_exact, attempt.stop_reason) == ("broken_off", False, None)
    assert attempt.input_tokens == server.calls[0].usage["input_tokens"] > 0


def test_an_error_before_the_stream(client, server, attempts):
    server.then(Fault.error(529))
    with pytest.raises(anthropic.OverloadedError), client.messages.stream(**ASKING):
        pass
    assert [(each.status, each.error) for each in attempts()] == [("error", "ServiceBusy")]


def test_more_tokens_than_the_sdk_waits_for_are_streamed_inside(client, server, attempts):
    given = {**ASKING, "max_tokens": 21_334}
    with pytest.raises(ValueError, match="Streaming is required"):
        server.client().messages.create(**{**given, "model": HAIKU})
    message = client.messages.create(**given)
    assert isinstance(message, anthropic.types.Message)
    assert (message.content[0].text, message.stop_reason) == (ANSWER.text, "end_turn")
    assert message.tierwise.tier == "haiku"
    assert server.calls[0].request["stream"] is True
    check_noted(server, attempts)


def test_with_a_timeout_of_its_own_a_long_answer_is_not_streamed(client, server):
    client.messages.create(**{**ASKING, "max_tokens": 30_000}, timeout=20)
    assert "stream" not in server.calls[0].request
    with pytest.raises(ValueError, match="Streaming is required"):  # a raw response can't be had otherwise
        client.messages.with_raw_response.create(**{**ASKING, "max_tokens": 30_000})


def test_other_models_stream_as_ever(client, server, attempts):
    with client.messages.stream(**{**ASKING, "model": HAIKU}) as stream:
        assert stream.get_final_text() == ANSWER.text
    assert not hasattr(stream, "tierwise")
    assert attempts() == []
