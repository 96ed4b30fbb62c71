"""tierwise pipeline run is killed while batches are made, are away, and are collected: nothing is sent twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from batch_runs import sent
from click.testing import CliRunner
from pipeline_command import run_here, start, stopped, wait_until, written
from pipeline_runs import prompt_of

from tierwise.cli import main
from tierwise.testing import Answer, MessagesServer

OWN = """
name = "own"
[[step]]
name = "tags"
specification = "Assign up to five tags to the article on {topic}. Return a JSON list."
output_tokens = 50
check = { json = true }
[[step]]
name = "meta"
specification = "Write a meta description of at most 155 characters. Return JSON.\\n\\n{topic} {steps.tags}"
output_tokens = 60
check = { json = true }
"""
N = 30


def answer(request) -> Answer:
    """Two articles' tags are no good in the batch, and good at the next tier, slowly."""
    text = prompt_of(request)
    if "haiku" in request["model"] and ("tea 7." in text or "tea 17." in text):
        return Answer("no JSON")
    return Answer('["tea"]', delay_s=0.0 if "haiku" in request["model"] else 0.05)


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path, OWN, N)


def started(server, folder: Path):
    return start(server, folder, "--every", 0.02)


def finished(server, folder: Path, *options: str) -> tuple[list[dict], str]:
    """The same in this process, to its end."""
    done = run_here(server, folder, "--every", 0.01, "--json", *options)
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def custom_ids(server) -> list[str]:
    return [each for batch in sent(server) for each in batch]


def check_all(server, folder: Path, articles, said: str, *, n_kills: int, concurrency: int = 8) -> None:
    assert [article["status"] for article in articles] == ["done"] * N
    ids = custom_ids(server)
    assert len(ids) == len(set(ids)) == 2 * N  # by the server's own count: every item was sent once
    items = [call for call in server.calls if call.endpoint == "batch_item"]
    assert len(items) == 2 * N
    assert set(Counter(prompt_of(call.request) for call in items).values()) == {1}
    now = Counter(prompt_of(call.request) for call in server.calls if call.endpoint == "messages")
    assert len(now) == 2  # what failed its check there
    twice = sum(now.values()) - len(now)
    assert twice <= n_kills * concurrency
    if not twice:
        assert sum(article["cost_usd"] for article in articles) == pytest.approx(server.cost_usd)
        assert f"${server.cost_usd:.6f} spent" in said
    else:
        assert "were in flight (*) when an earlier run died" in said
    assert not (folder / "articles.jsonl.journal.batches").exists()


@pytest.mark.parametrize("n_polls", [0, 2, 5])
def test_killed_in_mid_batch_the_same_again_sends_nothing_twice(folder, n_polls):
    with MessagesServer(answer, batch_polls=4) as server:
        process = started(server, folder)
        n_calls = 1 + n_polls  # made, and looked for so often
        wait_until(lambda: len(server.calls) >= n_calls, process)
        assert stopped(process)[0] == -signal.SIGKILL
        assert 1 <= len(custom_ids(server)) // N <= 2
        articles, said = finished(server, folder)
        check_all(server, folder, articles, said, n_kills=1)


def test_now_means_no_batches_in_the_plan_and_in_the_run(folder):
    def plan(*options: str) -> list[str]:
        files = str(folder / "own.toml"), "--articles", str(folder / "articles.jsonl")
        done = CliRunner().invoke(main, ["plan", *files, "--json", *options], catch_exceptions=False)
        return [step["mode"] for step in json.loads(done.stdout)["steps"]]

    assert (plan(), plan("--now")) == (["batch", "batch"], ["sync", "sync"])
    with MessagesServer(answer) as server:
        finished(server, folder, "--now")
        assert custom_ids(server) == []


def test_interrupted_a_batch_goes_on_and_is_collected_by_the_next_run(folder):
    with MessagesServer(answer, batch_polls=10**6) as server:
        process = started(server, folder)
        wait_until(lambda: len(server.calls) >= 3, process)
        assert stopped(process, signal.SIGINT)[0] == 130
        assert len(custom_ids(server)) == N
        server._service.batches.polls = 0
        for batch in server._service.batches.newest_first():
            batch.polls_left = 0
        articles, said = finished(server, folder)
        check_all(server, folder, articles, said, n_kills=0)


@pytest.mark.slow
def test_killed_ten_times_at_random_it_comes_to_its_end(folder):
    chance, n_kills = random.Random(11), 10
    with MessagesServer(answer, batch_polls=6) as server:
        ends = []
        for _ in range(n_kills):
            process = started(server, folder)
            n_calls, pause_s = len(server.calls) + chance.randrange(4), chance.uniform(0.0, 0.05)
            wait_until(lambda n_calls=n_calls: len(server.calls) >= n_calls, process)
            time.sleep(pause_s)
            ends.append(stopped(process)[0])
        assert ends.count(-signal.SIGKILL) >= 1  # what has come to its end before can't be killed
        assert set(ends) <= {0, -signal.SIGKILL}
        time.sleep(0.2)  # for answers on their way to the dead
        articles, said = finished(server, folder)
        check_all(server, folder, articles, said, n_kills=n_kills)
