"""`tierwise.wrap` of an AsyncAnthropic."""

from __future__ import annotations

import asyncio
from functools import wraps

import anthropic
import pytest
from anthropic.lib.streaming import AsyncMessageStreamManager

import tierwise
from tierwise import OutcomeLog
from tierwise.testing import Answer, Fault, MessagesServer

TEXT = "Tag these 40 tickets by product area"
ASKING = {"model": "auto", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]}
ANSWER = Answer("word " * 200, input_tokens=900, cache_read_tokens=100)


@pytest.fixture
def server():
    with MessagesServer(answers=ANSWER) as running:
        yield running


def in_asyncio(test):
    """The test's coroutine, with a wrapped client that has a log."""

    @wraps(test)
    def run(server, tmp_path, **more):
        async def go():
            async with server.async_client() as given:
                with OutcomeLog(tmp_path / "log.db") as log:
                    client = tierwise.wrap(given, log=log)
                    try:
                        await test(client, server, **more)
                    finally:
                        await client.router.aclose()

        asyncio.run(go())

    del run.__wrapped__  # pytest asks for the names of the arguments
    return run


def check_noted(client, server):
    (attempt,) = client.router.log.attempts()
    assert attempt.cost_usd == pytest.approx(server.calls[0].cost_usd)
    assert (attempt.output_tokens, attempt.status, attempt.cost_is_exact) == (250, "completed", True)


@in_asyncio
async def test_a_message(client, server):
    assert isinstance(client, anthropic.AsyncAnthropic)
    message = await client.messages.create(**ASKING, tierwise={"task_type": "tags"})
    assert (type(message), message.tierwise.tier) == (anthropic.types.Message, "haiku")
    check_noted(client, server)
    await client.record_outcome(message, "corrected")
    assert client.router.log.history("tags") == {"haiku": (0, 1)}
    second = await client.messages.create(**ASKING, tierwise={"follows": message})
    assert second.tierwise.tier == "sonnet"


@in_asyncio
async def test_events_of_a_stream(client, server):
    stream = await client.messages.create(**ASKING, stream=True)
    assert type(stream) is anthropic.AsyncStream
    events = [event async for event in stream]
    assert client.decision_of(events[0]) == stream.tierwise
    check_noted(client, server)


@in_asyncio
async def test_the_stream_helper(client, server):
    manager = client.messages.stream(**ASKING)
    assert isinstance(manager, AsyncMessageStreamManager)
    async with manager as stream:
        assert "".join([text async for text in stream.text_stream]) == ANSWER.text
        final = await stream.get_final_message()
    assert final.tierwise == stream.tierwise == client.decision_of(final.id)
    check_noted(client, server)


@in_asyncio
async def test_raw_responses(client, server):
    raw = await client.messages.with_raw_response.create(**ASKING)
    assert client.decision_of(await raw.parse()) == raw.tierwise
    check_noted(client, server)


@in_asyncio
async def test_a_response_that_is_read_later(client, server):
    async with client.with_streaming_response.messages.create(**ASKING) as response:
        assert response.tierwise.tier == "haiku"
        await response.read()
    check_noted(client, server)


@in_asyncio
async def test_a_long_answer_is_streamed_inside(client, server):
    message = await client.messages.create(**{**ASKING, "max_tokens": 64_000})
    assert (message.tierwise.tier, server.calls[0].request["stream"]) == ("haiku", True)
    check_noted(client, server)


@in_asyncio
async def test_a_stream_that_is_left(client, server):
    async with client.messages.stream(**ASKING) as stream:
        await anext(aiter(stream))
    await client.router.aclose()
    assert [each.status for each in client.router.log.attempts()] == ["broken_off"]


@in_asyncio
async def test_a_call_that_is_cancelled_may_have_cost_something(client, server):
    server.then(Fault.hang(30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await client.messages.create(**ASKING)
    await client.router.aclose()
    (attempt,) = client.router.log.attempts()
    assert (attempt.status, attempt.cost_is_exact) == ("broken_off", False)


@in_asyncio
async def test_errors_are_the_sdks_own(client, server):
    server.then(Fault.error(429))
    with pytest.raises(anthropic.RateLimitError):
        await client.messages.create(**ASKING)
    assert [each.error for each in client.router.log.attempts()] == ["ServiceBusy"]


@in_asyncio
async def test_other_models_and_counts(client, server):
    named = await client.messages.create(**{**ASKING, "model": "claude-opus-5-5"})
    assert not hasattr(named, "tierwise")
    counted = await client.messages.count_tokens(model="auto", messages=ASKING["messages"])
    assert counted.input_tokens > 0
    assert [call.model for call in server.calls] == ["claude-opus-5-5", "claude-haiku-5-5"]
    assert client.router.log.attempts() == []


@in_asyncio
async def test_parse_and_options(client, server):
    server.then('{"n": 3}')
    message = await client.with_options(timeout=9).messages.parse(**ASKING, output_format=dict[str, int])
    assert (message.parsed_output, message.tierwise.tier) == ({"n": 3}, "haiku")


@in_asyncio
async def test_many_at_once(client, server):
    messages = await asyncio.gather(*(client.messages.create(**ASKING) for _ in range(60)))
    assert len({message.tierwise.decision_id for message in messages}) == 60
    attempts = client.router.log.attempts()
    assert len(attempts) == len(server.calls) == 60
    assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)
