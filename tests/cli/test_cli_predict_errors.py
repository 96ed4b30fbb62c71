"""tierwise predict refuses bad input: exit 2 and one clear line, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tierwise.cli import main


def predict(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["predict", *arguments], input=stdin)


def assert_refused(result: Result, message: str) -> None:
    """Exit 2, and one line on stderr that says this."""
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("tierwise: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        ("", "No tasks: the input is empty."),
        (" \n\n", "No tasks: the input is empty."),
        ("just a text\n", "use --format text"),
        ("task,items\nx,3\n", "neither JSON lines nor CSV with a column 'specification'"),
        ('{"specification": "a"}\n{"specification": 3}\n', "Line 2: specification must be text (str)"),
        ('{"specification": "a"}\n\n{"specification": \n', "Line 3 is not JSON"),
        ('\n\n{"specification": 3}\n', "Line 3: specification must be text"),
        ('{"specification": "a"}\n[1]\n', "Line 2: expected an object"),
        ('{"specification": "a", "itmes": 3}\n', "Line 1: Unknown fact 'itmes'; did you mean 'items'?"),
        ('{"items": 3}\n', "Line 1: A task needs a 'specification'"),
        ('{"specification": "a", "items": -1}\n', "Line 1: items must be a whole number >= 0; got -1"),
        ('{"specification": "a", "items": NaN}\n', "Line 1: items must be a whole number >= 0; got nan"),
        ('{"specification": "a", "live": "yes"}\n', "Line 1: live must be True, False or None; got 'yes'"),
        ('{"specification": "a", "items": ' + "9" * 5000 + "}\n", "Line 1"),
        ('{"specification": "a", "items": ' + "9" * 400 + "}\n", "Line 1"),
        ('{"specification": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "Line 1"),
        ('{"specification": "a"}\n{"specification": "a", "floor": "opsu"}\n', "Line 2: Unknown tier 'opsu'"),
        (
            '{"specification": "a"}\n{"specification": "a", "floor": "opus", "ceiling": "haiku"}\n',
            "Line 2: floor 'opus' lies above ceiling 'haiku'",
        ),
        ('specification,itmes\n"two\nlines",\na,3\n', "Line 4: Unknown fact 'itmes'; did you mean 'items'?"),
        ("\n\nspecification,items\na,x\n", "Line 4: items must be a whole number >= 0; got 'x'"),
        ("specification,live\na,maybe\n", "Line 2: live must be true or false; got 'maybe'"),
        ("specification,items\na,3,4\n", "Line 2: more cells than the header has columns"),
        ("specification,items\n,3\n", "Line 2: A task needs a 'specification'"),
        ("specification,items\na,3\nb,4,floor\n", "Line 3: more cells"),
        ("x" * 3_000_000, "use --format text"),
        ("specification\na\n" + "x" * 3_000_000, "Line 3 can't be read as CSV: field larger than"),
    ],
    ids=range(26),
)
def test_bad_rows_are_refused_by_their_line(stdin, message):
    assert_refused(predict(stdin=stdin), message)


def test_a_bad_row_beyond_the_first_chunk_is_refused_by_its_line_too():
    rows = "the same again\n" * 2_100
    bad = '{"specification": "a", "pin": "haiku", "floor": "opus"}\n'
    lines = "".join(json.dumps({"specification": text}) + "\n" for text in rows.splitlines()) + bad
    result = predict("--json", stdin=lines)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "Line 2101: pin 'haiku' lies below floor 'opus'" in result.stderr


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"specification": "café"}\n'.encode("latin-1"))
    assert_refused(predict("--file", str(path)), "UTF-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--floor", "opus", "--ceiling", "haiku"], "tierwise: floor 'opus' lies above ceiling 'haiku'"),
        (["a", "--pin", "opsu"], "tierwise: Unknown tier 'opsu'; did you mean 'opus'?"),
        (["a", "--input-tokens", "99999999"], "exceed the context window (1,000,000)"),
        (["a", "--input-tokens", "5", "--cached-tokens", "6"], "cached_tokens (6) are part of input_tokens"),
        (["a", "--items", "9" * 400], "items"),
        (["a", "--task-type", " "], "task_type must be a non-empty text"),
        (["a\x00b"], "NUL character at position 1"),
        (["a", "--max-under-tier", "2"], "max_under_tier must be a number >= 0 and <= 1; got 2.0"),
        (["a", "--max-under-tier", "nan"], "max_under_tier must be a number"),
        (["a", "--correction-minutes", "6"], "got only one"),
        (["a", "--enable", "fabel"], "did you mean 'fable'?"),
        (["a", "--ladder", "nowhere.toml"], "Can't read the ladder nowhere.toml"),
        (["--task-type", "x"], "--task-type goes with a task given as argument"),
        (["a", "--file", "-"], "--file"),
    ],
)
def test_bad_options_are_refused_in_one_line(arguments, message):
    assert_refused(predict(*arguments), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--itmes", "3"], "--items"),
        (["a", "--items", "-1"], "-1 is not in the range x>=0"),
        (["a", "--items", "many"], "'many' is not a valid integer"),
        (["a", "--role", "boss"], "'boss' is not one of 'orchestrator', 'worker', 'reviewer'"),
        (["--file", "nowhere.jsonl"], "No such file or directory"),
        (["a", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_is_exit_2_and_says_what_is_allowed(arguments, message):
    result = predict(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [["predict", "--json"], ["demo"], ["catalog"]])
def test_a_full_disk_is_one_line(arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tierwise", *arguments]
        row = json.dumps({"specification": "Tag these tickets"}) + "\n"
        done = subprocess.run(
            command, input=row * 500, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (2, "tierwise: Can't read or write: No space left on device.\n")


@pytest.mark.parametrize("stdin", ["", "no json", '{"specification": 3}'])
def test_nothing_is_printed_as_a_result_when_the_first_task_is_bad(stdin):
    assert predict(stdin=stdin).stdout == ""


def test_the_real_command_refuses_bad_input_without_a_traceback():
    command = [sys.executable, "-m", "tierwise", "predict"]
    done = subprocess.run(command, input="no json\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("tierwise: The input is neither JSON lines nor CSV")
