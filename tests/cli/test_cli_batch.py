"""tierwise batch: submit, status, collect, against the loopback server."""

from __future__ import annotations

import json

import pytest
from batch_runs import sent
from click.testing import CliRunner

from tierwise import OutcomeLog
from tierwise.cli import main
from tierwise.testing import MessagesServer


@pytest.fixture
def claude(monkeypatch):
    """Haiku fails at ticket 2; a batch ends at its second retrieval."""

    def haiku(request):
        return "Sure!" if "ticket 2," in request["messages"][0]["content"] else "[1]"

    with MessagesServer({"haiku": haiku, "*": "[2]"}, batch_polls=1) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield server


@pytest.fixture
def tasks(tmp_path):
    path = tmp_path / "tasks.jsonl"
    rows = [{"specification": f"Tag ticket {number}, JSON out"} for number in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def batch(*arguments, stdin=None):
    return CliRunner().invoke(main, ["batch", *map(str, arguments)], input=stdin)


def test_submitted_once_asked_for_and_collected_with_what_fails_going_up(claude, tasks, tmp_path):
    log, job = tmp_path / "log.db", f"{tasks}.batch"
    done = batch("submit", "--file", tasks, "--log", log)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"{job}: 4 tasks, 0 done",
        "1 of 1 batches sent, $0.000000 for what is done",
        f"next: tierwise batch collect {job}",
    ]
    assert batch("submit", "--file", tasks, "--log", log).stdout == done.stdout
    assert len(sent(claude)) == 1
    early = batch("collect", job, "--check", "json", "--log", log)
    assert (early.exit_code, early.stdout) == (0, "")
    found = batch("collect", job, "--check", "json", "--log", log, "--wait", "--every", "0")
    assert found.exit_code == 0, found.output
    results = {each["number"]: each for each in map(json.loads, found.stdout.splitlines())}
    assert {number: each["text"] for number, each in results.items()} == {
        1: "[1]",
        2: "[1]",
        3: "[2]",
        4: "[1]",
    }
    assert (results[3]["tier"], results[3]["mode"], results[3]["escalated_from"]) == (
        "sonnet",
        "sync",
        "haiku",
    )
    for each in results.values():
        assert each["usage"] == {**each["attempts"][-1]["usage"], "output_tokens": 1}
    assert f"{job}: 4 tasks, 4 done (4 passed)" in found.stderr
    status = json.loads(batch("status", job, "--json").stdout)
    assert (status["done"], status["waiting"]) == (4, 0)
    assert status["cost_usd"] == pytest.approx(claude.cost_usd)
    with OutcomeLog(log, create=False) as opened:
        assert sum(each.cost_usd for each in opened.attempts()) == pytest.approx(claude.cost_usd)
    assert batch("collect", job, "--check", "json", "--log", log).stdout == ""
    again = batch("collect", job, "--check", "json", "--log", log, "--all")
    assert sorted(again.stdout.splitlines()) == sorted(found.stdout.splitlines())
    assert "next:" not in batch("status", job).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit"], "Tasks from stdin need --journal"),
        (["submit", "--journal", "{folder}/job"], "The input is neither JSON lines nor CSV"),
        (["status", "{folder}/nowhere"], "holds no job; make one"),
        (["collect", "{folder}/nowhere"], "holds no job; make one"),
        (["status", "{tasks}"], "is no journal of a batch job"),
        (["collect", "{tasks}", "--check", "jsn"], "did you mean 'json'?"),
    ],
)
def test_bad_input_is_exit_2_and_one_line(claude, tasks, arguments, message):
    done = batch(*(each.format(tasks=tasks, folder=tasks.parent) for each in arguments), stdin="x")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
    assert claude.calls == ()


def test_a_live_task_is_refused_and_nothing_is_sent(claude, tmp_path):
    stdin = '{"specification": "Tag ticket 1", "live": true}\n'
    done = batch("submit", "--journal", tmp_path / "job", stdin=stdin)
    assert done.exit_code == 2
    assert "is live: somebody waits for it" in done.stderr
    assert claude.calls == ()


def test_a_wrong_key_is_exit_2_and_the_same_again_goes_on(claude, tasks, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-wrong")
    done = batch("submit", "--file", tasks)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "sk-ant" not in done.stderr
    monkeypatch.setenv("ANTHROPIC_API_KEY", claude.api_key)
    assert batch("submit", "--file", tasks).exit_code == 0
    assert len(sent(claude)) == 1


def test_ids_of_the_file_are_the_keys_of_the_results(claude, tmp_path):
    """As `tierwise run` takes the same file."""
    path = tmp_path / "tasks.jsonl"
    rows = [{"id": f"t{number}", "specification": f"Tag ticket {number}, JSON out"} for number in (3, 5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert batch("submit", "--file", path).exit_code == 0
    found = batch("collect", f"{path}.batch", "--wait", "--every", "0")
    assert found.exit_code == 0, found.output
    results = {each["number"]: each["key"] for each in map(json.loads, found.stdout.splitlines())}
    assert results == {1: "t3", 2: "t5"}
    path.write_text(path.read_text() * 2)
    twice = batch("submit", "--file", path, "--journal", tmp_path / "other")
    assert twice.exit_code == 2
    assert "Tasks 1 and 3 have the same id 't3'" in twice.stderr
