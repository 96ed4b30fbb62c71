"""tierwise pipeline run: in processes of its own, also killed and interrupted in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tierwise.cli import main
from tierwise.testing import Answer, Fault, MessagesServer

OWN = """
name = "own"
[[step]]
name = "brief"
specification = "Write the content brief for an article on {topic}: angle, questions, headings."
[[step]]
name = "tags"
specification = "Assign up to five tags to this article. Return a JSON list.\\n\\n{steps.brief}"
output_tokens = 50
check = { json = true }
[[step]]
name = "online"
deterministic = true
"""
N = 6


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    lines = [json.dumps({"id": f"a{n}", "topic": f"tea {n}"}) for n in range(N)]
    (tmp_path / "articles.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def prompt_of(call) -> str:
    return call.request["messages"][0]["content"]


def answer(request):
    return (
        '["tea"]'
        if prompt_of_request(request).startswith("Assign")
        else "Brief: " + prompt_of_request(request)
    )


def prompt_of_request(request) -> str:
    return request["messages"][0]["content"]


def start(server, folder: Path, *options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tierwise", "pipeline", "run", "own.toml", "articles.jsonl"]
    environment = {**os.environ, "ANTHROPIC_API_KEY": server.api_key, "ANTHROPIC_BASE_URL": server.url}
    return subprocess.Popen(
        [*command, *map(str, options)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(server, folder: Path, *options: object) -> tuple[int, str, str]:
    """In this process."""
    environment = {"ANTHROPIC_API_KEY": server.api_key, "ANTHROPIC_BASE_URL": server.url}
    files = str(folder / "own.toml"), str(folder / "articles.jsonl")
    done = CliRunner().invoke(main, ["pipeline", "run", *files, *map(str, options)], env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def killed_when(is_time: Callable[[], bool], process, how: signal.Signals) -> None:
    until = time.monotonic() + 60
    while not is_time() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(how)


class Held:
    """Answers the first `n` requests at once, the others late, so that some are in flight; until let go."""

    def __init__(self, n: int) -> None:
        self.n, self.seen, self.delay_s = n, 0, 3.0

    def __call__(self, request) -> Answer:
        self.seen += 1
        return Answer(answer(request), delay_s=self.delay_s if self.seen > self.n else 0.0)


def test_articles_are_run_and_the_same_again_pays_nothing(folder):
    with MessagesServer(answer) as server:
        code, out, err = run(server, folder, "--log", folder / "log.db")
        assert (code, err) == (0, "")
        assert f"{N} of {N} articles done" in out
        assert "18 steps: 6 unchecked, 6 passed, 6 no_model" in out
        assert "No model does these, they are left to you: online." in out
        assert len(server.calls) == 2 * N
        code, out, err = run(server, folder, "--json")
        assert len(server.calls) == 2 * N
        assert f"${server.cost_usd:.6f} spent" in err
    articles = [json.loads(line) for line in out.splitlines()]
    assert [article["key"] for article in articles] == [f"a{n}" for n in range(N)]
    assert articles[2]["outputs"]["tags"] == '["tea"]'
    assert (folder / "articles.jsonl.journal").exists()


def test_a_failed_article_is_named_and_the_exit_code_says_so(folder):
    def broken(request):
        return Fault.error(400) if "tea 1" in prompt_of_request(request) else answer(request)

    with MessagesServer(broken) as server:
        code, out, _ = run(server, folder)
    assert code == 1
    assert "      2 failed     0.000000  brief: " in out
    assert f"{N - 1} of {N} articles done" in out
    assert "tea 1" not in out


def test_a_budget_is_kept(folder):
    with MessagesServer(lambda request: Answer(answer(request), output_tokens=400)) as server:
        code, out, _ = run(server, folder, "--max-usd", "0.01")
        assert server.cost_usd <= 0.01
    assert code == 1
    assert "run the same again with a larger --max-usd" in out


def test_bad_input_is_one_line(folder):
    with MessagesServer(answer) as server:
        (folder / "articles.jsonl").write_text('{"id": "a", "topik": "tea"}', encoding="utf-8")
        code, out, err = run(server, folder)
        assert server.calls == ()
    assert (code, out) == (2, "")
    assert err.startswith("tierwise: Article 1 lacks the field 'topic'")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_loses_nothing(folder):
    held = Held(3)
    with MessagesServer(held) as server:
        process = start(server, folder, "--concurrency", 2)
        killed_when(lambda: held.seen > held.n, process, signal.SIGINT)  # one is in flight
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "what is done is in" in err
        held.delay_s = 0.0
        assert run(server, folder)[0] == 0
        prompts = Counter(map(prompt_of, server.calls))
    assert set(prompts.values()) == {1}
    assert len(prompts) == 2 * N


def test_after_kill_9_only_what_was_in_flight_is_asked_again(folder):
    concurrency, held = 3, Held(4)
    with MessagesServer(held) as server:
        process = start(server, folder, "--concurrency", concurrency)
        killed_when(lambda: held.seen > held.n, process, signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        held.delay_s = 0.0
        code, _, err = run(server, folder, "--json")
        assert code == 0
        prompts = Counter(map(prompt_of, server.calls))
    assert len(prompts) == 2 * N
    twice = {prompt: n for prompt, n in prompts.items() if n > 1}
    assert set(twice.values()) <= {2}
    reported = int(err.partition(" were in flight")[0].rpartition("\n")[2])
    assert len(twice) <= reported <= concurrency


@pytest.mark.slow
def test_killed_again_and_again_at_random_it_comes_to_its_end(folder):
    chance = random.Random(6)
    with MessagesServer(lambda request: Answer(answer(request), delay_s=0.02)) as server:
        for _ in range(12):
            process = start(server, folder, "--concurrency", 3)
            n_calls = len(server.calls) + chance.randrange(3)
            killed_when(lambda n_calls=n_calls: len(server.calls) >= n_calls, process, signal.SIGKILL)
            process.communicate(timeout=60)
        code, out, _ = run(server, folder, "--json")
        prompts = Counter(map(prompt_of, server.calls))
        assert code == 0
        lines = (folder / "articles.jsonl.journal").read_text(encoding="utf-8").splitlines()
    kinds = Counter(json.loads(line)["kind"] for line in lines)
    assert kinds["done"] == 3 * N  # no step has two results
    assert len(prompts) == 2 * N  # nothing lost
    # what was paid beyond once each had been begun, and no end of it was written
    assert prompts.total() - 2 * N <= kinds["begin"] - kinds["done"]
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["done"] * N
