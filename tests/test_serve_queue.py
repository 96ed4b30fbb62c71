"""Who asks faster than the log writes waits a little, and nothing is dropped."""

from __future__ import annotations

import asyncio
import sqlite3
import time

from tierwise import Task, predict_tier
from tierwise.router.serve import Service, Settings
from tierwise.router.serve.service import _MOST_QUEUED


def test_callers_wait_for_room_and_go_on_when_the_log_does(tmp_path):
    path = tmp_path / "log.db"
    service = Service(Settings(log=path))
    recorder = service.served_log.recorder
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")  # as another writer does, for less long than the service waits
        first = predict_tier("Name three risks of this plan", task_type="risk")
        n = _MOST_QUEUED + 300
        made = [type(first)(first.task, first.evidence, f"id-{i}") for i in range(n)]
        service.served_log.add_all(made)

        async def ask() -> float:
            asyncio.get_running_loop().call_later(0.5, other.execute, "COMMIT")
            started = time.monotonic()
            await service.room_in_queue()
            return time.monotonic() - started

        assert asyncio.run(ask()) >= 0.5
        assert len(recorder.waiting) <= _MOST_QUEUED
        assert asyncio.run(service.until_logged([each.decision_id for each in made]))
        assert (recorder.n_dropped, len(recorder.waiting)) == (0, 0)
        assert service.router.decide(Task("Name three risks")).decision_id
    finally:
        other.close()
        assert service.close()
