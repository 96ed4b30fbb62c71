"""Every command without any extra: what is missing is named in one line, and nothing shows a traceback."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tierwise.data import CHAMPION

# what `pip install .` brings is there; every other package is as if it were not installed
BASE = """
import contextlib, io, json, sys

class Base:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        here = {*sys.stdlib_module_names, "tierwise", "numpy", "safetensors", "click", "tqdm"}
        known = first in here or first.startswith("__editable__")
        return self.finder.find_spec(name, path, target) if known else None

sys.meta_path = [Base(each) for each in sys.meta_path]
from tierwise.cli import main
for command in json.loads(sys.argv[1]):
    told, code = io.StringIO(), 0
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(command)
        except SystemExit as error:
            code = error.code
    print(json.dumps([code, told.getvalue()]))
"""
NEED = {
    "log": (
        ["plan", "--log", "o.db"],
        ["run", "Tag", "--log", "o.db"],
        ["outcome", "abc", "clean", "--log", "o.db"],
        ["log", "import", "rows.csv", "--log", "o.db"],
        ["log", "export", "o.jsonl", "--log", "o.db"],
        ["log", "stats", "--log", "o.db"],
        ["log", "demo", "--log", "o.db"],
        ["log", "forget", "--task-type", "tags", "--log", "o.db"],
    ),
    "anthropic": (
        ["run", "Tag"],
        ["run", "--file", "tasks.jsonl"],
        ["batch", "submit", "--file", "tasks.jsonl"],
        ["pipeline", "run", "post.toml", "tasks.jsonl"],
    ),
    "train": (
        ["train", "rows.csv", "--out", "m"],
        ["train", "--log", "o.db", "--out", "m"],
        ["evaluate", str(CHAMPION), "--log", "o.db"],
        ["promote", str(CHAMPION), "--to", "models", "--why", "x", "--force"],
        ["rollback", "--to", "models", "--why", "x"],
        ["pull", "models:/x@champion"],
    ),
    "serve": (
        ["serve"],
        ["serve", "--log", "o.db"],
        ["serve", "--model", "models:/x@champion"],
    ),
    None: (["catalog", "--check"],),  # needs one package, which is no extra of its own
}
WORK = (
    ["predict", "Tag these"],
    ["predict", "--file", "tasks.jsonl"],
    ["explain", "Tag these"],
    ["plan"],
    ["token", "new", "--tokens", "t.json"],
    ["catalog"],
    ["demo"],
    ["doctor"],
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    (folder / "tasks.jsonl").write_text('{"specification": "Tag this ticket"}\n')
    (folder / "rows.csv").write_text(
        "specification,task_type,tier,verdict,at\nTag,tags,haiku,clean,2026-01-01T00:00:00Z\n"
    )
    (folder / "post.toml").write_text('name = "post"\n[[step]]\nname = "tag"\nspecification = "Tag it"\n')
    commands = [command for some in NEED.values() for command in some] + list(WORK)
    call = [sys.executable, "-c", BASE, json.dumps(commands)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return {" ".join(command): answer for command, answer in zip(commands, found, strict=True)}


@pytest.mark.parametrize(
    ("extra", "command"), [(extra, " ".join(each)) for extra, some in NEED.items() for each in some]
)
def test_a_command_that_needs_an_extra_says_so_in_one_line(answers, extra, command):
    code, told = answers[command]
    assert code == 2, told
    lines = [line for line in told.splitlines() if line.strip()]
    assert len(lines) == 1, told
    assert lines[0].startswith("tierwise: This needs the package ")
    assert lines[0].endswith(f"pip install 'tierwise[{extra}]'" if extra else "pip install genai-prices")


@pytest.mark.parametrize("command", [" ".join(each) for each in WORK])
def test_a_command_that_needs_none_works(answers, command):
    code, told = answers[command]
    assert code == 0, told
    assert "Traceback" not in told
