"""Who asks faster than the log writes waits a little, and nothing is dropped."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tierwise import Policy, Task, predict_tier
from tierwise.router.log.waiting import _backlog
from tierwise.router.serve import Service, Settings, _queue, _served_log


def test_callers_wait_for_room_and_go_on_when_the_log_does(tmp_path):
    path = tmp_path / "log.db"
    service = Service(Settings(log=path))
    recorder = service.served_log.recorder
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")  # as another writer does, for less long than the service waits
        first = predict_tier("Name three risks of this plan", task_type="risk")
        n = _queue.MOST_QUEUED + 300
        made = [type(first)(first.task, first.evidence, f"id-{i}") for i in range(n)]
        service.served_log.add_all(made)

        async def ask() -> float:
            started = time.monotonic()
            asyncio.get_running_loop().call_later(0.5, other.execute, "COMMIT")
            await service.room_in_queue()
            return time.monotonic() - started

        assert asyncio.run(ask()) >= 0.5
        assert len(recorder.backlog.decisions) <= _queue.MOST_QUEUED
        assert asyncio.run(service.until_logged([each.decision_id for each in made]))
        assert (recorder.backlog.n_dropped, len(recorder.backlog.decisions)) == (0, 0)
    finally:
        other.close()
        assert service.close()


def test_a_failure_that_took_long_keeps_the_log_alone_no_longer_than_those_who_ask_felt_it(tmp_path):
    """The thread that writes has waited two seconds for it, and nobody else."""
    path = tmp_path / "log.db"
    service = Service(Settings(log=path, log_timeout_s=2.0))
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        service.served_log.add_all([predict_tier("Name three risks of this plan")])
        until = time.monotonic() + 20
        while not service.served_log.is_away:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert 5.0 <= service.served_log.recorder.away.rest_s + 0.1 <= 10.2
    finally:
        other.close()
        assert service.close()


@pytest.mark.parametrize("policy", [None, Policy(probe_budget=0.01)])
@pytest.mark.parametrize("n", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_two_great_requests_at_once_lose_nothing(tmp_path, monkeypatch, policy, n):
    """Each fills the queue as far as it may be filled; the small sizes are the real ones in small."""
    if n < 10_000:
        monkeypatch.setattr(_backlog, "MAX_WAITING", 600)
        monkeypatch.setattr(_queue, "MOST_QUEUED", 150)
        monkeypatch.setattr(_served_log, "AT_ONCE", 30)
        monkeypatch.setattr("tierwise.router.serve._served_router.AT_ONCE", 30)
    service = Service(Settings(log=tmp_path / "log.db", policy=policy, log_timeout_s=30))
    recorder, most = service.served_log.recorder, 0
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    real = recorder._write

    def write(*given, **options):
        nonlocal most
        most = max(most, len(recorder.backlog.decisions))
        real(*given, **options)

    monkeypatch.setattr(recorder, "_write", write)
    tasks = [Task(f"Summarise ticket {number}", "summary") for number in range(n)]
    try:
        with ThreadPoolExecutor(2) as pool:
            other.execute("BEGIN IMMEDIATE")  # until the queue is full
            asked = [pool.submit(service.router.decide_many, tasks, {}) for _ in range(2)]
            until = time.monotonic() + 20
            while recorder.has_room and time.monotonic() < until:
                time.sleep(0.001)
            other.execute("COMMIT")
            made = [each.result() for each in asked]
        ids = [each.decision_id for decisions in made for each in decisions]
        assert asyncio.run(service.until_logged(ids))
        assert (recorder.backlog.n_dropped, len(set(ids)), service.log.stats().n_decisions) == (
            0,
            2 * n,
            2 * n,
        )
        assert _queue.MOST_QUEUED < most <= _queue.MOST_QUEUED + 2 * _served_log.AT_ONCE
    finally:
        other.close()
        assert service.close()


def test_nobody_waits_for_room_in_a_log_that_is_away(tmp_path, monkeypatch):
    monkeypatch.setattr(_queue, "MOST_QUEUED", 10)
    path = tmp_path / "log.db"
    service = Service(Settings(log=path, log_timeout_s=0.2))
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        service.router.decide_many([Task(f"Summarise ticket {number}") for number in range(20)], {})
        started = time.monotonic()
        asyncio.run(service.room_in_queue())
        assert service.served_log.is_away
        asyncio.run(service.room_in_queue())
        assert time.monotonic() - started < _served_log.MOST_WAIT_S
        other.execute("COMMIT")
    finally:
        other.close()
        assert service.close()
    assert service.served_log.n_unlogged == 0


def test_one_who_stops_waiting_for_room_takes_it_from_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(_queue, "MOST_QUEUED", 10)
    path = tmp_path / "log.db"
    service = Service(Settings(log=path))
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        service.router.decide_many([Task(f"Summarise ticket {number}") for number in range(20)], {})

        async def ask() -> None:
            first, second = (asyncio.create_task(service.room_in_queue()) for _ in range(2))
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.sleep(0.05)
            assert (first.cancelled(), second.done()) == (True, False)
            other.execute("COMMIT")
            await asyncio.wait_for(second, _served_log.MOST_WAIT_S / 2)

        asyncio.run(ask())
        assert service.served_log.recorder.has_room
    finally:
        other.close()
        assert service.close()


def test_no_row_is_made_twice(tmp_path, monkeypatch):
    made: Counter[str] = Counter()
    real = _queue.rows_of

    def rows_of(log, group, dumps):
        made.update(each.decision.decision_id for each in group)
        return real(log, group, dumps)

    monkeypatch.setattr(_queue, "rows_of", rows_of)
    service = Service(Settings(log=tmp_path / "log.db"))
    many = [Task(f"Summarise ticket {number}") for number in range(1_500)]
    try:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(service.router.decide_many, many, {}) for _ in range(2)]
            asked += [
                pool.submit(lambda: [service.router.decide(Task(f"Tag {n}")) for n in range(300)])
                for _ in range(2)
            ]
            ids = [each.decision_id for done in asked for each in done.result()]
        assert asyncio.run(service.until_logged(ids))
        assert made == Counter(ids)
    finally:
        assert service.close()


def test_a_row_that_can_not_be_made_is_said_and_nobody_who_asks_is_told(tmp_path, monkeypatch, caplog):
    real = _queue._to_json

    def to_json(value):
        if isinstance(value, dict) and value.get("items") == 7:
            raise TypeError("It can't be.")
        return real(value)

    monkeypatch.setattr(_queue, "_to_json", to_json)
    service = Service(Settings(log=tmp_path / "log.db"))
    try:
        tasks = [Task(f"Summarise {n}", items=7 if n == 9 else 8) for n in range(64)]
        made = [service.router.decide(each) for each in tasks]
        assert not asyncio.run(service.until_logged([each.decision_id for each in made]))
        until = time.monotonic() + 20
        while service.served_log.recorder.n_waiting and time.monotonic() < until:
            time.sleep(0.01)
        assert service.log.stats().n_decisions == len(made) - 1
        assert service.served_log.n_unlogged == 1
    finally:
        assert service.close()
    assert "A decision that waited for the log is not written, by a fault of tierwise's" in caplog.text


def test_threads_are_told_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(_queue, "MOST_QUEUED", 10)
    path = tmp_path / "log.db"
    service = Service(Settings(log=path))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN IMMEDIATE")
        service.router.decide_many([Task(f"Summarise ticket {number}") for number in range(20)], {})
        threading.Timer(0.3, other.execute, ["COMMIT"]).start()
        started = time.monotonic()
        service.served_log.wait_for_room()
        assert 0.2 < time.monotonic() - started < _served_log.MOST_WAIT_S
        assert service.served_log.recorder.has_room
    finally:
        time.sleep(0.4)
        other.close()
        assert service.close()


def test_a_plain_task_is_decided_as_a_router_decides_it(tmp_path):
    """The short way of most requests, and all the stations of `Router.decide`."""
    asked = [Task("Name three risks"), Task("Write the FAQ", "faq", items=30, verifiable=True, live=False)]
    told = {"haiku": (0, 9), "sonnet": (8, 0)}
    for log in (None, tmp_path / "log.db"):
        service = Service(Settings(log=log))
        try:
            if log is not None:
                first = service.router.decide(asked[1])
                service.record_outcome_now(first.decision_id, "corrected")
            for task in asked:
                for history in (None, told):
                    short = asyncio.run(service.decide(task, history=history))
                    long = service.router.decide(task, history=history)
                    assert short.to_dict() | {"decision_id": ""} == long.to_dict() | {"decision_id": ""}
                    assert ("history" in short.reasons) is (
                        history is not None or (log is not None and task is asked[1])
                    )
                    if log is not None:
                        assert asyncio.run(service.until_logged([short.decision_id]))
            counted = service.metrics.text().decode()
            assert f'reason="{short.reason}",tier="{short.tier}"' in counted
        finally:
            assert service.close()
