"""The examples are executed as they stand, as a user would: through the environment, against the loopback server."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from tierwise import OutcomeLog
from tierwise.testing import Answer, MessagesServer

FOLDER = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def played(monkeypatch, tmp_path, capsys):
    """Run an example in an empty folder: (what it printed, the server)."""
    monkeypatch.chdir(tmp_path)
    servers = []

    def play(name, answers, *arguments):
        server = MessagesServer(answers).start()
        servers.append(server)
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setattr("sys.argv", [name, *arguments])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return capsys.readouterr().out, server

    yield play
    for server in servers:
        server.stop()


def text_of(request):
    return request["messages"][0]["content"]


def test_every_example_is_tested():
    tested = {"plain_loop.py", "asyncio_limit.py", "pandas_column.py", "agent_loop.py"}
    tested |= {"article_pipeline.py"}  # in test_example_pipeline.py
    assert {path.name for path in FOLDER.glob("*.py")} == tested


def test_plain_loop(played):
    fits = "Rye, sourdough and a cold night: why good bread takes three days, told by our baker."

    def haiku(request):
        return "Too short." if "picnic" in text_of(request) else fits

    out, server = played("plain_loop.py", {"haiku": haiku, "*": fits})
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["haiku", "passed"],
        ["sonnet", "passed"],
        ["haiku", "passed"],
    ]
    with OutcomeLog("outcomes.db", create=False) as log:
        assert log.history("meta-description") == {"haiku": (2, 1), "sonnet": (1, 0)}
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)


def test_asyncio_limit(played):
    def answer(request):
        text = text_of(request)
        if "schools" in text:
            return Answer("maybe sales?", delay_s=0.01)
        area = "login" if "log in" in text else "billing"
        return Answer(json.dumps({"area": area}), delay_s=0.01)

    out, server = played("asyncio_limit.py", {"haiku": answer, "*": '```json\n{"area": "sales"}\n```'})
    lines = {line[11:31]: line.split()[0] for line in out.splitlines()}
    assert len(lines) == 6
    assert (lines["I can't log in since"], lines["Do you offer a disco"]) == ("login", "sales")
    assert len(server.calls) == 7


def test_pandas_column(played):
    names = {"Rye": "Three-day rye", "Wheat": "Light wheat bread", "Box": "Dozen mixed rolls"}

    def answer(request):
        return next(name for word, name in names.items() if word in text_of(request))

    out, server = played("pandas_column.py", answer)
    assert all(name in out for name in names.values())
    assert f"${server.cost_usd:.6f} spent, 0 left" in out
    again, second = played("pandas_column.py", answer)
    assert (again, second.calls) == (out, ())


def test_agent_loop(played):
    tasks = ["Describe rye bread for a picnic.", "Describe wheat bread for a picnic."]

    def answer(request):
        text = text_of(request)
        if "<goal>" not in text:
            return f"Good. ({text})"
        return json.dumps({"answer": "Take the rye."} if "Good." in text else {"tasks": tasks})

    out, server = played("agent_loop.py", answer, "Which bread for a picnic?")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["orchestrator", "worker", "worker", "orchestrator"]
    assert lines[4] == "Take the rye."
    orchestrators = {lines[number].split()[1] for number in (0, 3)}
    workers = {lines[number].split()[1] for number in (1, 2)}
    assert (orchestrators, workers) == ({"opus"}, {"sonnet"})
    assert "Which bread for a picnic?" in text_of(server.calls[0].request)
    assert sorted(text_of(call.request) for call in server.calls[1:3]) == tasks


def test_agent_loop_gives_up_clearly(played):
    with pytest.raises(SystemExit, match="No answer within 4 rounds"):
        played("agent_loop.py", lambda request: '{"tasks": []}', "Never done")
