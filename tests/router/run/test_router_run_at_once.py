"""What `arun` writes into a log of SQLite itself, and what it leaves to a thread beside the event loop."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tierwise import OutcomeLog, Router, predict_tier
from tierwise.router.log.waiting import _recorder
from tierwise.router.log.waiting._unwritten import Unwritten
from tierwise.router.run import checks
from tierwise.testing import MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
KIND = "ticket-tags"
NOON, HOUR = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(hours=1)


@pytest.fixture
def server():
    with MessagesServer("[]") as running:
        yield running


def handed_over(router):
    """Whether a thread was needed since this was asked last."""
    runner = router._running()
    writer, runner._writer = runner._writer, None
    if writer is not None:
        writer.shutdown()
    return writer is not None


def n_decisions(path):
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if "tierwise_decisions" not in tables:
            return 0
        [(found,)] = connection.execute("SELECT count(*) FROM tierwise_decisions")
    return found


async def runs(server, log, n, **facts):
    """What is known of the type at each run, and whether it handed something over."""
    found = []
    async with server.async_client() as client, Router(log=log, client=client) as router:
        for _ in range(n):
            result = await router.arun(TAG, check=checks.json_schema(), **facts)
            found.append((result.decision.evidence.posterior.history, handed_over(router)))
    return found


@pytest.mark.parametrize("task_type", [None, KIND])
def test_runs_one_by_one_hand_nothing_over(server, tmp_path, task_type):
    """But for the first, which takes longer, and where the thread that lingers happens to write."""
    found = asyncio.run(runs(server, tmp_path / "log.db", 20, task_type=task_type))
    assert sum(handed for _, handed in found) < 10
    with OutcomeLog(tmp_path / "log.db") as log:
        assert (log.stats().n_decisions, len(log.attempts())) == (20, 20)
    if task_type is not None:
        assert [known for known, _ in found] == [None, *({0: (float(n), 0.0)} for n in range(1, 20))]


def test_what_another_router_said_meanwhile_is_felt(server, tmp_path):
    async def counts():
        async with server.async_client() as client, Router(log=tmp_path / "log.db", client=client) as router:
            for _ in range(2):
                await router.arun(TAG, task_type=KIND, check=checks.json_schema())
            with Router(log=tmp_path / "log.db") as other:
                other.record_outcome(other.decide(TAG, task_type=KIND), "corrected")
            result = await router.arun(TAG, task_type=KIND, check=checks.json_schema())
            return result.decision.evidence.posterior.history

    assert asyncio.run(counts()) == {0: (2.0, 1.0)}


def test_the_loop_goes_on_while_another_holds_the_log(server, tmp_path):
    async def longest():
        async with server.async_client() as client, Router(log=tmp_path / "log.db", client=client) as router:
            await router.arun(TAG)
            holder = sqlite3.connect(tmp_path / "log.db", isolation_level=None, check_same_thread=False)
            holder.execute("BEGIN IMMEDIATE")
            threading.Timer(0.6, holder.execute, ["COMMIT"]).start()
            running, longest_s = asyncio.create_task(router.arun(TAG)), 0.0
            while not running.done():
                started = time.monotonic()
                await asyncio.sleep(0.005)
                longest_s = max(longest_s, time.monotonic() - started)
            holder.close()
            return longest_s, router.unlogged

    longest_s, unlogged = asyncio.run(longest())
    assert unlogged == 0
    assert longest_s < 0.4
    assert n_decisions(tmp_path / "log.db") == 2


def test_now_and_then_a_thread_moves_the_journal_into_the_file(server, tmp_path):
    """The file is copied without its journal, while the log is open: closing it would move it too."""

    async def found():
        async with server.async_client() as client, Router(log=tmp_path / "log.db", client=client) as router:
            each = []
            for n_runs in (_recorder._AT_ONCE - 2, _recorder._AT_ONCE):
                for _ in range(n_runs):
                    await router.arun(TAG)
                shutil.copy(tmp_path / "log.db", tmp_path / "copy.db")
                each.append(n_decisions(tmp_path / "copy.db"))
            return each

    before, after = asyncio.run(found())
    assert before == 0
    assert after >= _recorder._AT_ONCE


def test_a_log_that_waits_for_the_disk_is_written_beside_the_loop(server, tmp_path):
    with OutcomeLog(tmp_path / "log.db", durable=True) as log:
        assert all(handed for _, handed in asyncio.run(runs(server, log, 3)))


def test_a_server_is_asked_beside_the_loop(server, postgres_url):
    assert all(handed for _, handed in asyncio.run(runs(server, postgres_url, 3)))


@pytest.mark.parametrize(
    ("n_waiting", "is_written"), [(0, True), (_recorder._FEW, True), (_recorder._FEW + 1, False)]
)
def test_much_that_waits_is_left_to_a_thread(tmp_path, n_waiting, is_written):
    with Router(log=tmp_path / "log.db") as router:
        recorder = router._logged._recorder
        recorder.add([Unwritten(predict_tier(TAG), router.log._now(), None) for _ in range(n_waiting)])
        assert recorder.settled_at_once() is is_written
        assert recorder.n_waiting == (0 if is_written else n_waiting)


def test_who_writes_is_not_waited_for(tmp_path):
    with Router(log=tmp_path / "log.db") as router:
        recorder = router._logged._recorder
        recorder.add([Unwritten(predict_tier(TAG), router.log._now(), None)])
        with recorder._writing:
            assert not recorder.settled_at_once()
        assert recorder.settled_at_once()


@pytest.mark.parametrize("store_text", ["full", "features", "none"])
def test_a_row_that_was_made_before_is_the_row_of_the_moment_it_is_written(tmp_path, store_text):
    hours = itertools.count()
    path = tmp_path / "log.db"
    with (
        OutcomeLog(path, store_text=store_text, clock=lambda: NOON + next(hours) * HOUR) as log,
        Router(log=log) as router,
    ):
        made, plain = predict_tier(TAG, task_type=KIND), predict_tier(TAG, task_type=KIND)
        for decision in (made, plain):
            router._logged.add(decision, None)
        router._logged.prepare(made.decision_id)
        router._logged.settle()
    of_made, of_plain = (_row(path, decision.decision_id) for decision in (made, plain))
    assert of_made["recorded_at_us"] == of_plain["recorded_at_us"] > of_plain["decided_at_us"]
    own = ("decision_id", "decided_at_us")
    assert {k: v for k, v in of_made.items() if k not in own} == {
        k: v for k, v in of_plain.items() if k not in own
    }


def _row(path, decision_id):
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        asked = "SELECT * FROM tierwise_decisions WHERE decision_id = ?"
        return dict(connection.execute(asked, [decision_id]).fetchone())
