"""One answer: retries, waits and deadlines; stop reasons; typed errors without keys and prompts."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback

import pytest

from tierwise import Task
from tierwise.classifier.errors import (
    AccountRefused,
    CallError,
    DeadlineExceeded,
    ModelNotServed,
    NotReachable,
    RequestRefused,
    ServiceBusy,
    ServiceFailed,
)
from tierwise.router.run import AsyncDriver, Driver, Limits, Options, build_request
from tierwise.router.run._call import call_steps, status_of
from tierwise.router.run._drive import OUTSIDE
from tierwise.testing import Answer, Fault, MessagesServer

SECRET = "the recipe of grandmother Wilhelmine with seven secret herbs"
TASK = Task(f"Translate: {SECRET}")
QUICK = Limits(first_backoff_s=0.01, max_retries=3)


@pytest.fixture
def server():
    with MessagesServer() as running:
        yield running


def ask(server, ladder, *, limits=QUICK, options=None, client=None, is_async=False):
    rung = ladder.rungs[0]
    steps = call_steps(build_request(TASK, rung, options), rung, limits, OUTSIDE)
    if not is_async:
        return Driver(client or server.client()).run(steps)

    async def run():
        async with server.async_client() as own:
            return await AsyncDriver(own).run(steps)

    return asyncio.run(run())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_faults_that_pass_are_retried_and_every_request_is_accounted_for(server, ladder, streamed, is_async):
    server.then(Fault.error(529), Fault.reset(), Fault.error(429, retry_after_s=0.01), "Here it is.")
    answered = ask(server, ladder, options=Options(stream=streamed), is_async=is_async)
    assert (answered.message.content[0].text, answered.status) == ("Here it is.", "completed")
    assert answered.n_requests == len(server.calls) == 4
    assert answered.cost_usd == pytest.approx(server.cost_usd)
    assert answered.latency_ms > 0
    assert not answered.cost_is_exact  # a reset tells nobody what was used


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_that_breaks_off_is_asked_again_and_what_it_announced_is_counted(server, ladder, is_async):
    server.then(Fault.cut())
    answered = ask(server, ladder, options=Options(stream=True), is_async=is_async)
    assert (answered.n_requests, answered.cost_is_exact) == (2, False)
    assert answered.cost_usd == pytest.approx(server.cost_usd)


def test_a_client_that_retries_by_itself_is_not_allowed_to(server, ladder):
    server.then(*[Fault.error(500)] * 10)
    with pytest.raises(ServiceFailed):
        ask(
            server,
            ladder,
            limits=Limits(max_retries=1, first_backoff_s=0.01),
            client=server.client(max_retries=5),
        )
    assert len(server.calls) == 2


def test_a_long_retry_after_is_capped(server, ladder):
    server.then(Fault.error(429, retry_after_s=86_400))
    answered = ask(server, ladder, limits=Limits(max_retry_after_s=0.01))
    assert answered.n_requests == 2


def test_what_does_not_fit_into_the_deadline_is_not_waited_for(server, ladder):
    server.then(Fault.error(429, retry_after_s=3600))
    started = time.monotonic()
    with pytest.raises(ServiceBusy) as caught:
        ask(server, ladder, limits=Limits(deadline_s=300, max_retry_after_s=1e6))
    assert time.monotonic() - started < 300
    assert (caught.value.retry_after_s, caught.value.status, caught.value.n_requests) == (3600, 429, 1)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_silence_ends_at_the_deadline(server, ladder, streamed, is_async):
    server.then(*[Fault.hang()] * 9)
    limits = Limits(deadline_s=1.5, timeout_s=0.6, first_backoff_s=0.01)
    with pytest.raises(DeadlineExceeded) as caught:
        ask(server, ladder, limits=limits, options=Options(stream=streamed), is_async=is_async)
    assert 1 <= caught.value.n_requests <= 4
    assert not caught.value.cost_is_exact


def test_waits_double_are_jittered_and_never_exceed_the_cap():
    from tierwise.router.run._call import wait_s

    plain = CallError("x")
    waits = [wait_s(plain, n, Limits(), 0.0) for n in range(1, 8)]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8]
    assert wait_s(plain, 1, Limits(), 1.0) == 0.375
    assert wait_s(plain, 9, Limits(max_retry_after_s=2), 0.0) == 2
    assert wait_s(CallError("x", retry_after_s=90), 1, Limits(), 0.0) == 60


@pytest.mark.parametrize(
    ("stop_reason", "status"),
    [
        ("end_turn", "completed"),
        ("stop_sequence", "completed"),
        ("tool_use", "completed"),
        ("max_tokens", "cut_off"),
        ("model_context_window_exceeded", "cut_off"),
        ("refusal", "refused"),
        ("pause_turn", "pause_turn"),
        ("a_reason_of_next_year", "a_reason_of_next_year"),
    ],
)
def test_stop_reasons_are_mapped_and_unknown_ones_kept(server, ladder, stop_reason, status):
    server.then(Answer(stop_reason=stop_reason))
    assert ask(server, ladder).status == status
    assert status_of(None) == "unknown"


FAULTS = [
    (Fault.error(400, "max_tokens: too many"), RequestRefused, 1, r"max_tokens: too many \(HTTP 400"),
    (Fault.error(400, f"messages.0: {SECRET}"), RequestRefused, 1, r"messages.0: the … \(HTTP 400"),
    (Fault.error(401), AccountRefused, 1, "ANTHROPIC_API_KEY"),
    (Fault.error(402), AccountRefused, 1, "no credit"),
    (Fault.error(403), AccountRefused, 1, "may not do this"),
    (Fault.error(404), ModelNotServed, 1, "claude-haiku-5-5 is not served.*replaced_by"),
    (Fault.error(408), ServiceFailed, 4, "HTTP 408"),
    (Fault.error(409), ServiceFailed, 4, "HTTP 409"),
    (Fault.error(413), RequestRefused, 1, "HTTP 413"),
    (Fault.error(422), RequestRefused, 1, "HTTP 422"),
    (Fault.error(429), ServiceBusy, 4, "rate limit"),
    (Fault.error(500), ServiceFailed, 4, "HTTP 500"),
    (Fault.error(503), ServiceBusy, 4, "HTTP 503"),
    (Fault.error(504), ServiceFailed, 4, "gave up"),
    (Fault.error(529), ServiceBusy, 4, "overloaded_error"),
    (Fault.reset(), NotReachable, 4, r"connection broke: http://127\.0\.0\.1"),
    (Fault.cut(), NotReachable, 4, "RemoteProtocolError"),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("fault", "error", "n_requests", "match"), FAULTS)
def test_each_fault_has_its_error_without_key_and_prompt(
    ladder, caplog, fault, error, n_requests, match, is_async
):
    caplog.set_level(logging.DEBUG, logger="tierwise")
    with MessagesServer(fault, api_key="sk-ant-very-secret") as server:
        with pytest.raises(error, match=match) as caught:
            ask(server, ladder, is_async=is_async)
        assert len(server.calls) == caught.value.n_requests == n_requests
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + caplog.text
    assert "sk-ant-very-secret" not in shown
    assert "Wilhelmine" not in shown
    assert caught.value.about == "claude-haiku-5-5"
