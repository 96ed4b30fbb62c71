"""`tierwise batch collect` with a log is killed at random moments: what the log says is what the server saw."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import NamedTuple

import pytest
from batch_runs import sent
from pipeline_command import keys_of, stopped, wait_until
from pipeline_runs import prompt_of

from tierwise import OutcomeLog, Router, Task
from tierwise.router.run import checks
from tierwise.router.run.batches import BatchJob, ItemResult
from tierwise.router.run.batches._collect import AT_ONCE
from tierwise.testing import Answer, Fault, MessagesServer


def number_of(request) -> int:
    return int(prompt_of(request).split()[2].strip(","))


class Script:
    """In the batch, every fifth item expires and every seventh is no good; at once they are answered slowly."""

    def __init__(self) -> None:
        self.expired: set[int] = set()

    def __call__(self, request):
        number = number_of(request)
        if number % 5 == 0:
            if number in self.expired:
                return Answer("[1]", delay_s=0.03)
            self.expired.add(number)
            return Fault.expired()
        is_bad = number % 7 == 0 and "haiku" in request["model"]
        return Answer("Sure!") if is_bad else Answer("[1]", delay_s=0.03 if number % 7 == 0 else 0.0)


class Killed(NamedTuple):
    """What all saw: the journal, the log, the server. text : of each item's task."""

    results: dict[str, ItemResult]
    text: dict[str, str]
    attempts: list
    of_decision: dict[str, str]  # in the log: decision -> text
    calls: list
    batches: list[list[str]]


def killed(folder, server, n_calls: int, pause_s: float) -> int:
    """The command, until the server has seen so many calls more, and a moment longer."""
    command = [sys.executable, "-m", "tierwise", "batch", "collect", "job", "--log", "log.db"]
    options = ["--check", "json", "--wait", "--every", "0.02"]
    with open(folder / "out", "wb") as out:  # a pipe that nobody reads would fill up and stop it
        process = subprocess.Popen(
            [*command, *options], cwd=folder, env={**os.environ, **keys_of(server)}, stdout=out, stderr=out
        )
    wanted = len(server.calls) + n_calls
    wait_until(lambda: len(server.calls) >= wanted, process)
    time.sleep(pause_s)
    return stopped(process)[0]


def kill_and_collect(folder, n_kills: int, n_tasks: int, seed: int) -> tuple[Killed, list[int]]:
    chance = random.Random(seed)
    tasks = [Task(f"Tag ticket {n}, JSON out", "tags", verifiable=True) for n in range(n_tasks)]
    n_slow = n_tasks // 5 + n_tasks // 7
    with MessagesServer(Script(), batch_polls=2) as server, server.client() as client:
        with Router(log=folder / "log.db", client=client) as router:
            router.submit_batch(tasks, journal=folder / "job")
        ends = []
        for _ in range(n_kills):
            n_calls = chance.choice([2, 3, chance.randint(3, 4 + 2 * n_slow // n_kills)])
            ends.append(killed(folder, server, n_calls, chance.uniform(0.0, 0.3 if n_calls < 4 else 0.04)))
        time.sleep(0.2)  # for answers on their way to the dead
        job = BatchJob.open(folder / "job")
        with Router(log=folder / "log.db", client=client) as router:
            while not job.is_finished:
                router.collect_batch(job, check=checks.json_schema())
        with OutcomeLog(folder / "log.db") as log:
            rows = log.to_pandas(columns=["decision_id", "specification"])
            of_decision = dict(zip(rows.decision_id, rows.specification, strict=True))
            text = {each: task.specification for each, task in job.tasks.items()}
            seen = Killed(job.results, text, log.attempts(), of_decision, list(server.calls), sent(server))
        return seen, ends


def check_all(seen: Killed, ends: list[int], *, n_kills: int, n_tasks: int) -> None:
    assert ends.count(-9) >= n_kills * 0.8  # what has come to its end before can't be killed
    assert seen.results.keys() == seen.text.keys()
    assert {result.status for result in seen.results.values()} == {"passed"}
    assert sorted(each for batch in seen.batches for each in batch) == sorted(seen.text)  # each once
    in_flight = {seen.text[each] for each, result in seen.results.items() if result.was_in_flight}
    assert len(in_flight) <= n_kills * AT_ONCE
    asked = Counter(prompt_of(call.request) for call in seen.calls if call.endpoint == "messages")
    assert len(asked) == sum(n % 5 == 0 or n % 7 == 0 for n in range(n_tasks))
    assert {text for text, n in asked.items() if n > 1} <= in_flight
    assert asked.total() - len(asked) <= n_kills * AT_ONCE
    check_log(seen, in_flight)


def check_log(seen: Killed, in_flight: set[str]) -> None:
    paid = Counter((prompt_of(call.request), call.model) for call in seen.calls if call.usage)
    logged = Counter((seen.of_decision[each.decision_id], each.model) for each in seen.attempts)
    assert not logged - paid
    assert {text for text, _ in paid - logged} <= in_flight  # the log of a process that died, or the answer
    usd = Counter()
    for call in seen.calls:
        usd[prompt_of(call.request) if call.usage else ""] += call.cost_usd
    logged_usd = Counter()
    for each in seen.attempts:
        logged_usd[seen.of_decision[each.decision_id]] += each.cost_usd
    for each, result in seen.results.items():
        text = seen.text[each]
        if text not in in_flight:
            assert usd[text] == pytest.approx(logged_usd[text]) == pytest.approx(result.cost_usd)
            assert result.cost_is_exact
    batch_usd = sum(each.cost_usd for each in seen.attempts if each.mode == "batch")
    items_usd = sum(call.cost_usd for call in seen.calls if call.endpoint == "batch_item")
    assert batch_usd == pytest.approx(items_usd)  # of the batch itself nothing is lost, whatever was killed


def test_two_kills_lose_nothing_and_the_log_agrees_with_the_server(tmp_path):
    check_all(*kill_and_collect(tmp_path, 2, 40, seed=1), n_kills=2, n_tasks=40)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_the_log_agrees_with_the_server(tmp_path):
    check_all(*kill_and_collect(tmp_path, 50, 600, seed=2), n_kills=50, n_tasks=600)
