"""Answers with status 200 that are no message: typed errors, in the log, with a cost that is not exact."""

from __future__ import annotations

import asyncio
import json

import pytest

import tierwise
from tierwise import Router
from tierwise.classifier.errors import ServiceFailed
from tierwise.router.log import OutcomeLog
from tierwise.router.run import Limits, Options
from tierwise.testing import Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
QUICK = Limits(first_backoff_s=0.001, max_retries=1)
EVENTS = "text/event-stream; charset=utf-8"
USAGE = {"input_tokens": 5, "output_tokens": 3}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "[]"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}


def but(**changed):
    return json.dumps({key: value for key, value in {**MESSAGE, **changed}.items() if value != "left out"})


def stream(*events):
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)


START = {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def delta(text, index=0):
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


END = {"type": "content_block_stop", "index": 0}
LAST = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
STOP = {"type": "message_stop"}

BODIES = {
    "[]": "it is of type list",
    "null": "it is missing",
    "{}": "content is missing",
    but(usage="left out"): "usage is missing",
    but(usage=[]): "usage is of type list",
    but(usage={}): "usage.input_tokens is missing",
    but(usage={**USAGE, "input_tokens": "5"}): "usage.input_tokens is of type str",
    but(usage={**USAGE, "output_tokens": -5}): "usage.output_tokens is the number -5",
    but(usage={**USAGE, "output_tokens": 1.5}): "usage.output_tokens is the number 1.5",
    but(usage={**USAGE, "input_tokens": 10**30}): "usage.input_tokens is the number 1e",
    but(usage={**USAGE, "cache_read_input_tokens": "x"}): "usage.cache_read_input_tokens is of type str",
    but(usage={**USAGE, "cache_creation": "x"}): "usage.cache_creation is of type str",
    but(
        usage={**USAGE, "output_tokens_details": {"thinking_tokens": "x"}}
    ): "usage.output_tokens_details.thinking_tokens is of type str",
    but(content=None): "content is missing",
    but(content="text"): "content is of type str",
    but(content=[None]): "content.0 has no type",
    but(content=[{"type": "text"}]): "content.0.text is missing",
    but(content=[{"type": "text", "text": 5}]): "content.0.text is the number 5",
    but(stop_reason=["x"]): "stop_reason is of type list",
    but(stop_reason="a\x00b"): "stop_reason is no name",
}
BROKEN = [  # events, or what stands in their place
    "",
    ": ping\n\n",
    stream({"type": "ping"}),
    stream(STOP),
    stream(BLOCK, delta("x")),
    stream({"type": "message_start", "message": None}),
    stream(START),
    stream(START, delta("x"), STOP),
    stream(START, BLOCK, delta("x", index=7)),
    stream(START, BLOCK, delta(None)),
    stream(START, BLOCK, delta("x"), END, {**LAST, "delta": None}),
    stream(START, BLOCK, delta("x"), END, {**LAST, "usage": None}, STOP),
    "event: message_start\ndata: 5\n\n",
    "event: message_start\ndata: {nonsense\n\n",
    but(),  # a whole message, where events were asked for
]


@pytest.fixture(scope="module")
def server():
    with MessagesServer("[]") as running:
        yield running


@pytest.fixture
def plain_log(tmp_path):
    with OutcomeLog(tmp_path / "log.db") as made:
        yield made


def run(server, log, is_async, options=None):
    if not is_async:
        return Router(log=log, client=server.client()).run(TAG, limits=QUICK, options=options)

    async def go():
        async with server.async_client() as client:
            return await Router(log=log, client=client).arun(TAG, limits=QUICK, options=options)

    return asyncio.run(go())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_message_is_said_and_logged(server, plain_log, body, is_async):
    server.then(Fault.body(body))
    with pytest.raises(ServiceFailed, match="not with a message.*base_url") as caught:
        run(server, plain_log, is_async)
    assert BODIES[body] in str(caught.value)
    assert (caught.value.n_requests, caught.value.cost_is_exact) == (1, False)
    [row] = plain_log.attempts()
    assert (row.status, row.error, row.n_requests, row.cost_is_exact) == ("error", "ServiceFailed", 1, False)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("body", BROKEN)
def test_a_stream_without_a_whole_message_is_asked_again(server, plain_log, body, is_async):
    n_before = len(server.calls)
    server.then(Fault.body(body, content_type=EVENTS))
    result = run(server, plain_log, is_async, Options(stream=True))
    assert (result.text, result.attempts[0].n_requests) == ("[]", 2)
    assert len(server.calls) - n_before == 2
    [row] = plain_log.attempts()
    assert (row.status, row.n_requests, row.cost_is_exact) == ("completed", 2, False)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("body", BROKEN[:3])
def test_a_service_that_only_sends_empty_streams_is_an_error_that_names_base_url(
    server, plain_log, body, is_async
):
    server.then(*[Fault.body(body, content_type=EVENTS)] * 2)
    with pytest.raises(ServiceFailed, match="broke off.*base_url") as caught:
        run(server, plain_log, is_async, Options(stream=True))
    assert (caught.value.n_requests, caught.value.cost_is_exact) == (2, False)
    assert [row.error for row in plain_log.attempts()] == ["ServiceFailed"]


def test_events_of_other_kinds_before_the_message_are_passed_over(server, plain_log):
    whole = stream({"type": "of_next_year"}, START, BLOCK, delta("fine"), END, LAST, STOP)
    server.then(Fault.body(whole, content_type=EVENTS))
    result = run(server, plain_log, False, Options(stream=True))
    assert (result.text, result.attempts[0].n_requests) == ("fine", 1)


@pytest.mark.parametrize("body", [but(usage="left out"), but(content=None), but(id=[5]), but(stop_reason=[])])
def test_a_wrapped_client_hands_on_what_the_sdk_made_of_it(server, plain_log, body):
    server.then(Fault.body(body))
    with tierwise.wrap(server.client(), log=plain_log) as client:
        message = client.messages.create(
            model="auto", max_tokens=100, messages=[{"role": "user", "content": TAG}]
        )
        assert message.tierwise.tier == "haiku"
    [row] = plain_log.attempts()
    assert row.cost_is_exact == (body == but(id=[5]))


@pytest.mark.parametrize("is_async", [False, True])
def test_a_page_of_a_proxy_is_handed_on_and_stands_in_the_log(server, plain_log, is_async):
    server.then(Fault.body("<html>Sign in</html>", content_type="text/html"))
    given = {"model": "auto", "max_tokens": 100, "messages": [{"role": "user", "content": TAG}]}

    async def go():
        async with tierwise.wrap(server.async_client(), log=plain_log) as client:
            return await client.messages.create(**given)

    if is_async:
        found = asyncio.run(go())
    else:
        with tierwise.wrap(server.client(), log=plain_log) as client:
            found = client.messages.create(**given)
    assert found == "<html>Sign in</html>"
    [row] = plain_log.attempts()
    assert (row.status, row.n_requests, row.cost_is_exact) == ("broken_off", 1, False)


@pytest.mark.parametrize("body", [but(usage="left out"), but(content=None), "{}"])
def test_an_item_of_a_batch_that_is_no_message_is_an_error(server, plain_log, tmp_path, body):
    server.then(Fault.body(body))
    with Router(log=plain_log, client=server.client()) as router:
        job = router.submit_batch(["Tag ticket 1, JSON out"], journal=tmp_path / "journal")
        [result] = router.collect_batch(job)
    assert (result.status, result.detail, result.cost_is_exact) == ("error", "not_a_message", False)
