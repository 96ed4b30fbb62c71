"""Many tasks with a journal: each is run once, the summary agrees with the server, the same call goes on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tierwise import Policy, Router, Task
from tierwise.classifier.errors import InvalidRequest, InvalidTask, JournalError
from tierwise.router.run import Limits, Options, checks
from tierwise.router.run.jobs import arun_many, run_many
from tierwise.testing import Answer, Fault, MessagesServer

CHECK = checks.json_schema({"type": "array"})
TEXTS = [f"Tag ticket {number} by product area, JSON out" for number in range(12)]


def text_of(request):
    return request["messages"][0]["content"]


def haiku_fails_at(*numbers):
    """Haiku's answer to these tickets is no JSON."""
    wrong = {TEXTS[number] for number in numbers}
    return {"haiku": lambda request: "Sure!" if text_of(request) in wrong else "[1]", "*": "[2]"}


@pytest.fixture
def claude():
    with MessagesServer(haiku_fails_at(3, 7)) as server:
        yield server


@pytest.fixture
def router(claude):
    with Router(client=claude.client()) as router:
        yield router


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_agrees(summary, server):
    """The summary with the server's own count, to the call and the cent."""
    attempts = [attempt for result in summary.results for attempt in result.attempts]
    assert sum(attempt["n_requests"] for attempt in attempts) == len(server.calls)
    assert summary.cost_usd == pytest.approx(server.cost_usd, abs=1e-12)
    assert sum(result.cost_usd for result in summary.results) == pytest.approx(server.cost_usd, abs=1e-12)


def test_each_task_is_run_once_and_the_same_call_again_runs_none(router, claude, tmp_path):
    seen = []
    path = tmp_path / "job.jsonl"
    first = run_many(router, TEXTS, journal=path, check=CHECK, on_result=seen.append)
    assert [result.number for result in first.results] == list(range(1, 13))
    assert (first.by_status, first.by_tier) == ({"passed": 12}, {"haiku": 10, "sonnet": 2})
    assert (first.n_tasks, first.n_new, first.n_left, first.stopped) == (12, 12, 0, None)
    assert sorted(result.number for result in seen) == list(range(1, 13))
    assert first.results[3].text == "[2]"
    assert [attempt["verdict"] for attempt in first.results[3].attempts] == ["failed", "clean"]
    assert_agrees(first, claude)
    n_calls, content = len(claude.calls), path.read_text()
    again = run_many(router, TEXTS, journal=path, check=CHECK, on_result=seen.append)
    assert len(claude.calls) == n_calls
    assert (again.n_new, again.results, len(seen)) == (0, first.results, 12)
    assert path.read_text() == content
    assert not any(text in content for text in TEXTS)  # answers, but no prompts


def test_in_asyncio_it_is_the_same_and_hooks_of_the_caller_may_be_async(claude, tmp_path):
    seen = []

    async def on_result(result):
        await asyncio.sleep(0)
        seen.append(result)

    async def run():
        async with claude.async_client() as client:
            with Router(client=client) as router:
                return await arun_many(
                    router, TEXTS, journal=tmp_path / "job", check=CHECK, concurrency=5, on_result=on_result
                )

    summary = asyncio.run(run())
    assert (summary.by_status, summary.by_tier, len(seen)) == (
        {"passed": 12},
        {"haiku": 10, "sonnet": 2},
        12,
    )
    assert_agrees(summary, claude)


def test_the_summary_says_what_one_tier_for_everything_would_have_cost(router, tmp_path, ladder):
    summary = run_many(router, TEXTS[:3], journal=None)
    by_tier = {rung.tier: rung.prices[0] for rung in ladder.rungs}
    usage = [result.attempts[-1]["usage"] for result in summary.results]
    for tier in ("sonnet", "opus"):
        price = by_tier[tier]
        dollars = sum(
            each["input_tokens"] * price.input + each["output_tokens"] * price.output for each in usage
        )
        assert summary.would_cost_usd[tier] == pytest.approx(dollars / 1e6)
        assert summary.saved_usd[tier] == pytest.approx(dollars / 1e6 - summary.cost_usd)
    assert summary.saved_usd["opus"] > summary.saved_usd["sonnet"] > 0


def test_tasks_are_known_again_by_id_or_by_content_wherever_they_stand(router, claude, tmp_path):
    path = tmp_path / "job"
    rows = [{"id": "a", "specification": TEXTS[0]}, TEXTS[1], Task(TEXTS[1]), {"specification": TEXTS[2]}]
    first = run_many(router, rows, journal=path)
    assert (first.results[0].key, len({result.key for result in first.results})) == ("a", 4)
    moved = [TEXTS[5], rows[3], rows[1], rows[0], rows[2]]
    again = run_many(router, moved, journal=path)
    assert (again.n_new, len(claude.calls)) == (1, 5)
    assert [result.number for result in again.results] == [1, 2, 3, 4, 5]
    changed = [{"id": "a", "specification": TEXTS[6]}]
    with pytest.raises(JournalError, match="Task 1 has the id 'a', which is another task in the journal"):
        run_many(router, changed, journal=path)
    assert len(claude.calls) == 5


def test_concurrency_is_a_bound():
    running, most = 0, 0

    async def check(text):
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.02)
        running -= 1
        return True

    async def run(server):
        async with server.async_client() as client:
            with Router(client=client) as router:
                return await arun_many(router, TEXTS, journal=None, check=check, concurrency=3)

    with MessagesServer() as server:
        assert asyncio.run(run(server)).by_status == {"passed": 12}
    assert most == 3


def test_a_task_that_a_program_does_asks_nobody(router, claude):
    summary = run_many(router, [{"specification": "Move the files", "deterministic": True}], journal=None)
    assert (summary.by_status, summary.cost_usd, claude.calls) == ({"no_model": 1}, 0.0, ())


def test_options_and_limits_reach_every_task(router, claude):
    run_many(
        router, TEXTS[:2], journal=None, options=Options(system="Be brief."), limits=Limits(max_attempts=1)
    )
    assert [call.request["system"] for call in claude.calls] == ["Be brief."] * 2


def test_an_error_is_the_result_of_its_task_and_the_next_run_tries_it_again(claude, tmp_path):
    path = tmp_path / "job"
    claude.then(Fault.error(400, "No."))
    with Router(client=claude.client()) as router:
        first = run_many(router, TEXTS[:4], journal=path, concurrency=1)
        assert (first.by_status, first.n_left) == ({"error": 1, "unchecked": 3}, 1)
        assert (first.results[0].error, first.results[0].was_in_flight) == ("RequestRefused", False)
        second = run_many(router, TEXTS[:4], journal=path)
    assert (second.by_status, second.n_new, second.n_left) == ({"unchecked": 4}, 1, 0)
    assert second.in_flight == ()
    assert len(claude.calls) == 5


def test_a_tier_that_failed_before_the_error_is_not_paid_again(claude, tmp_path):
    path, limits = tmp_path / "job", Limits(max_retries=0)
    with Router(client=claude.client()) as router:
        claude.then(Answer("Sure!"), Fault.error(529))
        first = run_many(router, TEXTS[:1], journal=path, check=CHECK, limits=limits)
        second = run_many(router, TEXTS[:1], journal=path, check=CHECK, limits=limits)
    assert first.results[0].error == "ServiceBusy"
    assert [call.model for call in claude.calls] == [
        "claude-haiku-5-5",
        "claude-sonnet-5-5",
        "claude-sonnet-5-5",
    ]
    assert_agrees(second, claude)


def test_a_model_that_stood_in_for_a_retired_one_and_failed_is_not_paid_again(tmp_path, ladder):
    sonnet = ladder.rungs[1].model
    retired = replace(ladder.rungs[0], model="claude-haiku-4-5", replaced_by=sonnet)
    policy = Policy(ladder=replace(ladder, rungs=(retired, *ladder.rungs[1:])))
    given = {"journal": tmp_path / "job", "check": checks.json_schema(), "limits": Limits(max_retries=0)}
    with MessagesServer({"sonnet": "Sure!", "opus": [Fault.error(500), "[]"]}) as server:
        for status in ("error", "passed"):
            with Router(policy=policy, client=server.client()) as router:
                summary = run_many(router, ["Tag a ticket, JSON out"], **given)
            assert summary.by_status == {status: 1}
        asked = [call.model for call in server.calls if call.model != retired.model]
    assert asked == [sonnet, ladder.rungs[2].model, ladder.rungs[2].model]


@pytest.mark.parametrize(
    ("tasks", "options", "error", "message"),
    [
        ("one text", {}, InvalidTask, "for one task use Router.run"),
        ([3], {}, InvalidTask, "Task 1: expected a text, a mapping or a Task; got int"),
        (["a", {"itmes": 3}], {}, InvalidTask, "Task 2: Unknown fact 'itmes'; did you mean 'items'?"),
        ([{"id": [], "specification": "a"}], {}, InvalidTask, "Task 1: id must be a text or a whole number"),
        ([{"id": 1, "specification": "a"}] * 2, {}, InvalidTask, "Tasks 1 and 2 have the same id '1'"),
        (["a"], {"concurrency": 0}, InvalidRequest, "concurrency must be a whole number >= 1; got 0"),
        (["a"], {"concurrency": True}, InvalidRequest, "concurrency must be"),
        (["a"], {"max_usd": -1}, InvalidRequest, "max_usd must be a number >= 0; got -1"),
        (["a"], {"max_usd": float("nan")}, InvalidRequest, "max_usd must be a number >= 0; got nan"),
        (["a"], {"check": 3}, InvalidRequest, "A check is a function"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    router, claude, tmp_path, tasks, options, error, message
):
    path = tmp_path / "job"
    with pytest.raises(error, match=message.replace("?", r"\?")):
        run_many(router, tasks, journal=path, **options)
    assert (claude.calls, path.exists()) == ((), False)


def test_a_client_of_the_other_world_is_refused_at_once(claude, tmp_path):
    async def run():
        async with claude.async_client() as client:
            with Router(client=client) as router, pytest.raises(InvalidRequest, match="AsyncAnthropic"):
                run_many(router, TEXTS, journal=tmp_path / "job")

    asyncio.run(run())
    assert not (tmp_path / "job").exists()
