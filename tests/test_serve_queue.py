"""Who asks faster than the log writes waits a little, and nothing is dropped."""

from __future__ import annotations

import asyncio
import sqlite3
import time

from tierwise import Task, predict_tier
from tierwise.router.log import _linger
from tierwise.router.serve import Service, Settings, _queue


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
            asyncio.get_running_loop().call_later(0.5, other.execute, "COMMIT")
            started = time.monotonic()
            await service.room_in_queue()
            return time.monotonic() - started

        assert asyncio.run(ask()) >= 0.5
        assert len(recorder.waiting) <= _queue.MOST_QUEUED
        assert asyncio.run(service.until_logged([each.decision_id for each in made]))
        assert (recorder.n_dropped, len(recorder.waiting)) == (0, 0)
        assert service.router.decide(Task("Name three risks")).decision_id
    finally:
        other.close()
        assert service.close()


def test_rows_are_made_by_those_who_ask_and_kept_no_longer_than_they_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(_linger, "LINGER_S", 60.0)
    service = Service(Settings(log=tmp_path / "log.db"))
    recorder = service.served_log.recorder
    try:
        asked = [f"Summarise ticket {number}" for number in range(_queue._PREPARE_AT + 5)]
        made = [service.router.decide(Task(text, "summary")) for text in asked]
        assert list(recorder._made) == [each.decision_id for each in made[: _queue._PREPARE_AT]]
        started = time.monotonic()
        assert asyncio.run(service.until_logged([made[-1].decision_id]))
        assert time.monotonic() - started < 30  # who waits for a row waits for no others
        assert (len(recorder.waiting), recorder._made) == (0, {})
        assert service.log.stats().n_decisions == len(made)
        assert all(service.log.replay(each.decision_id).same for each in made)
    finally:
        assert service.close()
    assert recorder.n_dropped == 0


def test_what_waits_for_a_log_that_is_away_waits_without_rows(tmp_path):
    path = tmp_path / "log.db"
    service = Service(Settings(log=path, log_timeout_s=0.1))
    recorder = service.served_log.recorder
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        service.router.decide(Task("Name three risks"))
        until = time.monotonic() + 30
        while not recorder.is_away and time.monotonic() < until:
            time.sleep(0.01)
        many = [Task(f"Summarise ticket {number}") for number in range(3 * _queue._PREPARE_AT)]
        service.router.decide_many(many, {})
        assert (len(recorder.waiting), recorder._made) == (len(many) + 1, {})
        other.execute("COMMIT")
    finally:
        other.close()
        assert service.close()
    assert (recorder.n_dropped, len(recorder.waiting)) == (0, 0)
