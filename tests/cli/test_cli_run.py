"""tierwise run, against the loopback server: answers, exit codes, budget, resume, and what it never prints."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tierwise import OutcomeLog
from tierwise.cli import main
from tierwise.testing import Answer, Fault, MessagesServer

ROWS = [{"id": f"t{number}", "specification": f"Tag ticket {number}, JSON out"} for number in range(6)]


@pytest.fixture
def claude(monkeypatch):
    """Haiku fails at ticket 2."""

    def haiku(request):
        return "Sure!" if "ticket 2," in request["messages"][0]["content"] else "[1]"

    with MessagesServer({"haiku": haiku, "*": "[2]"}) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield server


@pytest.fixture
def tasks(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, ["run", *map(str, arguments)], input=stdin)


def results_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_task_prints_its_answer_and_says_aside_what_it_cost(claude):
    done = run("Tag ticket 2, JSON out", "--check", "json", "--items", "1", "--verifiable")
    assert (done.exit_code, done.stdout) == (0, "[2]\n")
    assert "1 task: 1 passed; sonnet 1" in done.stderr
    assert f"${claude.cost_usd:.6f} spent" in done.stderr
    assert [call.model for call in claude.calls] == ["claude-haiku-5-5", "claude-sonnet-5-5"]


def test_a_file_is_run_once_and_the_same_command_shows_it_again(claude, tasks):
    done = run("--file", tasks, "--check", "json")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["task", "status", "tier", "USD", "answer"]
    assert sorted(line.split()[:3] for line in lines[1:7]) == [
        [str(number), "passed", "sonnet" if number == 3 else "haiku"] for number in range(1, 7)
    ]
    assert lines[7:9] == ["6 tasks: 6 passed; haiku 5, sonnet 1", f"${claude.cost_usd:.6f} spent"]
    assert lines[9].startswith("all answers on sonnet: $")
    assert "(saved $" in lines[10]
    assert (tasks.parent / "tasks.jsonl.journal").exists()
    again = run("--file", tasks, "--check", "json", "--json")
    assert (again.exit_code, len(claude.calls)) == (0, 7)
    assert [(each["key"], each["text"]) for each in results_of(again)] == [
        (f"t{number}", "[2]" if number == 2 else "[1]") for number in range(6)
    ]
    assert "6 tasks: 6 passed" in again.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv", "text"])
def test_stdin_in_every_form(claude, tmp_path, form):
    stdin = {
        "jsonl": '{"specification": "Tag ticket 8", "items": 3}\n\n{"id": 7, "specification": "Tag ticket 9"}\n',
        "csv": "id,specification,items\n,Tag ticket 8,3\n7,Tag ticket 9,\n",
        "text": "Tag ticket 8\nTag ticket 9\n",
    }[form]
    arguments = ("--format", form, "--journal", tmp_path / "job", "--json")
    done = run(*arguments, stdin=stdin)
    assert done.exit_code == 0, done.output
    found = sorted(results_of(done), key=lambda each: each["number"])
    assert [each["number"] for each in found] == [1, 2]
    assert found[1]["key"] == "7" or form == "text"
    assert run(*arguments, stdin=stdin).exit_code == 0
    assert len(claude.calls) == 2


def test_a_budget_stops_it_says_so_and_more_money_goes_on(claude, tasks):
    first = run("--file", tasks, "--max-usd", "0.0001")
    assert first.exit_code == 1
    assert (
        "6 left. The next one is not affordable: run the same again with a larger --max-usd." in first.stdout
    )
    assert claude.calls == ()
    assert run("--file", tasks, "--max-usd", "1").exit_code == 0


def test_errors_of_single_tasks_are_shown_and_tried_again(claude, tasks):
    claude.then(Fault.error(400, "No such thing"))
    first = run("--file", tasks, "--concurrency", "1")
    assert first.exit_code == 1
    assert "1 error" in first.stdout
    assert "The service refuses the request to claude-haiku-5-5: No such thing" in first.stdout
    assert "1 left. The same again tries them again." in first.stdout
    assert run("--file", tasks).exit_code == 0
    assert len(claude.calls) == 7


def test_a_failed_check_is_exit_1(claude):
    done = run("Tag ticket 1", "--check", "max-chars=2", "--ceiling", "haiku")
    assert (done.exit_code, done.stdout) == (1, "[1]\n")
    assert "1 failed" in done.stderr


def test_decisions_verdicts_and_money_are_in_the_log(claude, tasks, tmp_path):
    url = tmp_path / "log.db"
    assert run("--file", tasks, "--check", "json", "--log", url).exit_code == 0
    with OutcomeLog(url, create=False) as log:
        frame = log.to_pandas()
        attempts = log.attempts()
    assert sorted(frame["verdict"]) == ["clean"] * 6 + ["failed"]
    assert set(frame["basis"]) == {"check"}
    assert sum(each.cost_usd for each in attempts) == pytest.approx(claude.cost_usd)


def test_request_options_reach_the_service(claude, tmp_path):
    system, schema = tmp_path / "system.txt", tmp_path / "schema.json"
    system.write_text("You tag tickets.")
    schema.write_text('{"type": "object"}')
    arguments = ("--system-file", system, "--max-tokens", "99", "--effort", "low", "--schema", schema)
    assert run("Tag ticket 1", "--pin", "sonnet", *arguments).exit_code == 0
    (call,) = claude.calls
    assert (call.request["system"], call.request["max_tokens"]) == ("You tag tickets.", 99)
    assert call.request["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize(
    ("check", "answer", "passes"),
    [
        ("json", "{}", True),
        ("json", "{", False),
        ("json-schema={schema}", "[]", True),
        ("json-schema={schema}", "{}", False),
        ("regex=^a+$", "aaa", True),
        ("regex=^a+$", "b", False),
        ("min-chars=3", "ab", False),
        ("max-chars=3", "abc", True),
        ("min-words=2", "one", False),
        ("max-words=1", "one", True),
        ("items=2", "[1, 2]", True),
        ("lines=2", "one", False),
        ("grade=opus:It is short.", "x", True),
    ],
)
def test_checks(monkeypatch, tmp_path, check, answer, passes):
    (tmp_path / "schema.json").write_text('{"type": "array"}')
    graded = Answer('{"passes": true, "reason": "short"}')
    with MessagesServer({"opus": graded, "*": answer}) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        given = check.format(schema=tmp_path / "schema.json") if "schema" in check else check
        done = run("Say something", "--pin", "haiku", "--check", given)
    assert done.exit_code == (0 if passes else 1), done.output
    assert done.stdout == answer + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--check", "jason"], "Unknown check 'jason'; did you mean 'json'?"),
        (["a", "--check", "max-chars"], "The check max-chars needs a value"),
        (["a", "--check", "max-chars=many"], "max-chars must be a whole number >= 0; got 'many'"),
        (["a", "--check", "regex=("], "is no regular expression"),
        (["a", "--check", "json-schema=nowhere.json"], "Can't read nowhere.json: No such file"),
        (["a", "--check", "grade=sonnet"], "A grade is a tier and criteria"),
        (["a", "--system", "b", "--system-file", "c"], "--system or --system-file, not both"),
        (["a", "--max-usd", "-1"], "max_usd must be a number >= 0"),
        (["a", "--file", "-"], "--file, not both"),
        (["--items", "3"], "--items goes with a task given as argument"),
        ([], "Tasks from stdin need --journal"),
        (["--file", "{tasks}", "--journal", "{tasks}"], "is no journal of a job"),
        (["--file", "{tasks}", "--journal", "{folder}/no/job"], "can't be opened"),
    ],
)
def test_bad_input_is_exit_2_and_one_line(claude, tasks, arguments, message):
    filled = [each.format(tasks=tasks, folder=tasks.parent) for each in arguments]
    done = run(*filled, stdin="x")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("tierwise: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert claude.calls == ()


@pytest.mark.parametrize("key", ["sk-ant-wrong", ""])
def test_a_wrong_key_is_exit_2_and_one_line_without_the_key(claude, tasks, monkeypatch, key):
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    monkeypatch.setenv("HOME", str(tasks.parent))  # nobody's profile
    done = run("--file", tasks)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "sk-ant" not in done.output
    assert "ticket" not in done.output


def test_a_disk_that_is_full_is_exit_2_and_the_same_command_goes_on(claude, tasks, small_disk):
    filler, journal = small_disk / "filler", small_disk / "job"
    filler.write_bytes(b"x" * (2 * 1024 * 1024 - 4_096))
    done = run("--file", tasks, "--journal", journal, "--concurrency", "1")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "No space left on device" in done.stderr
    assert "run the same again" in done.stderr
    filler.unlink()
    assert run("--file", tasks, "--journal", journal).exit_code == 0


def test_no_key_at_all_is_exit_2_and_one_line(claude, tasks, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("HOME", str(tasks.parent))
    done = run("--file", tasks)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "tierwise: There is no API key. Set ANTHROPIC_API_KEY, or make the client with api_key=...\n"
    )
    assert claude.calls == ()
