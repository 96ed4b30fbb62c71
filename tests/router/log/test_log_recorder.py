"""What can't be written, and what goes wrong on the way: it is said and counted, and keeps nobody else out."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest

from tierwise import OutcomeLog, Router, predict_tier
from tierwise.classifier.errors import InvalidTask
from tierwise.router.log.waiting import _linger, _recorder
from tierwise.router.log.waiting._unwritten import Unwritten
from tierwise.router.run import Usage
from tierwise.router.wire._route import Routes

TAG = "Tag these 40 tickets by product area, JSON out"
KIND = "tagging"
ATTEMPT = {
    "number": 1,
    "mode": "sync",
    "model": "claude-haiku-4-5",
    "status": "completed",
    **dict.fromkeys(("input_tokens", "output_tokens", "thinking_tokens", "cache_read_tokens"), 1),
    **dict.fromkeys(("cache_write_5m_tokens", "cache_write_1h_tokens", "cost_usd", "check_cost_usd"), 0),
    "cost_is_exact": True,
    "n_requests": 1,
}


@pytest.fixture
def router(log):
    with Router(log=log) as router:
        yield router


def waiting(router: Router, follows: str | None = None) -> Unwritten:
    return Unwritten(predict_tier(TAG), router.log._now(), follows)


def until(holds, within_s: float = 20.0) -> bool:
    end = time.monotonic() + within_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


@pytest.mark.parametrize("bad", ["a\x00b", "\ud800"])
def test_a_row_that_no_database_takes_is_given_up_and_the_others_are_written(router, bad, caplog):
    recorder = router._logged._recorder
    recorder.add([waiting(router), waiting(router, bad), waiting(router)])
    with caplog.at_level(logging.WARNING):
        recorder.settle()
    kept = 3 if router.log._database.is_sqlite and bad == "a\x00b" else 2  # SQLite keeps NUL
    assert (router.log.stats().n_decisions, recorder.backlog.n_dropped) == (kept, 3 - kept)
    assert (len(recorder.backlog.decisions), recorder.is_away) == (0, False)
    assert ("is not written" in caplog.text) is (kept < 3)


@pytest.mark.parametrize("attempts", [(), ("haiku",)])
@pytest.mark.parametrize("bad", ["a\x00b", "\ud800", "x" * 201, " "])
def test_what_can_be_no_id_is_followed_by_nothing(router, attempts, bad):
    with pytest.raises(InvalidTask, match="follows is the id of a decision"):
        router.decide(TAG, follows=bad, attempts=attempts)
    assert router.unlogged == 0


def test_a_closed_log_is_away_and_drops_nothing(router):
    router.log.close()
    router.decide(TAG)
    recorder = router._logged._recorder
    assert (len(recorder.backlog.decisions), recorder.backlog.n_dropped, recorder.is_away) == (1, 0, True)


def test_a_fault_of_a_learner_is_said_and_reaches_no_other(log, caplog):
    def faulty(outcome: object, states: object) -> None:
        raise ZeroDivisionError

    router = Router(log=log)
    bad, good = (predict_tier(TAG, task_type=KIND) for _ in range(2))
    for each in (bad, good):
        router._logged.add(each, None)
        router._logged.attempted(each, ATTEMPT, "clean", None, router._learners())
    reports = router._logged._recorder.backlog.reports
    reports[0] = reports[0]._replace(learn=faulty)
    with caplog.at_level(logging.ERROR):
        router._logged.settle()
    assert "ZeroDivisionError" in caplog.text
    assert router.unlogged == 1
    assert [row.decision_id for row in log.attempts()] == [good.decision_id]
    assert log.stats().n_decisions == 2


def test_a_fault_that_is_nobodys_row_is_said_and_the_thread_goes_on(router, monkeypatch, caplog):
    monkeypatch.setattr(_linger, "LINGER_S", 0.01)
    monkeypatch.setattr(_linger, "_AFTER_FAULT_S", 0.01)
    recorder, faults = router._logged._recorder, [ZeroDivisionError("first"), MemoryError("second")]
    real = recorder.backlog.next_group

    def faulty(*most):
        if faults:
            raise faults.pop(0)
        return real(*most)

    monkeypatch.setattr(recorder.backlog, "next_group", faulty)
    with caplog.at_level(logging.ERROR):
        recorder.add([waiting(router)])
        recorder.linger()
        assert until(lambda: not recorder.n_waiting)
    assert "ZeroDivisionError: first" in caplog.text
    assert "MemoryError: second" in caplog.text
    assert (router.log.stats().n_decisions, router.unlogged) == (1, 0)


def test_the_thread_writes_what_waits_once_the_log_is_back(router, monkeypatch):
    recorder = router._logged._recorder
    recorder.away.until = time.monotonic() + 1.5
    recorder.add([waiting(router)])
    recorder.linger()
    time.sleep(0.2)
    assert recorder.n_waiting == 1
    assert until(lambda: not recorder.n_waiting)
    assert router.log.stats().n_decisions == 1


def test_who_settles_writes_what_was_there_and_not_what_comes_for_ever(router, monkeypatch):
    """Others add as fast as he writes; what he added is written, and what was said of it."""
    recorder, n_groups = router._logged._recorder, 0
    real = _recorder.record_group

    def written(*given, **options):
        nonlocal n_groups
        n_groups += 1
        assert n_groups < 20
        recorder.add([waiting(router) for _ in range(3)])
        real(*given, **options)

    monkeypatch.setattr(_recorder, "record_group", written)
    monkeypatch.setattr(_recorder, "_MAX_GROUP", 2)
    mine = [waiting(router) for _ in range(4)]
    recorder.add(mine)
    router._logged.attempted(mine[-1].decision, ATTEMPT, "clean", None, router._learners())
    recorder.settle()
    assert recorder.backlog.decisions.keys().isdisjoint(each.decision.decision_id for each in mine)
    assert [row.decision_id for row in router.log.attempts()] == [mine[-1].decision.decision_id]
    assert n_groups == 2
    monkeypatch.undo()


LEFT = """
import sys
from tierwise import OutcomeLog, Router, predict_tier
from tierwise.router.log.waiting._unwritten import Unwritten
from tierwise.router.serve import Service, Settings

routers = [Router(log=OutcomeLog(path, timeout_s=0.1), log_wait_s=0.1) for path in sys.argv[1:3]]
service = Service(Settings(log=sys.argv[3]))
recorders = [each._logged._recorder for each in routers] + [service.served_log.recorder]
def fault(**_):
    raise ZeroDivisionError
recorders[0].catch_up = fault
for each in recorders:
    each.away.until = float("inf")  # a moment ago it was away
    each.add([Unwritten(predict_tier("Tag it"), each.log._now(), None)])
    assert each.log.stats().n_decisions == 0
"""


def test_a_process_that_ends_writes_what_waits_for_each_log_and_says_what_is_lost(tmp_path):
    paths = [tmp_path / name for name in ("faulty.db", "good.db", "served.db")]
    done = subprocess.run(
        [sys.executable, "-c", LEFT, *map(str, paths)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.count("are lost as the process ends") == 1
    assert f"1 decisions and attempts are not in the log sqlite:///{paths[0]}" in done.stderr
    for path, n in zip(paths, (0, 1, 1), strict=True):
        with OutcomeLog(path) as log:
            assert log.stats().n_decisions == n


FORKED = """
import os, sys, time
from tierwise import Task
from tierwise.router.serve import Service, Settings
service = Service(Settings(log=sys.argv[1]))
service.router.decide(Task("Tag it"))  # its thread is there
recorder = service.served_log.recorder
pid = os.fork()
if pid == 0:
    service.router.decide(Task("Plan it"))
    ids = list(recorder.backlog.decisions)
    os._exit(0 if recorder.until_written(ids, 10) else 1)
print(os.waitpid(pid, 0)[1])
assert service.close()
"""


def test_a_child_has_a_thread_of_its_own_that_writes(tmp_path):
    path = tmp_path / "log.db"
    command = [sys.executable, "-W", "ignore", "-c", FORKED, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")
    with OutcomeLog(path) as log:
        assert log.stats().n_decisions == 2


def test_a_fault_in_recording_after_a_stream_was_cut_is_said(log, monkeypatch, caplog):
    router = Router(log=log)
    routes = Routes(router)
    asked = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": TAG}]}
    first, second = (routes.route(asked) for _ in range(2))
    routes.record_later(first, routes.attempt(first, Usage(input_tokens=3), None, is_whole=False))
    assert until(lambda: len(log.attempts()) == 1)

    def faulty(*given, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("tierwise.router.log.waiting._group.record_within", faulty)
    monkeypatch.setattr(_recorder, "record", faulty)
    with caplog.at_level(logging.ERROR):
        routes.record_later(second, routes.attempt(second, Usage(input_tokens=3), None, is_whole=False))
        router.close()
    assert "An attempt that waited for the log is not written, by a fault of tierwise's" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert router.unlogged == 1
    assert [each.decision_id for each in log.attempts()] == [first.decision.decision_id]
