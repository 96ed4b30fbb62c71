"""An ANTHROPIC_BASE_URL that is no address is bad input of each command that calls, before anything is begun."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tierwise.cli import main
from tierwise.testing import MessagesServer

COMMANDS = {
    "one task": ["run", "Tag this"],
    "a file": ["run", "--file", "tasks.jsonl"],
    "batch": ["batch", "submit", "--file", "tasks.jsonl"],
    "pipeline": ["pipeline", "run", "steps.toml", "articles.jsonl"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"id": "a", "specification": "Tag this"}) + "\n")
    (tmp_path / "articles.jsonl").write_text(json.dumps({"id": "a", "topic": "roses"}) + "\n")
    (tmp_path / "steps.toml").write_text('[[step]]\nname = "tag"\nspecification = "Tag {topic}"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    return tmp_path


def run(arguments, url, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    "url", ["sk-nonsense", "localhost:8080", "ftp://host", "https:///v1", "http://[::1", " http://host"]
)
def test_no_address_is_bad_input(folder, monkeypatch, arguments, url):
    before = sorted(folder.iterdir())
    done = run(arguments, url, monkeypatch)
    assert done.exit_code == 2
    assert "ANTHROPIC_BASE_URL is no address: it must begin with https:// or http://" in done.stderr
    assert url not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_an_address_is_asked(folder, monkeypatch):
    with MessagesServer() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", server.api_key)
        assert run(["run", "Tag this"], server.url, monkeypatch).exit_code == 0
