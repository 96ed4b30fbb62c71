"""Router.arun many times at once, a fifth of all requests failing: log and server agree to the call and the cent."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tierwise import OutcomeLog, Router
from tierwise.classifier.errors import CallError
from tierwise.router.run import Limits, Options, RunResult, checks
from tierwise.testing import Answer, Fault, MessagesServer

FAULTS = [
    Fault.error(429, retry_after_s=0.01),
    Fault.error(529),
    Fault.reset(),
    Fault.cut(),
]
TYPES = ("ticket-tags", "product-tags", None)


def unruly(seed, faults):
    """A fifth of the requests meet a fault, a fifth of the others an answer that fails the check."""
    chance = random.Random(seed)

    def answer(request):
        if chance.random() < 0.2:
            return chance.choice(faults)
        return Answer("[]") if chance.random() < 0.8 else Answer("Sure!")

    return answer


async def run_all(server, n_tasks, limits, log):
    """In streams: what an answer that broke off has cost is known from its beginning."""
    async with server.async_client() as client, Router(client=client, log=log) as router:

        async def one(number):
            text = f"Tag these 40 tickets by product area, JSON out. Part {number}."
            try:
                return await router.arun(
                    text,
                    task_type=TYPES[number % 3],
                    check=checks.json_schema(),
                    options=Options(stream=True),
                    limits=limits,
                )
            except CallError as error:
                return error

        results = await asyncio.gather(*(one(number) for number in range(n_tasks)))
        assert router.unlogged == 0
        return results


def check_all(results, server, log, n_tasks):
    assert len(results) == n_tasks
    assert all(isinstance(result, (RunResult, CallError)) for result in results)
    passed = [result for result in results if isinstance(result, RunResult) and result.status == "passed"]
    assert len(passed) > 0.9 * n_tasks
    attempts = [attempt for result in results for attempt in result.attempts]

    logged = log.attempts()
    assert sum(each.n_requests for each in logged) == len(server.calls)
    assert sum(each.cost_usd for each in logged) == pytest.approx(server.cost_usd, rel=1e-9)
    by_model = Counter(call.model for call in server.calls)
    assert Counter({model: n for model, n in _requests_by_model(logged).items() if n}) == by_model
    key = lambda each: (each.decision_id, each.number)  # noqa: E731
    assert sorted(map(key, logged)) == sorted(map(key, attempts))
    assert len({key(each) for each in logged}) == len(attempts)
    assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd, rel=1e-9)

    frame = log.to_pandas()
    verdicts = Counter(attempt.verdict for attempt in attempts if attempt.verdict is not None)
    assert Counter(frame["verdict"]) == verdicts
    assert set(frame["basis"]) == {"check"}
    delivered = [call for call in server.calls if call.status == 200 and call.is_delivered]
    assert len(delivered) == sum(each.status == "completed" for each in logged)
    good = [call.request["messages"][0]["content"] for call in delivered if call.usage["output_tokens"] == 1]
    assert len(good) == len(set(good)) == len(passed)  # no task passes twice


def _requests_by_model(logged):
    found = Counter()
    for each in logged:
        found[each.model] += each.n_requests
    return found


def test_a_hundred_at_once_end_in_a_result_or_a_typed_error_and_the_log_agrees_to_the_cent(tmp_path):
    with MessagesServer(unruly(1, FAULTS)) as server, OutcomeLog(tmp_path / "log.db") as log:
        limits = Limits(max_retries=6, first_backoff_s=0.01, timeout_s=240)
        check_all(asyncio.run(run_all(server, 100, limits, log)), server, log, 100)


@pytest.mark.slow
def test_a_thousand_at_once_with_timeouts_too(log_url):
    # hangs are rare, because each takes the timeout; and that is long, so that on a busy machine no request
    # of a thousand at once meets it on its way to the server, which then could not count it
    faults = [*FAULTS * 3, Fault.hang()]
    with MessagesServer(unruly(2, faults)) as server, OutcomeLog(log_url) as log:
        limits = Limits(max_retries=6, first_backoff_s=0.05, timeout_s=150, deadline_s=1_500)
        check_all(asyncio.run(run_all(server, 1_000, limits, log)), server, log, 1_000)
