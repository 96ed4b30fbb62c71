"""A process that collects a batch is killed at random moments: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from tierwise import predict_tier
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Answer, Fault, MessagesServer

COLLECT = """
import sys, anthropic
from tierwise.router.run.batches import BatchJob
path, url, key = sys.argv[1:]
with anthropic.Anthropic(base_url=url, api_key=key) as client:
    job = BatchJob.open(path)
    print("ready", flush=True)
    while not job.is_finished:
        job.collect(client)
"""


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_send_nothing_twice(tmp_path):
    chance, path = random.Random(5), tmp_path / "job.jsonl"
    decisions = [predict_tier(f"Tag ticket {number}, JSON out") for number in range(2_000)]

    def answer(request):
        """A twentieth of the batch's items expires; asked again, in sync mode, they are answered slowly."""
        text = request["messages"][0]["content"]
        if int(text.split()[2].strip(",")) % 20:
            return Answer("[]")
        if text not in expired:
            expired.add(text)
            return Fault.expired()
        return Answer("[]", delay_s=0.05)

    expired: set[str] = set()
    with MessagesServer(answer, batch_polls=3) as server:
        BatchJob.create(path, decisions, max_requests=500)
        kills = 0
        while kills < 50:
            child = subprocess.Popen(
                [sys.executable, "-c", COLLECT, path, server.url, server.api_key],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            child.stdout.read(5)  # it is about to begin
            time.sleep(chance.uniform(0.0, 0.3))
            child.kill()
            child.wait()
            child.stdout.close()
            kills += 1
        job = BatchJob.open(path)
        client = server.client()
        for _ in range(20):
            job.collect(client)
        results = job.results
        made = [call for call in server.calls if call.endpoint == "batches" and "custom_ids" in call.request]
        sync = [call for call in server.calls if call.endpoint == "messages"]
        paid_for_batches = sum(call.cost_usd for call in server.calls if call.endpoint == "batch_item")
    assert results.keys() == {decision.decision_id for decision in decisions}
    assert sorted(each for call in made for each in call.request["custom_ids"]) == sorted(results)
    by_batch = [result for result in results.values() if result.mode == "batch"]
    assert sum(result.cost_usd for result in by_batch) == pytest.approx(paid_for_batches)
    by_sync = [result for result in results.values() if result.mode == "sync"]
    twice = len(sync) - len(by_sync)
    assert 0 <= twice <= sum(result.was_in_flight for result in by_sync)
