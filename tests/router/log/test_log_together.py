"""What waits for the log is written together: a run in one transaction, many rows in one step, nothing lost."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from small_router import kept_state
from sqlalchemy import Column, Integer, MetaData, Table, Text

from tierwise import OutcomeLog, Router, predict_tier
from tierwise.router.decision import Decision
from tierwise.router.log.database._many_rows import ManyRows
from tierwise.router.log.waiting import _linger
from tierwise.router.run import Limits, checks
from tierwise.testing import MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
KIND = "tagging"
QUICK = Limits(first_backoff_s=0.01, max_retries=2)
IS_JSON = checks.json_schema()


@contextmanager
def counted(log: OutcomeLog) -> Iterator[list[object]]:
    """How many transactions are begun that write."""
    begun: list[object] = []
    real = log._database.transaction

    def transaction(**options: Any) -> Any:
        begun.append(options)
        return real(**options)

    log._database.transaction = transaction  # type: ignore[method-assign]
    yield begun
    log._database.transaction = real  # type: ignore[method-assign]


def test_a_short_run_is_one_transaction(log, monkeypatch):
    monkeypatch.setattr(_linger, "LINGER_S", 60.0)
    with MessagesServer("[]") as server, server.client() as client, Router(log=log, client=client) as router:
        with counted(log) as begun:
            result = router.run(TAG, task_type=KIND, check=IS_JSON, limits=QUICK)
        assert len(begun) == 1
        assert router.unlogged == 0
    assert [row.decision_id for row in log.attempts()] == [result.decision.decision_id]
    assert log.history(KIND) == {str(result.tier): (1, 0)}
    assert kept_state(log, KIND, result.decision.evidence.model).n_outcomes == 1


def test_a_long_call_finds_its_decision_in_the_log(log):
    seen: list[int] = []

    def check(text: str) -> bool:
        until = time.monotonic() + 20
        while not (found := log.stats().n_decisions) and time.monotonic() < until:
            time.sleep(0.01)
        seen.append(found)
        return True

    with MessagesServer("[]") as server, Router(log=log, client=server.client()) as router:
        router.run(TAG, check=check, limits=QUICK)
    assert seen == [1]


def test_runs_of_many_threads_are_all_in_the_log_and_felt(log, monkeypatch):
    monkeypatch.setattr(_linger, "LINGER_S", 60.0)
    n = 40
    with MessagesServer("[]") as server, server.client() as client, Router(log=log, client=client) as router:
        with counted(log) as begun, ThreadPoolExecutor(8) as pool:
            one = lambda _: router.run(TAG, task_type=KIND, check=IS_JSON, limits=QUICK)  # noqa: E731
            results = list(pool.map(one, range(n)))
        assert router.unlogged == 0
    assert 1 <= len(begun) <= n
    assert {row.decision_id for row in log.attempts()} == {each.decision.decision_id for each in results}
    assert sum(clean for clean, _ in log.history(KIND).values()) == n
    assert kept_state(log, KIND, results[0].decision.evidence.model).n_outcomes == n


def test_one_that_can_not_be_written_keeps_no_other_out(log, caplog):
    first, second, third = (predict_tier(text) for text in ("Tag it", "Plan the launch", "Name three risks"))
    log.record_decision(first)
    taken = Decision(second.task, predict_tier("Plan it", pin="opus").evidence, first.decision_id)
    router = Router(log=log)
    for each in (second, taken, third):
        router._logged.add(each, None)
    with caplog.at_level(logging.WARNING):
        router._logged.settle()
    assert "is not written" in caplog.text
    assert (log.stats().n_decisions, router.unlogged) == (3, 1)


def test_a_type_too_long_for_an_index_of_postgresql_keeps_no_other_out(postgres_url, caplog):
    """Nobody may stop the log of all by one request."""
    too_long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(5_000))  # what packs well fits in
    with OutcomeLog(postgres_url) as log, Router(log=log) as router:
        router.decide(TAG, task_type=too_long)
        after = router.decide(TAG, task_type=KIND)
        assert router.unlogged == 1
        assert log.record_outcome(after.decision_id, "clean").is_new
    assert "refused a row: index row" in caplog.text
    assert "Is a task type as long as a text?" in caplog.text
    assert too_long[:100] not in caplog.text


LEFT = """
import sys
from tierwise import Router, predict_tier
from tierwise.router.log.waiting import _linger
_linger.LINGER_S = 60.0
router = Router(log=sys.argv[1])
router._logged.add(predict_tier("Tag it"), None)
router._logged.linger()
assert router.log.stats().n_decisions == 0
"""


def test_a_process_that_ends_without_closing_writes_what_waits(log, log_url):
    done = subprocess.run([sys.executable, "-c", LEFT, log_url], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert log.stats().n_decisions == 1


FORKED = """
import os, sys
from tierwise import Router
router = Router(log=sys.argv[1])
with router._logged._recorder._writing:  # as a thread would that writes at this moment
    pid = os.fork()
    if pid == 0:
        router.decide("Tag it")
        os._exit(router.unlogged)
print(os.waitpid(pid, 0)[1], router.log.stats().n_decisions)
"""


def test_a_fork_while_another_thread_writes_leaves_the_child_its_own_locks(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", FORKED, tmp_path / "log.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0 1\n", "")


def test_a_thread_that_lingers_ends_when_nobody_asks_and_comes_back(monkeypatch):
    monkeypatch.setattr(_linger, "LINGER_S", 0.01)
    monkeypatch.setattr(_linger, "_IDLE_S", 0.5)
    done: list[float] = []
    linger = _linger.Linger(lambda: done.append(time.monotonic()))
    for times in (1, 2):
        linger.ask()
        thread = linger._thread
        assert thread is not None
        thread.join(5)
        assert (len(done), linger._thread) == (times, None)
    linger.ask()
    linger.close()
    assert linger._thread is None or not linger._thread.is_alive()


@pytest.mark.parametrize("n_variables", [7, 999, 32_766])
def test_many_rows_are_added_once_each_in_few_steps(n_variables):
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("said", Text))
    many = ManyRows(table)
    for n in (0, 1, 3, 31, 33, 200, 256, 257, 600):
        connection = sqlite3.connect(":memory:")
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, n_variables)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, said TEXT)")
        steps: list[str] = []
        connection.set_trace_callback(steps.append)
        rows = [(number, f"{number}?") for number in range(n)]
        assert many.add(connection, rows[: n // 2]) == n // 2
        assert many.add(connection, rows) == n - n // 2
        assert connection.execute("SELECT id, said FROM t ORDER BY id").fetchall() == rows
        if n_variables > 999:
            assert sum("INSERT" in step for step in steps) <= n // 128 + 2
        connection.close()
