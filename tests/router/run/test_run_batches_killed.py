"""A process that collects a batch is killed at random moments: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from tierwise import predict_tier
from tierwise.router.run.batches import BatchJob
from tierwise.router.run.batches._collect import AT_ONCE
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


def text_of(request):
    return request["messages"][0]["content"]


class EveryFifthExpires:
    """In the batch; asked again, in sync mode, it is answered slowly."""

    def __init__(self):
        self.expired = set()

    def __call__(self, request):
        text = text_of(request)
        if int(text.split()[2].strip(",")) % 5:
            return Answer("[]")
        if text not in self.expired:
            self.expired.add(text)
            return Fault.expired()
        return Answer("[]", delay_s=0.03)


def killed(path, server, n_calls, pause_s):
    """A process that collects until the server has seen so many calls more, and a moment longer."""
    child = subprocess.Popen(
        [sys.executable, "-c", COLLECT, path, server.url, server.api_key],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    child.stdout.read(5)  # it is about to begin
    wanted = len(server.calls) + n_calls
    while len(server.calls) < wanted and child.poll() is None:
        time.sleep(0.001)
    time.sleep(pause_s)
    child.kill()
    child.wait()
    child.stdout.close()


def kill_and_collect(path, n_kills, n_tasks, seed):
    chance, script = random.Random(seed), EveryFifthExpires()
    decisions = [predict_tier(f"Tag ticket {number}, JSON out") for number in range(n_tasks)]
    with MessagesServer(script, batch_polls=3) as server:
        BatchJob.create(path, decisions, max_requests=n_tasks // 4)
        for _ in range(n_kills):
            killed(path, server, chance.randint(0, 2 * (n_tasks // 5) // n_kills), chance.uniform(0.0, 0.04))
        time.sleep(0.2)  # for answers on their way to the dead
        job, client = BatchJob.open(path), server.client()
        for _ in range(20):
            job.collect(client)
        return decisions, job, server.calls


def check_all(decisions, job, calls, *, n_kills):
    results = job.results
    assert results.keys() == {decision.decision_id for decision in decisions}
    made = [call for call in calls if call.endpoint == "batches" and "custom_ids" in call.request]
    assert sorted(each for call in made for each in call.request["custom_ids"]) == sorted(results)
    by_batch = [result for result in results.values() if result.mode == "batch"]
    paid = sum(call.cost_usd for call in calls if call.endpoint == "batch_item")
    assert sum(result.cost_usd for result in by_batch) == pytest.approx(paid)
    by_sync = {each for each, result in results.items() if result.mode == "sync"}
    assert len(by_sync) == len(decisions) // 5
    asked = Counter(text_of(call.request) for call in calls if call.endpoint == "messages")
    text = {decision.decision_id: decision.task.specification for decision in decisions}
    assert asked.keys() == {text[each] for each in by_sync}
    in_flight = {text[each] for each in by_sync if results[each].was_in_flight}
    assert {each for each, n in asked.items() if n > 1} <= in_flight
    # a kill leaves as many items in flight as are run at once; the same one may be met again and again
    assert asked.total() - len(asked) <= n_kills * AT_ONCE
    assert len(in_flight) <= n_kills * AT_ONCE


def test_five_kills_lose_nothing_and_send_nothing_twice(tmp_path):
    check_all(*kill_and_collect(tmp_path / "job", 5, 200, seed=6), n_kills=5)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_send_nothing_twice(tmp_path):
    check_all(*kill_and_collect(tmp_path / "job", 50, 2_000, seed=5), n_kills=50)
