"""Many runs at once, a fifth of the requests failing: the log is the server's own account."""

from __future__ import annotations

import asyncio
import random

import pytest

from tierwise import Router
from tierwise.classifier.errors import CallError
from tierwise.router.run import Limits, checks
from tierwise.testing import Answer, Fault, MessagesServer


@pytest.mark.parametrize("n_tasks", [80, pytest.param(1_000, marks=pytest.mark.slow)])
def test_every_task_ends_once_and_the_log_agrees_with_the_server(log, n_tasks):
    chance = random.Random(7)

    def answer(request):
        if chance.random() < 0.2:
            return chance.choice([Fault.error(429), Fault.error(529), Fault.reset(), Fault.error(500)])
        haiku = "haiku" in request["model"]
        return Answer("Sure!" if haiku and chance.random() < 0.3 else "[]")

    async def go(server):
        limits = Limits(first_backoff_s=0.01, max_retries=6, max_retry_after_s=0.1)
        async with server.async_client() as client, Router(log=log, client=client) as router:
            runs = [
                router.arun(
                    f"Tag ticket {number}, JSON out",
                    task_type="tags",
                    verifiable=True,
                    check=checks.json_schema(),
                    limits=limits,
                )
                for number in range(n_tasks)
            ]
            return await asyncio.gather(*runs, return_exceptions=True), router.unlogged

    with MessagesServer(answer) as server:
        results, unlogged = asyncio.run(go(server))
        rows = log.attempts()
        assert sum(row.cost_usd for row in rows) == pytest.approx(server.cost_usd)
        # with a thousand at once some connections time out before the server has taken them
        n_requests = sum(row.n_requests for row in rows)
        assert n_requests == len(server.calls) if n_tasks < 100 else n_requests >= len(server.calls)
    errors = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(error, CallError) for error in errors)
    attempts = [attempt for result in results for attempt in result.attempts]
    assert unlogged == 0
    assert sorted((row.decision_id, row.number) for row in rows) == sorted(
        (attempt.decision_id, attempt.number) for attempt in attempts
    )
    assert log.stats().n_outcomes == sum(attempt.verdict is not None for attempt in attempts)
