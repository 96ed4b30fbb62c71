"""Router.run: decided, executed, checked, escalated, logged. The real SDK against the real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tierwise import Router
from tierwise.classifier.errors import InvalidRequest, ServiceBusy
from tierwise.router.log.waiting import _linger
from tierwise.router.run import Grade, Limits, checks
from tierwise.testing import Answer, Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
KIND = "tagging"
QUICK = Limits(first_backoff_s=0.01, max_retries=2)
IS_JSON = checks.json_schema()
ESCALATES = {"haiku": "Sure!", "sonnet": "Of course!", "opus": "[]"}


def run(server, log, *, is_async=False, text=TAG, task_type=KIND, **options):
    options = {"limits": QUICK, "check": IS_JSON, "verifiable": True, **options}
    if not is_async:
        with server.client() as client, Router(log=log, client=client) as router:
            return router.run(text, task_type=task_type, **options)

    async def go():
        async with server.async_client() as client, Router(log=log, client=client) as router:
            return await router.arun(text, task_type=task_type, **options)

    return asyncio.run(go())


@pytest.mark.parametrize("is_async", [False, True])
def test_each_decision_and_each_verdict_is_in_the_log(log, is_async):
    with MessagesServer(ESCALATES) as server:
        result = run(server, log, is_async=is_async)
        assert (result.status, result.tier, result.text) == ("passed", "opus", "[]")
        assert result.cost_usd == pytest.approx(server.cost_usd)
    rows = log.to_pandas(columns=["decision_id", "follows", "tier", "verdict", "basis", "attempts", "note"])
    ids = [attempt.decision_id for attempt in result.attempts]
    assert rows.decision_id.tolist() == ids
    assert rows.follows.fillna("").tolist() == ["", *ids[:-1]]
    assert rows.tier.tolist() == ["haiku", "sonnet", "opus"]
    assert rows.verdict.tolist() == ["failed", "failed", "clean"]
    assert set(rows.basis) == {"check"}
    assert rows.note.tolist() == ["json_schema: not JSON at line 1"] * 2 + ["json_schema"]
    logged = log.attempts()
    assert [(each.decision_id, each.number, each.tier) for each in logged] == [
        (attempt.decision_id, attempt.number, attempt.tier) for attempt in result.attempts
    ]
    for row, attempt in zip(logged, result.attempts, strict=True):
        assert (row.task_type, row.mode, row.model, row.status) == (KIND, "sync", attempt.model, "completed")
        assert (row.input_tokens, row.output_tokens) == attempt.usage[:2]
        assert row.output_tokens > 0
        assert (row.cost_usd, row.latency_ms) == (attempt.cost_usd, attempt.latency_ms)
    assert log.attempts(ids[1]) == logged[1:2]
    assert [list(each) for each in rows.attempts] == [[], ["haiku"], ["haiku", "sonnet"]]


def test_a_failure_is_felt_in_the_escalation_once(log):
    """Among the attempts, beside what was known before; not in the state of the type too."""
    with MessagesServer(ESCALATES) as server:
        run(server, log)
        run(server, log, text="Sort these tickets, JSON out")
        before = log.learned(KIND, Router().model or _champion())
        result = run(server, log)
    second = result.decision.evidence
    model = second.model
    task = result.decision.task
    assert task.attempts
    wanted = model.posterior(task, before).needed
    assert second.posterior.needed == pytest.approx(wanted)
    after = log.learned(KIND, model)
    assert after.n_outcomes == before.n_outcomes + len(result.attempts)


def _champion():
    from tierwise.router._champion import champion

    return champion()


def test_without_a_log_it_runs_all_the_same():
    with MessagesServer(ESCALATES) as server:
        assert [run(server, None, is_async=is_async).tier for is_async in (False, True)] == ["opus"] * 2


def test_a_task_that_a_program_does_asks_nobody(log):
    with MessagesServer() as server:
        results = [run(server, log, is_async=is_async, deterministic=True) for is_async in (False, True)]
        assert server.calls == ()
    for result in results:
        assert (result.status, result.text, result.cost_usd, result.check) == ("no_model", "", 0.0, None)
        assert not result.is_usable
    assert log.stats().n_decisions == 2


def test_a_decision_for_a_batch_is_run_now(log):
    with MessagesServer("[]") as server:
        result = run(server, log, items=40)
    assert (result.decision.mode, result.status, len(server.calls)) == ("batch", "passed", 1)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_wrong_kind_of_client_is_said_before_anything_is_logged(log, is_async):
    with MessagesServer() as server, server.client() as client:

        async def go():
            async with server.async_client() as aclient:
                if is_async:
                    await Router(log=log, client=client).arun(TAG)
                else:
                    Router(log=log, client=aclient).run(TAG)

        with pytest.raises(InvalidRequest, match="needs an anthropic"):
            asyncio.run(go())
    assert log.stats().n_decisions == 0


def test_the_default_client_is_made_once_kept_and_closed(monkeypatch, tmp_path):
    with MessagesServer() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        with Router() as router:
            router.run(TAG)
            driver = router._running().driver()
            router.run(TAG)
            assert router._running().driver() is driver

        async def twice():
            async with Router(log=tmp_path / "log.db") as router:
                await asyncio.gather(router.arun(TAG), router.arun(TAG))

        for _ in range(2):  # in two event loops
            asyncio.run(twice())
        assert len(server.calls) == 6


def test_an_answer_that_was_cut_off_is_told_apart_from_its_repetition(log):
    """Two attempts under one decision; what counts is said of the second."""
    answers = {"haiku": [Answer("[1,", stop_reason="max_tokens"), "[1]"]}
    with MessagesServer(answers) as server:
        result = run(server, log)
    assert [attempt.status for attempt in result.attempts] == ["cut_off", "completed"]
    first, second = log.attempts()
    assert (first.decision_id, first.status, second.status) == (second.decision_id, "cut_off", "completed")
    assert log.to_pandas().verdict.tolist() == ["clean"]
    assert log.stats().n_outcomes == 2
    assert log.history(KIND) == {"haiku": (1, 0)}


def test_a_refusal_is_recorded_and_says_nothing_about_capability(log):
    with MessagesServer(Answer("", stop_reason="refusal")) as server:
        result = run(server, log)
    assert result.status == "refused"
    assert log.to_pandas()[["verdict", "basis"]].values.tolist() == [["refused", "check"]]
    assert log.history(KIND) == {}
    assert log.learned(KIND, _champion()).n_outcomes == 0


def test_a_run_that_ends_in_an_error_leaves_what_it_cost(log):
    with MessagesServer(Fault.error(529)) as server, pytest.raises(ServiceBusy):
        run(server, log)
    (row,) = log.attempts()
    assert (row.status, row.error, row.n_requests, row.cost_usd) == ("error", "ServiceBusy", 3, 0.0)
    assert log.stats().n_outcomes == 0


def test_calls_and_cents_in_the_log_are_those_of_the_server(log):
    """Prompt caching, a grader, repeated requests: all of it."""
    check = checks.all_of(IS_JSON, Grade("sonnet", "Every ticket has a tag."))
    with MessagesServer({"haiku": "[]", "sonnet": '{"passes": true, "reason": "yes"}'}) as server:
        server.then(Fault.error(529))
        run(server, log, check=check)
        rows = log.attempts()
        spent = sum(row.cost_usd + row.check_cost_usd for row in rows)
        assert spent == pytest.approx(server.cost_usd)
        assert (rows[0].n_requests, rows[0].check_cost_usd > 0) == (3, True)  # one failed, and the grader


FORKED = """
import os, sys
from tierwise import Router
from tierwise.testing import MessagesServer
with MessagesServer() as server, server.client() as client, Router(log=sys.argv[1], client=client) as router:
    router.run("Tag it", task_type="t")
    pid = os.fork()
    if pid == 0:
        with server.client() as own:
            child = Router(router.model, log=router.log, client=own)
            router._running()._driver = child._running().driver()
            router.run("Tag it", task_type="t")
        os._exit(0)
    print(os.waitpid(pid, 0)[1], len(router.log.attempts()))
"""


def test_a_forked_child_writes_by_a_thread_of_its_own(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", FORKED, tmp_path / "log.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0 2\n", "")


def test_in_asyncio_what_a_row_says_is_worked_out_while_the_model_answers(log, monkeypatch):
    monkeypatch.setattr(_linger, "LINGER_S", 60.0)  # nobody else writes it meanwhile

    async def go():
        with MessagesServer("[]") as server:
            async with server.async_client() as client, Router(log=log, client=client) as router:
                waiting = router._logged._recorder.backlog.decisions
                known = []

                def check(_):
                    known.extend(
                        "pass_" in vars(each.decision.evidence.posterior) for each in waiting.values()
                    )

                await router.arun(TAG, check=check)
                return known

    assert asyncio.run(go()) == [True]
