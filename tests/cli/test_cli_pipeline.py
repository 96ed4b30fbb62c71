"""tierwise pipeline run: in processes of its own, also killed and interrupted in the middle."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from pipeline_command import run_here, start, stopped, wait_until, written
from pipeline_runs import prompt_of

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
    return written(tmp_path, OWN, N)


def answer(request):
    return '["tea"]' if prompt_of(request).startswith("Assign") else "Brief: " + prompt_of(request)


def prompts_of(server) -> Counter[str]:
    return Counter(prompt_of(call.request) for call in server.calls)


def run(server, folder: Path, *options: object) -> tuple[int, str, str]:
    """In this process."""
    done = run_here(server, folder, *options)
    return done.exit_code, done.stdout, done.stderr


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
        return Fault.error(400) if "tea 1" in prompt_of(request) else answer(request)

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
        wait_until(lambda: held.seen > held.n, process)  # one is in flight
        code, err = stopped(process, signal.SIGINT)
        assert code == 130, err
        assert "what is done is in" in err
        held.delay_s = 0.0
        assert run(server, folder)[0] == 0
        prompts = prompts_of(server)
    assert set(prompts.values()) == {1}
    assert len(prompts) == 2 * N


def test_after_kill_9_only_what_was_in_flight_is_asked_again(folder):
    concurrency, held = 3, Held(4)
    with MessagesServer(held) as server:
        process = start(server, folder, "--concurrency", concurrency)
        wait_until(lambda: held.seen > held.n, process)
        assert stopped(process)[0] == -signal.SIGKILL
        held.delay_s = 0.0
        code, _, err = run(server, folder, "--json")
        assert code == 0
        prompts = prompts_of(server)
    assert len(prompts) == 2 * N
    twice = {prompt: n for prompt, n in prompts.items() if n > 1}
    assert set(twice.values()) <= {2}
    reported = int(err.partition(" were in flight")[0].rpartition("\n")[2])
    assert len(twice) <= reported <= concurrency


@pytest.mark.slow
def test_killed_again_and_again_at_random_it_comes_to_its_end(folder):
    chance = random.Random(6)
    with MessagesServer(lambda request: Answer(answer(request), delay_s=0.02)) as server:
        ends = []
        for _ in range(12):
            process = start(server, folder, "--concurrency", 3)
            n_calls = len(server.calls) + chance.randrange(3)
            wait_until(lambda n_calls=n_calls: len(server.calls) >= n_calls, process)
            ends.append(stopped(process)[0])
        assert set(ends) == {-signal.SIGKILL}
        code, out, _ = run(server, folder, "--json")
        prompts = prompts_of(server)
        assert code == 0
        lines = (folder / "articles.jsonl.journal").read_text(encoding="utf-8").splitlines()
    kinds = Counter(json.loads(line)["kind"] for line in lines)
    assert kinds["done"] == 3 * N  # no step has two results
    assert len(prompts) == 2 * N  # nothing lost
    # what was paid beyond once each had been begun, and no end of it was written
    assert prompts.total() - 2 * N <= kinds["begin"] - kinds["done"]
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["done"] * N
