"""What goes wrong in a run: each fault is a typed error or a result, in the log, and never a key or a prompt."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import traceback
from contextlib import closing
from dataclasses import replace

import anthropic
import pytest
from held_log import held

from tierwise import Ladder, OutcomeLog, Policy, Router
from tierwise.classifier.errors import (
    AccountRefused,
    BudgetExceeded,
    ModelNotServed,
    NotReachable,
    RequestRefused,
)
from tierwise.router.log.waiting import _away
from tierwise.router.run import Limits, Options, checks
from tierwise.testing import Fault, MessagesServer

SECRET = "Zebra Quartz Verdict 4711"
TEXT = f"Tag these 40 tickets of {SECRET} by product area, JSON out"
KEY = "sk-ant-very-secret"
KIND = "tagging"
QUICK = Limits(first_backoff_s=0.01, max_retries=1)
IS_JSON = checks.json_schema()


@pytest.fixture
def told(caplog):
    """All that is logged, by us and by the SDK, at the lowest level of ours; checked at the end."""
    with caplog.at_level(logging.DEBUG, logger="tierwise"):
        yield caplog
    assert_no_secret(caplog.text)


def assert_no_secret(text):
    assert KEY not in text
    assert "Zebra" not in text
    assert "Quartz" not in text


def attempt(router, **options):
    return router.run(
        TEXT, **{"task_type": KIND, "verifiable": True, "limits": QUICK, "check": IS_JSON, **options}
    )


def failed(router, kind, match, **options):
    """The error, after a look at all of its text, causes included."""
    with pytest.raises(kind, match=match) as caught:
        attempt(router, **options)
    assert_no_secret("".join(traceback.format_exception_only(caught.value)))
    return caught.value


def test_no_key(log, told, monkeypatch, tmp_path):
    for name in ("API_KEY", "AUTH_TOKEN", "PROFILE", "CONFIG_DIR", "FEDERATION_RULE_ID", "BASE_URL"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    with Router(log=log) as router:
        error = failed(router, AccountRefused, "no API key.*ANTHROPIC_API_KEY")
    assert error.cost_usd == 0.0
    (row,) = log.attempts()
    assert (row.status, row.error, row.cost_usd) == ("error", "AccountRefused", 0.0)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_wrong_key_is_said_once_and_teaches_nothing(log, told, is_async):
    async def go(server):
        async with server.async_client(api_key=KEY) as client, Router(log=log, client=client) as router:
            await router.arun(TEXT, task_type=KIND, limits=QUICK)

    with MessagesServer() as server:
        if is_async:
            with pytest.raises(AccountRefused, match="key is wrong") as caught:
                asyncio.run(go(server))
            assert_no_secret(str(caught.value))
        else:
            failed(Router(log=log, client=server.client(api_key=KEY)), AccountRefused, "key is wrong")
        assert len(server.calls) == 1
    assert [row.error for row in log.attempts()] == ["AccountRefused"]
    assert (log.stats().n_decisions, log.stats().n_outcomes) == (1, 0)


def test_a_wrong_base_url(log, told):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{port}", api_key=KEY) as client:
        error = failed(Router(log=log, client=client), NotReachable, f"127.0.0.1:{port} .*base_url")
    assert error.cost_is_exact
    (row,) = log.attempts()
    assert (row.error, row.n_requests, row.cost_is_exact) == ("NotReachable", 2, True)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("base_url", "found"),
    [
        ("nonsense", "'nonsense'"),
        ("", "''"),
        ("localhost:8000", "'localhost:8000'"),
        ("ftp://somewhere/x", "'ftp://somewhere'"),
        ("http:///v1", "'http://'"),
        (KEY, "a text that may be a key"),
    ],
)
def test_a_base_url_that_is_no_address(log, told, base_url, found, is_async):
    async def go():
        async with anthropic.AsyncAnthropic(base_url=base_url, api_key=KEY) as client:
            await Router(log=log, client=client).arun(TEXT, limits=QUICK)

    expected = f"base_url is no address: {found}. It must begin with https://.*Give the client another"
    if is_async:
        with pytest.raises(NotReachable, match=expected) as caught:
            asyncio.run(go())
        assert_no_secret(str(caught.value))
    else:
        with anthropic.Anthropic(base_url=base_url, api_key=KEY) as client:
            failed(Router(log=log, client=client), NotReachable, expected)
    (row,) = log.attempts()
    assert (row.error, row.n_requests, row.cost_is_exact) == ("NotReachable", 1, True)


def test_a_refused_parameter(log, told):
    """HTTP 400 whose words quote the prompt."""
    with MessagesServer(Fault.error(400, f"messages.0: {TEXT} is too odd")) as server:
        failed(Router(log=log, client=server.client()), RequestRefused, "refuses the request")
        assert len(server.calls) == 1
    with MessagesServer() as server:
        options = Options(other={"extra_body": {"nonsense": SECRET}})
        failed(Router(log=log, client=server.client()), RequestRefused, "nonsense", options=options)
    assert [row.error for row in log.attempts()] == ["RequestRefused"] * 2


def ladder_with(**facts):
    ladder = Ladder.load()
    return replace(ladder, rungs=(replace(ladder.rungs[0], **facts), *ladder.rungs[1:]))


def test_a_retired_model_is_replaced_by_the_one_that_the_ladder_names(log, told):
    old = "claude-haiku-4-5"
    policy = Policy(ladder=ladder_with(model=old, replaced_by="claude-haiku-5-5"))
    with MessagesServer("[]", retired=[old]) as server:
        result = attempt(Router(policy=policy, log=log, client=server.client()))
        assert result.cost_usd == pytest.approx(server.cost_usd)
    assert (result.status, result.tier) == ("passed", "haiku")
    assert [row.model for row in log.attempts()] == ["claude-haiku-5-5"]


def test_a_retired_model_without_a_replacement_is_a_clear_error(log, told):
    with MessagesServer(retired=["claude-haiku-5-5"]) as server:
        router = Router(policy=Policy(ladder=ladder_with(replaced_by=None)), log=log, client=server.client())
        failed(
            router,
            ModelNotServed,
            "claude-haiku-5-5 is not served: retired.*Name its successor in the ladder",
        )
    assert [row.error for row in log.attempts()] == ["ModelNotServed"]


def test_a_budget_that_not_even_the_first_attempt_fits(log, told):
    with MessagesServer() as server:
        failed(
            Router(log=log, client=server.client()),
            BudgetExceeded,
            "budget is 1e-12",
            limits=Limits(max_usd=1e-12),
        )
        assert server.calls == ()
    assert (log.stats().n_decisions, log.attempts()) == (1, [])


def test_a_budget_that_is_used_up_ends_the_escalation_with_the_last_answer(log, told):
    with MessagesServer("Sure!") as server:
        router = Router(log=log, client=server.client())
        result = attempt(router, limits=replace(QUICK, max_usd=0.003), output_tokens=500)
    assert (result.status, result.stopped, result.tier) == ("failed", "budget", "haiku")
    assert result.cost_usd < 0.003
    assert log.to_pandas().verdict.tolist() == ["failed"]


class TestAwayLog:
    """A log that is locked, full or gone stops no run, and gets all of it later."""

    @pytest.fixture(autouse=True)
    def _no_pause(self, monkeypatch):
        monkeypatch.setattr(_away, "PAUSE_S", 0.0)
        monkeypatch.setattr(_away, "PAUSE_PER_S", 0.0)

    @pytest.mark.parametrize("is_async", [False, True])
    def test_a_locked_log(self, open_log, log_url, told, is_async, monkeypatch):
        monkeypatch.setattr(_away, "PAUSE_S", 3600.0)  # until the router is closed

        async def go(server, log):
            async with server.async_client() as client:
                router = Router(log=log, client=client, log_wait_s=0.05)
                with held(log_url):
                    return router, await router.arun(TEXT, task_type=KIND, verifiable=True, check=IS_JSON)

        log = open_log(timeout_s=0.1)
        with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
            if is_async:
                router, result = asyncio.run(go(server, log))
            else:
                router = Router(log=log, client=server.client(), log_wait_s=0.05)
                with held(log_url):
                    result = attempt(router)
        assert (result.status, result.tier) == ("passed", "sonnet")
        assert (router.unlogged, log.stats().n_decisions) == (4, 0)  # two decisions, two attempts
        assert "decisions go on and are written when it is back" in told.text
        router.close()
        assert router.unlogged == 0
        assert [row.tier for row in log.attempts()] == ["haiku", "sonnet"]
        assert log.to_pandas().verdict.tolist() == ["failed", "clean"]
        assert log.learned(KIND, result.decision.evidence.model).n_outcomes == 2

    def test_a_full_disk(self, tmp_path, told):
        folder = tmp_path / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small disk needs the right to mount")
        try:
            with (
                MessagesServer("[]") as server,
                Router(log=folder / "log.db", client=server.client()) as router,
            ):
                n_runs = 0
                while not router.unlogged and n_runs < 1_000:
                    result = router.run(os.urandom(20_000).hex(), check=IS_JSON, limits=QUICK)
                    assert result.status == "passed"
                    n_runs += 1
                assert 0 < router.unlogged <= 2
                subprocess.run(["mount", "-o", "remount,size=16m", str(folder)], check=True)
                router.run(TEXT, check=IS_JSON, limits=QUICK)
                assert router.unlogged == 0
                rows = router.log.attempts()
                assert len(rows) == n_runs + 1 == len(server.calls)
                assert sum(row.cost_usd for row in rows) == pytest.approx(server.cost_usd)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)

    def test_a_log_that_was_closed(self, tmp_path, told):
        log = OutcomeLog(tmp_path / "log.db")
        with MessagesServer("[]") as server:
            router = Router(log=log, client=server.client())
            log.close()
            assert attempt(router).status == "passed"
            assert router.unlogged == 2


KILLED = """
import os, sys, anthropic
from tierwise import Router
from tierwise.router.run import checks
url, key, log = sys.argv[1:]
with anthropic.Anthropic(base_url=url, api_key=key) as client:
    router = Router(log=log, client=client)
    router.run("Tag it, JSON out", task_type="tagging", check=checks.json_schema())
    print("paid", flush=True)
    os.kill(os.getpid(), 9)
"""


def test_a_process_killed_right_after_a_run_leaves_all_of_it_in_the_log(log, log_url):
    with MessagesServer("[]") as server:
        command = [sys.executable, "-c", KILLED, server.url, server.api_key, log_url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.stdout == "paid\n"
        (row,) = log.attempts()
        assert row.cost_usd == pytest.approx(server.cost_usd)
    assert log.to_pandas().verdict.tolist() == ["clean"]
