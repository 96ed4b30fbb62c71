"""What ends a job early: its budget, the account, an outage, Ctrl-C. It says so, and the same call goes on."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time

import pytest

from tierwise import Router, Task
from tierwise.classifier.errors import AccountRefused, CallError
from tierwise.router.run import Limits, checks
from tierwise.router.run.jobs import arun_many, run_many
from tierwise.testing import Answer, Fault, MessagesServer

TEXTS = [f"Tag ticket {number} by product area, JSON out" for number in range(40)]
CHECK = checks.json_schema({"type": "array"})
PATIENT = Limits(max_retries=0, first_backoff_s=0.0)


def test_the_budget_ends_it_before_the_task_that_is_not_affordable_and_more_money_goes_on(tmp_path):
    path = tmp_path / "job"
    with MessagesServer(Answer("[1]", output_tokens=1_000)) as server:
        with Router(client=server.client()) as router:
            tasks = [{"specification": text, "output_tokens": 1_000} for text in TEXTS]
            one_usd = run_many(router, tasks[:1], journal=None).cost_usd
            before = server.cost_usd
            first = run_many(router, tasks, journal=path, max_usd=10.5 * one_usd)
            assert (first.stopped, first.n_left) == ("budget", 30)
            assert first.cost_usd == pytest.approx(server.cost_usd - before)
            assert first.cost_usd <= 10.5 * one_usd
            same = run_many(router, tasks, journal=path, max_usd=10.5 * one_usd)
            assert (same.stopped, same.n_new, same.n_left) == ("budget", 0, 30)
            whole = run_many(router, tasks, journal=path, max_usd=1_000 * one_usd)
            assert (whole.stopped, whole.n_new, whole.n_left) == (None, 30, 0)
            assert whole.cost_usd == pytest.approx(server.cost_usd - before)
        assert len(server.calls) == 41


def test_a_budget_of_nothing_sends_nothing(tmp_path):
    with MessagesServer() as server, Router(client=server.client()) as router:
        summary = run_many(router, TEXTS, journal=tmp_path / "job", max_usd=0)
        assert (summary.stopped, summary.n_left, server.calls) == ("budget", 40, ())


def test_what_a_program_does_costs_nothing_of_the_budget():
    with MessagesServer("[1]") as server, server.client() as client, Router(client=client) as router:
        tasks = [Task("Resize the images.", deterministic=True), "Tag ticket 7, JSON out"]
        summary = run_many(router, tasks, journal=None, max_usd=0.0)
        assert server.calls == ()
    assert (summary.by_status, summary.stopped) == ({"no_model": 1}, "budget")


def test_a_task_that_the_budget_stops_between_two_tiers_goes_on_at_the_higher_one(tmp_path):
    path = tmp_path / "job"
    with MessagesServer({"haiku": "Sure!", "*": "[2]"}) as server, Router(client=server.client()) as router:
        first = run_many(router, TEXTS[:1], journal=path, check=CHECK, max_usd=0.0005)
        assert (first.stopped, first.n_left, first.results) == ("budget", 1, ())
        assert [call.model for call in server.calls] == ["claude-haiku-5-5"]
        assert first.cost_usd == server.cost_usd > 0
        second = run_many(router, TEXTS[:1], journal=path, check=CHECK, max_usd=1)
        assert [call.model for call in server.calls] == ["claude-haiku-5-5", "claude-sonnet-5-5"]
    assert (second.by_status, second.by_tier, second.in_flight) == ({"passed": 1}, {"sonnet": 1}, ())
    assert second.cost_usd == pytest.approx(server.cost_usd)


def test_many_at_once_stay_within_the_budget(tmp_path):
    """Each takes a little less than is expected of it, half of them climb: no order of arrival overspends."""
    climbing = {"haiku": [Answer("Sure!", output_tokens=400), Answer("[1]", output_tokens=400)] * 30}

    async def run(server, max_usd):
        async with server.async_client() as client:
            with Router(client=client) as router:
                return await arun_many(
                    router, TEXTS, journal=tmp_path / "job", check=CHECK, concurrency=16, max_usd=max_usd
                )

    with MessagesServer({**climbing, "*": Answer("[2]", output_tokens=400)}) as server:
        spent = []
        for max_usd in (0.005, 0.01, 0.02, 1.0):
            summary = asyncio.run(run(server, max_usd))
            spent.append(summary.cost_usd)
            assert summary.cost_usd == pytest.approx(server.cost_usd)
            assert summary.cost_usd <= max_usd
            assert summary.stopped == ("budget" if max_usd < 1 else None)
        assert spent == sorted(set(spent))
        assert (summary.by_status, summary.in_flight) == ({"passed": 40}, ())


def test_a_limit_of_the_task_itself_is_a_result_and_does_not_end_the_job():
    with MessagesServer({"haiku": "Sure!", "*": "[2]"}) as server, Router(client=server.client()) as router:
        limits = Limits(max_usd=0.0005)
        summary = run_many(router, TEXTS[:5], journal=None, check=CHECK, limits=limits, max_usd=1)
    assert (summary.by_status, summary.stopped) == ({"failed": 5}, None)
    assert {result.stopped for result in summary.results} == {"budget"}


@pytest.mark.parametrize("key", ["sk-ant-wrong", "", "sk-ant-loopback\n"])
def test_a_refused_account_ends_it_at_once(tmp_path, key):
    path = tmp_path / "job"
    with MessagesServer() as server:
        with Router(client=server.client(api_key=key)) as router, pytest.raises(AccountRefused) as caught:
            run_many(router, TEXTS, journal=path, concurrency=4)
        assert len(server.calls) <= 4
        assert "sk-ant" not in str(caught.value)
        assert "sk-ant" not in path.read_text()
        with Router(client=server.client()) as router:
            summary = run_many(router, TEXTS, journal=path)
        assert (summary.by_status, summary.in_flight) == ({"unchecked": 40}, ())


def test_an_outage_ends_it_after_twenty_errors_in_a_row(tmp_path):
    path = tmp_path / "job"
    with MessagesServer() as server:
        server.then(Answer(), *[Fault.error(529)] * 30)
        with Router(client=server.client()) as router:
            first = run_many(router, TEXTS, journal=path, limits=PATIENT, concurrency=1)
            assert (first.stopped, first.n_left, len(server.calls)) == ("errors", 39, 21)
            assert first.by_status == {"unchecked": 1, "error": 20}
            server._playbook._once.clear()
            second = run_many(router, TEXTS, journal=path, limits=PATIENT)
    assert (second.stopped, second.by_status) == (None, {"unchecked": 40})


def test_a_wrong_base_url_is_an_outage_too_and_is_named(tmp_path):
    with MessagesServer() as server:
        client = server.client(base_url="http://127.0.0.1:9")  # nobody is there
        with Router(client=client) as router:
            summary = run_many(router, TEXTS, journal=tmp_path / "job", limits=PATIENT, concurrency=1)
    assert (summary.stopped, summary.n_left, summary.cost_usd) == ("errors", 40, 0.0)
    assert {result.error for result in summary.results} == {"NotReachable"}
    assert "http://127.0.0.1:9" in summary.results[0].detail
    assert "Check base_url" in summary.results[0].detail


def test_what_the_caller_raises_ends_it_when_what_is_in_flight_has_ended(tmp_path):
    path = tmp_path / "job"

    def on_result(result):
        raise RuntimeError("enough")

    with MessagesServer() as server, Router(client=server.client()) as router:
        with pytest.raises(RuntimeError, match="enough"):
            run_many(router, TEXTS, journal=path, concurrency=3, on_result=on_result)
        assert 1 <= len(server.calls) <= 6
        summary = run_many(router, TEXTS, journal=path)
        assert (len(server.calls), summary.in_flight) == (40, ())


def exits(*_):
    sys.exit("terminated")


@pytest.mark.parametrize(
    ("handler", "raised"), [(signal.default_int_handler, KeyboardInterrupt), (exits, SystemExit)]
)
def test_one_ctrl_c_or_exit_waits_for_what_is_in_flight_and_loses_nothing(tmp_path, handler, raised):
    path, before = tmp_path / "job", signal.signal(signal.SIGINT, handler)
    with MessagesServer(Answer("[1]", delay_s=0.3)) as server, Router(client=server.client()) as router:
        timer = threading.Timer(0.45, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        timer.start()
        try:
            with pytest.raises(raised):
                run_many(router, TEXTS, journal=path, concurrency=4)
        finally:
            signal.signal(signal.SIGINT, before)
        timer.join()
        n_calls = len(server.calls)
        assert 4 <= n_calls < 40
        assert path.read_text().count('"done"') == n_calls
        summary = run_many(router, TEXTS, journal=path, concurrency=40)
        assert (len(server.calls), summary.in_flight, summary.by_status) == (40, (), {"unchecked": 40})


def test_cancelled_it_waits_and_cancelled_again_it_leaves_what_is_in_flight_behind(tmp_path):
    path = tmp_path / "job"

    async def run(server, n_cancels):
        async with server.async_client() as client:
            with Router(client=client) as router:
                job = asyncio.create_task(arun_many(router, TEXTS, journal=path, concurrency=4))
                await asyncio.sleep(0.4)
                for _ in range(n_cancels):
                    job.cancel()
                    await asyncio.sleep(0.02)
                started_s = time.monotonic()
                with pytest.raises(asyncio.CancelledError):
                    await job
                return time.monotonic() - started_s

    with MessagesServer(Answer("[1]", delay_s=0.25)) as server:
        asyncio.run(run(server, 1))
        assert path.read_text().count('"done"') == path.read_text().count('"begin"') == len(server.calls)
        asyncio.run(run(server, 2))
        n_open = path.read_text().count('"begin"') - path.read_text().count('"done"')
        assert n_open == 4
        with Router(client=server.client()) as router:
            summary = run_many(router, TEXTS, journal=path, concurrency=40)
    assert len(summary.in_flight) == 4
    assert sum(result.was_in_flight for result in summary.results) == 4
    assert summary.by_status == {"unchecked": 40}


def test_errors_hold_no_prompt_and_are_typed(tmp_path):
    with MessagesServer(Fault.error(400, f"bad: {TEXTS[0]}")) as server:
        with Router(client=server.client()) as router:
            summary = run_many(router, TEXTS[:2], journal=tmp_path / "job")
        (first, second) = summary.results
    assert (first.error, second.error) == ("RequestRefused", "RequestRefused")
    assert TEXTS[0] not in first.detail
    assert issubclass(AccountRefused, CallError)
