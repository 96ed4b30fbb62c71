"""The Python code of README.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from tierwise.cli import main

README = Path(__file__).resolve().parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCK = re.compile(r"^ *```(?:python|py)\b[^\n]*\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[int, str]]:
    """(line of the first statement, code) of each Python block."""
    return [(text.count("\n", 0, found.start(1)) + 1, dedent(found[1])) for found in BLOCK.finditer(text)]


def test_python_blocks_are_found_and_others_are_not():
    text = "a\n```python\nx = 1\ny = 2\n```\n```bash\nls\n```\n1. in a list\n   ```py\n   z = 3\n   ```\n"
    assert blocks(text) == [(3, "x = 1\ny = 2\n"), (11, "z = 3\n")]


def test_a_readme_with_text_has_python_code():
    assert blocks(TEXT) or not TEXT.strip()


def test_the_sample_of_log_stats_is_what_the_commands_print(tmp_path):
    (block,) = re.findall(r"^```\n(tierwise log demo [^\n]*\n.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    commands, *shown = block.splitlines()
    printed = ""
    for command in commands.split(" && "):
        arguments = command.replace("demo.db", str(tmp_path / "demo.db")).split()
        result = CliRunner().invoke(main, arguments[1:])
        assert result.exit_code == 0, result.output
        printed = result.stdout
    lines = iter(printed.splitlines())
    left = [line for line in shown if line not in ("", "…") and line not in lines]  # in the same order
    assert left == [], "README.md shows what the commands no longer print: make it say what they do"


@pytest.mark.allow_hosts(["127.0.0.1"])  # the loopback server, and nothing else
def test_the_code_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    """One namespace for all blocks, as a reader would paste them one after the other."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__readme__"}
    for line, code in blocks(TEXT):
        placed = "\n" * (line - 1) + code  # so that a failure names the line of README.md
        exec(compile(placed, str(README), "exec"), namespace)
    assert capsys.readouterr().err == ""
