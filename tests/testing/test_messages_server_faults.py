"""Faults on demand, as the SDK sees them; batches; and a thousand clients at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import anthropic
import httpx2
import pytest

from tierwise import Ladder
from tierwise.testing import Answer, Fault, MessagesServer

HAIKU = "claude-haiku-5-5"
HELLO = {"model": HAIKU, "max_tokens": 100, "messages": [{"role": "user", "content": "Say hello to Ada."}]}


@pytest.fixture
def server():
    with MessagesServer() as running:
        yield running


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, anthropic.AuthenticationError),
        (402, anthropic.PaymentRequiredError),
        (403, anthropic.PermissionDeniedError),
        (413, anthropic.ContentTooLargeError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)
def test_error_statuses_come_as_the_sdks_own_errors_and_the_next_request_is_served(server, status, error):
    server.then(Fault.error(status, "Out of order.", retry_after_s=7))
    client = server.client()
    with pytest.raises(error, match=r"Out of order\.") as caught:
        client.messages.create(**HELLO)
    assert caught.value.type is not None
    assert caught.value.request_id.startswith("req_")
    assert caught.value.response.headers["retry-after"] == "7"
    assert client.messages.create(**HELLO).content[0].text == "Done."
    assert [(call.status, call.fault) for call in server.calls] == [(status, "error"), (200, None)]


def test_the_sdk_itself_retries_where_it_is_told_to(server):
    server.then(Fault.error(529, retry_after_s=0.01), Fault.reset())
    assert server.client(max_retries=2).messages.create(**HELLO).content[0].text == "Done."
    assert [call.status for call in server.calls] == [529, None, 200]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_reset_is_a_connection_error_and_costs_nothing(server, streamed):
    server.then(Fault.reset())
    with pytest.raises(anthropic.APIConnectionError) as caught:
        _ask(server.client(), streamed)
    assert "reset" in str(caught.value.__cause__)
    assert (server.cost_usd, server.calls[0].is_delivered) == (0.0, False)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_silent_server_meets_the_clients_timeout_and_bills_nothing(server, streamed):
    server.then(Fault.hang())
    with pytest.raises(anthropic.APITimeoutError):
        _ask(server.client(timeout=0.5), streamed)
    _wait_for_calls(server, 1)
    assert (server.calls[0].status, server.calls[0].fault, server.cost_usd) == (None, "hang", 0.0)


def test_a_cut_stream_bills_what_it_has_announced(server):
    server.then(Fault.cut())
    seen = []
    with pytest.raises(httpx2.RemoteProtocolError), server.client().messages.stream(**HELLO) as stream:
        seen.extend(stream.current_message_snapshot.usage for _ in stream)
    assert seen[-1].output_tokens == server.calls[0].usage["output_tokens"] == 1
    assert server.calls[0].cost_usd == pytest.approx((5 * 0.10 + 1 * 0.50) / 1e6)


def test_a_cut_body_is_billed_in_full_although_nobody_can_read_it(server):
    server.then(Fault.cut())
    with pytest.raises(anthropic.APIConnectionError):
        server.client().messages.create(**HELLO)
    assert server.cost_usd > 0
    assert not server.calls[0].is_delivered


def test_a_delayed_answer_is_billed_only_while_its_client_waits(server):
    server.then(Answer("late", delay_s=0.2), Answer("too late", delay_s=3600))
    assert server.client().messages.create(**HELLO).content[0].text == "late"
    with pytest.raises(anthropic.APITimeoutError):
        server.client(timeout=0.5).messages.create(**HELLO)
    _wait_for_calls(server, 2)
    assert [call.is_delivered for call in server.calls] == [True, False]


def test_a_batch_is_polled_and_has_a_result_per_item():
    script = [Answer("b"), Fault.error(500), Fault.expired(), Answer("a")]
    with MessagesServer(script, batch_polls=1) as server:
        batches = server.client().messages.batches
        items = [{"custom_id": f"item-{n}", "params": HELLO} for n in range(4)]
        items.append({"custom_id": "bad", "params": {**HELLO, "max_tokens": 0}})
        batch = batches.create(requests=items)
        assert batch.processing_status == batches.retrieve(batch.id).processing_status == "in_progress"
        ended = batches.retrieve(batch.id)
        assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 2)
        results = {each.custom_id: each.result for each in batches.results(batch.id)}
        assert Counter(result.type for result in results.values()) == {
            "succeeded": 2,
            "errored": 2,
            "expired": 1,
        }
        assert results["bad"].error.error.type == "invalid_request_error"
        assert [each.id for each in batches.list()] == [batch.id]
        items = [call for call in server.calls if call.endpoint == "batch_item" and call.status == 200]
        assert sum(call.cost_usd for call in items) == pytest.approx(2 * (5 * 0.05 + 1 * 0.25) / 1e6)
        batches.delete(batch.id)
        with pytest.raises(anthropic.NotFoundError):
            batches.retrieve(batch.id)


@pytest.mark.parametrize(
    ("rates", "usd"), [((0.02, 0.3), 0.02 * 5 + 0.3 * 3), ((None, None), 0.1 * 5 + 0.5 * 3)]
)
def test_a_batch_is_billed_at_the_ladders_own_rates(rates, usd):
    haiku = Ladder.load().rungs[0]
    step = replace(haiku.prices[-1], input=0.1, output=0.5, batch_input=rates[0], batch_output=rates[1])
    with MessagesServer("Hello Ada.", ladder=Ladder("one", (replace(haiku, prices=(step,)),))) as server:
        batches = server.client().messages.batches
        batches.retrieve(batches.create(requests=[{"custom_id": "a", "params": HELLO}]).id)
        [item] = [call for call in server.calls if call.endpoint == "batch_item"]
    assert (item.usage["input_tokens"], item.usage["output_tokens"]) == (5, 3)
    assert item.cost_usd == pytest.approx(usd / 1e6)


def test_results_are_not_there_before_the_batch_has_ended():
    with MessagesServer(batch_polls=5) as server:
        batches = server.client().messages.batches
        batch = batches.create(requests=[{"custom_id": "a", "params": HELLO}])
        with pytest.raises(anthropic.AnthropicError, match="results"):
            batches.results(batch.id)


def test_a_cancelled_batch_answers_nothing():
    with MessagesServer(batch_polls=10) as server:
        batches = server.client().messages.batches
        batch = batches.create(requests=[{"custom_id": "a", "params": HELLO}])
        assert batches.cancel(batch.id).processing_status == "canceling"
        batches.retrieve(batch.id)
        assert [each.result.type for each in batches.results(batch.id)] == ["canceled"]
        assert server.cost_usd == 0.0


@pytest.mark.parametrize(
    ("ids", "match"),
    [([], "at least one"), (["a", "a"], "unique"), (["a b"], "pattern"), (["x" * 65], "pattern")],
)
def test_batches_that_the_api_refuses_are_refused(server, ids, match):
    with pytest.raises(anthropic.BadRequestError, match=match):
        server.client().messages.batches.create(
            requests=[{"custom_id": each, "params": HELLO} for each in ids]
        )


def test_a_thousand_requests_at_once_are_all_served():
    async def ask_all(server):
        async with server.async_client(timeout=300) as client:
            asked = (client.messages.create(**HELLO) for _ in range(1000))
            return await asyncio.gather(*asked)

    with MessagesServer(Answer("ok", delay_s=0.5)) as server:
        messages = asyncio.run(ask_all(server))
        assert len({message.id for message in messages}) == len(server.calls) == 1000


def _ask(client, streamed):
    if not streamed:
        return client.messages.create(**HELLO)
    with client.messages.stream(**HELLO) as stream:
        return stream.get_final_message()


def _wait_for_calls(server, count):
    """The server notices a client that has left only at its next look."""
    import time

    ends_s = time.monotonic() + 60
    while len(server.calls) < count:
        assert time.monotonic() < ends_s
        time.sleep(0.02)
