"""tierwise demo, and what holds for the command as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pytest
from click.testing import CliRunner

from tierwise import __version__
from tierwise.cli import main
from tierwise.data import FOLDER, IMAGES

PARTS = sorted((FOLDER / "demo").glob("*.jsonl"))
TASKS = [json.loads(line) for path in PARTS for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, terminal_width=100)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_task_of_the_demo_is_shown_with_its_beginning():
    shown = " ".join(run("demo").split())
    assert len(TASKS) >= 30
    for task in TASKS:
        assert " ".join(task["specification"].split())[:30] in shown


def test_the_demo_shows_two_parts_with_totals_and_what_to_do_next():
    shown = run("demo")
    titles = [line for line, below in pairwise(shown.splitlines()) if below[:3] == "==="]
    assert titles == ["One article through a content pipeline", "Thirty tasks of all trades"]
    assert shown.count("as routed") == shown.count("all on opus: $") == 2
    assert "tierwise explain" in shown.splitlines()[-1]


@pytest.mark.parametrize("word", ["haiku", "sonnet", "opus", "batch", "none", "deterministic", "unfamiliar"])
def test_the_demo_shows_each_tier_each_mode_and_a_fallback(word):
    assert any(line.startswith(word) or f" {word} " in line for line in run("demo").splitlines())


def test_routing_the_demo_is_cheaper_than_sonnet_for_everything():
    routed, *constant = [line for line in run("demo").splitlines() if "$" in line][3:]
    dollars = [float(line.split("$")[1].split()[0]) for line in (routed, *constant)]
    assert dollars[0] == min(dollars)


def test_the_demo_runs_on_another_ladder(monkeypatch):
    monkeypatch.setenv("TIERWISE_LADDER", str(IMAGES))
    assert "middle_rung" in run("demo")


def test_the_demo_runs_without_a_model(monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    assert "model_unavailable" in run("demo")


def test_the_version_is_the_packages():
    assert run("--version").strip() == f"tierwise, version {__version__}"


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], *([name] for name in sorted(main.commands))])
def test_every_command_has_help_and_says_what_it_does(command, flag):
    shown = run(*command, flag)
    assert shown.startswith(" ".join(["Usage:", "main", *command]))
    assert len(shown.splitlines()[2].split()) >= 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["predct", "a"], "predct"), (["--jsno"], "--jsno"), (["demo", "a"], "unexpected extra argument (a)")],
)
def test_wrong_usage_is_exit_2_and_names_it(arguments, message):
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_the_real_demo_needs_no_terminal():
    done = subprocess.run([sys.executable, "-m", "tierwise", "demo"], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Thirty tasks of all trades" in done.stdout
