"""Many runs at once, a fifth of their requests failing: nothing is lost, done twice, or unaccounted for."""

from __future__ import annotations

import asyncio
import random

import pytest

from tierwise import predict_tier
from tierwise.classifier.errors import CallError
from tierwise.router.run import AsyncDriver, Limits, Options, RunResult, aexecute, checks
from tierwise.testing import Answer, Fault, MessagesServer

DECISION = predict_tier("Tag these 40 tickets by product area, JSON out", verifiable=True)
FAULTS = [
    Fault.error(429, retry_after_s=0.01),
    Fault.error(529),
    Fault.error(500),
    Fault.reset(),
    Fault.cut(),
]


def unruly(seed, faults):
    """A fifth of the requests meet a fault, a fifth of the others an answer that fails the check."""
    chance = random.Random(seed)

    def answer(request):
        if chance.random() < 0.2:
            return chance.choice(faults)
        return Answer("[]") if chance.random() < 0.8 else Answer("Sure!")

    return answer


async def run_all(server, n_tasks, limits):
    async with server.async_client() as client:
        driver = AsyncDriver(client)

        async def one(number):
            messages = [{"role": "user", "content": f"Task {number}"}]
            options = Options(stream=True, messages=messages)
            check = checks.json_schema()
            try:
                return await aexecute(DECISION, client=driver, check=check, options=options, limits=limits)
            except CallError as error:
                return error

        return await asyncio.gather(*(one(number) for number in range(n_tasks)))


def check_all(results, server, n_tasks):
    attempts = [attempt for result in results for attempt in result.attempts]
    assert len(results) == n_tasks
    assert all(isinstance(result, (RunResult, CallError)) for result in results)
    assert (
        sum(isinstance(result, RunResult) and result.status == "passed" for result in results) > 0.9 * n_tasks
    )
    assert sum(attempt.n_requests for attempt in attempts) == len(server.calls)
    assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd, rel=1e-9)
    delivered = [call for call in server.calls if call.status == 200 and call.is_delivered]
    assert len(delivered) == sum(attempt.status == "completed" for attempt in attempts)
    good = [call.request["messages"][0]["content"] for call in delivered if call.usage["output_tokens"] == 1]
    assert len(good) == len(set(good))  # no task passes twice


def test_two_hundred_at_once_end_in_a_result_or_a_typed_error_and_costs_agree_to_the_cent():
    with MessagesServer(unruly(1, FAULTS)) as server:
        limits = Limits(max_retries=6, first_backoff_s=0.01, timeout_s=240)
        results = asyncio.run(run_all(server, 200, limits))
        check_all(results, server, 200)


@pytest.mark.slow
def test_a_thousand_at_once_with_timeouts_too():
    with MessagesServer(unruly(2, [*FAULTS, Fault.hang()])) as server:
        limits = Limits(max_retries=6, first_backoff_s=0.05, timeout_s=60, deadline_s=600)
        results = asyncio.run(run_all(server, 1000, limits))
        check_all(results, server, 1000)
