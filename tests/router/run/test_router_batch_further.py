"""Items of a batch whose answer is no good: cut off, they get more room; failed, they go up, all together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from batch_runs import IS_JSON, KIND, TASKS
from pipeline_runs import QUICK, prompt_of

from tierwise import Router, Task
from tierwise.classifier.errors import DeadlineExceeded, InvalidRequest
from tierwise.router.run import Grade, Limits, Options
from tierwise.testing import Answer, MessagesServer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "job.jsonl"


def test_a_cut_off_answer_gets_more_room_on_its_tier_with_or_without_a_check(log, path):
    def short(request):
        return Answer("[1,", stop_reason="max_tokens") if request["max_tokens"] < 1_000 else "[1]"

    with MessagesServer(short) as server, server.client() as client:
        with Router(log=log, client=client) as router:
            job = router.submit_batch(TASKS, journal=path, options=Options(max_tokens=100))
            results = router.collect_batch(job, limits=QUICK)
        assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd)
    assert {(each.status, each.tier, each.escalated_from) for each in results} == {
        ("unchecked", "haiku", None)
    }
    assert {tuple(each["max_tokens"] for each in result.attempts) for result in results} == {(100, 400, 1600)}
    assert {each["mode"] for result in results for each in result.attempts[:1]} == {"batch"}
    assert all(result.decision_id == result.id for result in results)  # one decision, tried three times
    assert Counter((each.number, each.status) for each in log.attempts()) == {
        (1, "cut_off"): 5,
        (2, "cut_off"): 5,
        (3, "completed"): 5,
    }
    assert log.stats().n_decisions == 5


def test_more_room_ends_at_the_ceiling_and_the_answer_stays_cut_off(log, path):
    with MessagesServer(Answer("[1,", stop_reason="max_tokens")) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path, options=Options(max_tokens=100))
        limits = Limits(max_tokens_ceiling=300)
        (result,) = router.collect_batch(job, check=IS_JSON, limits=limits)
    assert (result.status, result.verdict) == ("cut_off", "cut_off")
    assert [each["max_tokens"] for each in result.attempts] == [100, 300]
    assert log.history(KIND) == {}


def test_what_was_cut_off_and_then_fails_goes_up(log, path):
    def said(request):
        if "haiku" in request["model"]:
            return Answer("[1,", stop_reason="max_tokens") if request["max_tokens"] < 200 else "Sure!"
        return "[1]"

    with MessagesServer(said) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path, options=Options(max_tokens=100))
        (result,) = router.collect_batch(job, check=IS_JSON, limits=QUICK)
    tried = [(each["tier"], each["max_tokens"], each["verdict"]) for each in result.attempts]
    assert tried == [("haiku", 100, "cut_off"), ("haiku", 400, "failed"), ("sonnet", 400, "clean")]
    assert (result.status, result.escalated_from) == ("passed", "haiku")
    rows = log.to_pandas(columns=["decision_id", "follows", "tier", "verdict"])
    assert rows.verdict.tolist() == ["failed", "clean"]
    assert rows.follows.tolist()[1] == rows.decision_id.tolist()[0] == result.id


@pytest.mark.parametrize("is_async", [False, True])
def test_items_that_fail_go_up_together(log, path, is_async):
    """Forty answers of 0.2 s one after another would take 8 s."""
    tasks = [
        Task(f"Tag ticket {number} by product area, JSON out", KIND, verifiable=True) for number in range(40)
    ]

    def check(text):
        return text == "[]"

    async def collected(server):
        async with server.async_client() as client, Router(log=log, client=client) as router:
            job = await router.asubmit_batch(tasks, journal=path)
            return await router.acollect_batch(job, check=check, limits=QUICK, concurrency=10)

    with MessagesServer({"haiku": "Sure!", "*": Answer("[]", delay_s=0.2)}) as server:
        started = time.monotonic()
        if is_async:
            results = asyncio.run(collected(server))
        else:
            with server.client() as client, Router(log=log, client=client) as router:
                job = router.submit_batch(tasks, journal=path)
                results = router.collect_batch(job, check=check, limits=QUICK, concurrency=10)
        took_s = time.monotonic() - started
        assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd)
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    assert {(result.status, result.escalated_from) for result in results} == {("passed", "haiku")}
    assert took_s < 40 * 0.2
    assert log.history(KIND)["haiku"] == (0, 40)


@pytest.mark.parametrize("concurrency", [0, True, "4"])
def test_how_many_at_once_is_a_whole_number(tmp_path, path, concurrency):
    with MessagesServer("[]") as server, server.client() as client, Router(client=client) as router:
        job = router.submit_batch(TASKS, journal=path)
        with pytest.raises(InvalidRequest, match="concurrency must be a whole number >= 1"):
            router.collect_batch(job, concurrency=concurrency)


def slow_above(n_slow):
    """Haiku's answers are no good; so many at the tier above come too late."""
    seen = Counter()

    def script(request):
        if "haiku" in request["model"]:
            return "Sure!"
        seen["above"] += 1
        return Answer("[1]", delay_s=1.0 if seen["above"] <= n_slow else 0.0)

    return script


def test_what_timed_out_above_is_counted_and_its_cost_is_not_exact(log, path):
    limits = Limits(timeout_s=0.3, max_retries=0, max_attempts=2)
    with MessagesServer(slow_above(3)) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path)
        for _ in range(3):  # more than max_attempts: an outage is no attempt at the task
            with pytest.raises(DeadlineExceeded):
                router.collect_batch(path, check=IS_JSON, limits=limits)
        (result,) = router.collect_batch(job, check=IS_JSON, limits=limits)
    assert (result.status, result.tier, result.was_in_flight) == ("passed", "sonnet", False)
    assert (result.n_requests, result.cost_is_exact) == (5, False)
    assert [each["status"] for each in result.attempts] == ["completed", *["error"] * 3, "completed"]
    assert [each.number for each in log.attempts()] == [1, 2, 3, 4, 5]
    assert sum(each.n_requests for each in log.attempts()) == 5


def test_requests_of_checks_and_of_all_tiers_are_counted(log, path):
    def said(request):
        no = '{"passes": false, "reason": "It names a brand."}'
        return no if "<criteria>" in prompt_of(request) else "[1]"

    with MessagesServer(said) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path)
        grade = Grade("opus", "No brand is named.")
        (result,) = router.collect_batch(job, check=grade, limits=Limits(max_attempts=2))
        n_calls = sum(call.endpoint in ("messages", "batch_item") for call in server.calls)
    assert (result.status, result.n_requests, result.cost_is_exact) == ("failed", n_calls, True)
    assert n_calls == 4


def test_good_answers_that_died_with_their_process_use_up_no_attempts(log, path):
    """Killed between the attempt's line and the item's, again and again."""
    limits = Limits(max_attempts=2)
    with MessagesServer({"haiku": "Sure!", "sonnet": "[1]", "opus": "[1]"}) as server:
        with server.client() as client, Router(log=log, client=client) as router:
            router.submit_batch(TASKS[:1], journal=path)
            for _ in range(3):
                (result,) = router.collect_batch(path, check=IS_JSON, limits=limits)
                assert result.status == "passed"
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                assert '"kind": "done"' in lines[-1]
                path.write_text("".join(lines[:-1]), encoding="utf-8")
            (result,) = router.collect_batch(path, check=IS_JSON, limits=limits)
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    assert (result.status, result.was_in_flight, len(result.attempts)) == ("passed", True, 5)
    assert result.cost_usd == pytest.approx(server.cost_usd)
