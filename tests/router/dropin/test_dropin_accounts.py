"""What a wrapped client logs agrees with what the server saw: the SDK's retries, timeouts, a retired model."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import anthropic
import pytest

import tierwise
from tierwise import Ladder, Policy
from tierwise.testing import Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
HAIKU, OLD, UNPRICED = "claude-haiku-5-5", "claude-haiku-4-9", "claude-haiku-4-5"


def asking(**more):
    return {"model": "auto", "max_tokens": 200, "messages": [{"role": "user", "content": TAG}], **more}


@pytest.fixture
def server():
    with MessagesServer("[]") as running:
        yield running


@pytest.fixture(params=["blocking", "asyncio"])
def create(request, server, tmp_path):
    """One routed call: the message or what was raised, and the attempt in the log."""

    def blocking(options, policy, given):
        made = server.client(max_retries=2, **options)
        with tierwise.wrap(made, policy=policy, log=tmp_path / "log.db") as client:
            found = caught(lambda: client.messages.create(**asking(**given)))
            return found, client.router.log.attempts()

    def caught(call):
        try:
            return call()
        except anthropic.AnthropicError as error:
            return error

    async def running(options, policy, given):
        made = server.async_client(max_retries=2, **options)
        async with tierwise.wrap(made, policy=policy, log=tmp_path / "log.db") as client:
            try:
                found = await client.messages.create(**asking(**given))
            except anthropic.AnthropicError as error:
                found = error
            return found, client.router.log.attempts()

    def call(policy=None, options=None, **given):
        if request.param == "blocking":
            found, attempts = blocking(options or {}, policy, given)
        else:
            found, attempts = asyncio.run(running(options or {}, policy, given))
        [attempt] = attempts
        return found, attempt

    return call


@pytest.fixture
def no_waits(monkeypatch):
    """The SDK's own waits between two requests."""
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.0)
    monkeypatch.setattr("anthropic._base_client.MAX_RETRY_DELAY", 0.0)


def test_requests_that_all_fail_are_counted(create, server, no_waits):
    server.then(*[Fault.error(529)] * 3)
    found, attempt = create()
    assert isinstance(found, anthropic.OverloadedError)
    assert attempt.n_requests == len(server.calls) == 3
    assert (attempt.error, attempt.cost_is_exact) == ("ServiceBusy", True)


def test_resets_that_all_fail_are_counted(create, server, no_waits):
    server.then(*[Fault.reset()] * 3)
    found, attempt = create()
    assert isinstance(found, anthropic.APIConnectionError)
    assert attempt.n_requests == len(server.calls) == 3
    assert (attempt.error, attempt.cost_is_exact) == ("NotReachable", False)


@pytest.mark.parametrize(
    ("fault", "is_exact"), [(Fault.hang(), False), (Fault.reset(), False), (Fault.error(529), True)]
)
def test_the_cost_is_exact_unless_an_earlier_request_may_have_used_tokens(
    create, server, no_waits, fault, is_exact
):
    server.then(fault)
    found, attempt = create(options={"timeout": 1.5})
    assert found.content[0].text == "[]"
    assert (attempt.status, attempt.n_requests, attempt.cost_is_exact) == ("completed", 2, is_exact)
    assert attempt.cost_usd == pytest.approx(server.cost_usd)


def test_a_call_is_not_inexact_because_of_the_one_before(create, server, no_waits):
    _, attempt = create()
    assert (attempt.n_requests, attempt.cost_is_exact) == (1, True)


def ladder(first):
    """Haiku's rung is another, that `HAIKU` or sonnet replaces."""
    shipped = Ladder.load()
    return Policy(ladder=replace(shipped, rungs=(replace(shipped.rungs[0], **first), *shipped.rungs[1:])))


def test_the_successor_of_a_retired_model_gets_a_request_in_its_own_shape(create, server, no_waits):
    """A fixed budget of thinking, which the retired one took; effort, which it didn't."""
    sonnet = Ladder.load().rungs[1]
    assert "thinking_budget" not in sonnet.accepts
    policy = ladder(
        {"model": OLD, "replaced_by": sonnet.model, "accepts": ("thinking", "thinking_budget", "sampling")}
    )
    server.then(Fault.error(529))
    # the server doesn't know OLD and says 404
    found, attempt = create(
        policy,
        thinking={"type": "enabled", "budget_tokens": 2000},
        max_tokens=4000,
        output_config={"effort": "low"},
    )
    asked = server.calls[-1].request
    assert asked["model"] == sonnet.model
    assert asked["thinking"] == {"type": "adaptive"}
    assert asked["output_config"] == {"effort": "low"}
    assert found.tierwise.tier == "haiku"
    assert attempt.model == sonnet.model
    assert attempt.n_requests == len(server.calls)
    assert attempt.cost_is_exact
    assert attempt.cost_usd == pytest.approx(server.cost_usd)


def test_a_successor_that_is_not_served_either_is_the_sdks_own_error(create, server, no_waits):
    found, attempt = create(ladder({"model": OLD, "replaced_by": "claude-haiku-4-8"}))
    assert isinstance(found, anthropic.NotFoundError)
    assert (attempt.error, attempt.n_requests) == ("ModelNotServed", 2)
    assert [call.status for call in server.calls] == [404, 404]


def test_a_successor_without_prices_makes_the_cost_inexact(create, server, no_waits):
    _, attempt = create(ladder({"model": OLD, "replaced_by": UNPRICED}))
    assert (attempt.model, attempt.n_requests, attempt.cost_is_exact) == (UNPRICED, 2, False)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_web_search_makes_the_cost_inexact(create, server, no_waits, streamed):
    """It is charged by the piece, in no ladder; a stream says so at its end."""
    searched = {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}
    used = {"input_tokens": 9, "output_tokens": 3}
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": HAIKU, "content": [],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {**used, **searched},
    }  # fmt: skip
    body, kind = json.dumps(message), "application/json"
    if streamed:
        start = {"type": "message_start", "message": {**message, "stop_reason": None, "usage": used}}
        end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {**used, **searched}}
        events = (start, end, {"type": "message_stop"})
        body = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
        kind = "text/event-stream"
    server.then(Fault.body(body, content_type=kind))
    _, attempt = create(**({"max_tokens": 60_000} if streamed else {}))
    assert (attempt.status, attempt.cost_is_exact) == ("completed", False)


def test_a_model_that_is_found_retired_is_not_asked_first_again(server, tmp_path):
    """Nor in streams, nor by a copy; but by another account, which may be served it."""
    sonnet = Ladder.load().rungs[1].model
    policy = ladder({"model": OLD, "replaced_by": sonnet})
    with tierwise.wrap(server.client(), policy=policy, log=tmp_path / "log.db") as client:
        client.messages.create(**asking())
        with client.messages.stream(**asking()) as stream:
            assert stream.get_final_message().tierwise.tier == "haiku"
        client.with_options(timeout=9.0).messages.create(**asking())
        assert [call.status for call in server.calls] == [404, 200, 200, 200]
        attempts = client.router.log.attempts()
        assert sorted(each.n_requests for each in attempts) == [1, 1, 2]
        assert {(each.model, each.cost_is_exact) for each in attempts} == {(sonnet, True)}
        assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)
        with pytest.raises(anthropic.AuthenticationError):
            client.with_options(api_key="sk-ant-another").messages.create(**asking())
        assert client.router.log.attempts()[-1].model == OLD


def test_a_model_whose_successor_gave_no_answer_is_asked_again(server, tmp_path):
    policy = ladder({"model": OLD, "replaced_by": "claude-haiku-4-8"})
    with tierwise.wrap(server.client(), policy=policy, log=tmp_path / "log.db") as client:
        for _ in range(2):
            with pytest.raises(anthropic.NotFoundError):
                client.messages.create(**asking())
    assert [call.model for call in server.calls] == [OLD, "claude-haiku-4-8"] * 2


def counting():
    return {"model": "auto", "messages": asking()["messages"]}


def test_tokens_are_counted_for_the_successor_of_a_retired_model(server, tmp_path):
    policy = ladder({"model": OLD, "replaced_by": HAIKU})
    with tierwise.wrap(server.client(), policy=policy) as client:
        assert client.messages.count_tokens(**counting()).input_tokens > 0

    async def running():
        async with tierwise.wrap(server.async_client(), policy=policy) as client:
            return await client.messages.count_tokens(**counting())

    assert asyncio.run(running()).input_tokens > 0
    assert [(call.model, call.status) for call in server.calls] == [(OLD, 404), (HAIKU, 200)] * 2
    alone = tierwise.wrap(server.client(), policy=ladder({"model": OLD}))
    with alone, pytest.raises(anthropic.NotFoundError):
        alone.messages.count_tokens(**counting())
