"""tierwise explain: one decision opened up."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from tierwise import predict_tier
from tierwise.cli import main

TAG = (
    "Tag each of these support tickets with one product area from the list: billing, login, export. CSV out."
)
POLICY = "Rewrite our refund policy so that customers understand it."


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ([POLICY], ["sonnet (claude-sonnet-5-5), sync.", "Why, the decisive rule first:", "passes"]),
        ([TAG, "--live"], ["sonnet (claude-sonnet-5-5), sync.", "floor:live: A person is waiting"]),
        ([TAG, "--items", "240", "--verifiable"], ["haiku (claude-haiku-5-5), batch.", "If the check fails"]),
        ([TAG, "--deterministic"], ["No model: a plain program does this step."]),
        ([POLICY, "--pin", "haiku", "--live"], ["! pin_below_floor: Warning"]),
        ([POLICY, "--history", '{"haiku": [3, 9]}'], ["haiku: 3 clean, 9 not clean", "history: Outcomes"]),
        (
            [POLICY, "--attempts", "sonnet"],
            ["opus (claude-opus-5-5)", "Already failed at this task: sonnet."],
        ),
        ([POLICY, "--input-tokens", "1200", "--output-tokens", "300"], ["Cost of 1,200", "300 out"]),
        (
            [POLICY, "--correction-minutes", "6", "--hourly-rate-usd", "80"],
            ["x $8.00 correction", "Cheapest plan:"],
        ),
        ([POLICY, "--enable", "fable", "--pin", "fable"], ["fable (claude-fable-5-2), sync."]),
    ],
)
def test_what_was_said_and_given_is_explained(arguments, lines):
    result = explain(*arguments)
    assert result.exit_code == 0, result.output
    assert [line for line in lines if line not in result.stdout] == []


def test_the_text_is_what_python_explains_but_for_the_id():
    shown, answer = explain(POLICY, "--live").stdout, predict_tier(POLICY, live=True).explain()
    assert shown.splitlines()[:-1] == answer.splitlines()[:-1]
    assert shown.splitlines()[-1].startswith("decision ")


def test_many_failures_of_a_type_move_it_up_and_the_text_says_by_what():
    result = explain(TAG, "--history", '{"haiku": [0, 30], "sonnet": [30, 0]}')
    assert result.stdout.startswith("sonnet (")
    assert "haiku: 0 clean, 30 not clean" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([TAG, "--history", "{haiku"], "--history is not JSON: "),
        ([TAG, "--history", "[1, 2]"], "history must map tiers to (clean, not clean)"),
        ([TAG, "--history", '{"haiku": 3}'], "history['haiku'] must be two counts >= 0"),
        ([TAG, "--history", '{"haiku": [1, -2]}'], "history['haiku'] must be two counts >= 0"),
        ([TAG, "--history", '{"haiku": [1e999, 1]}'], "history['haiku'] must be two counts >= 0"),
        ([TAG, "--history", '{"haiku": [true, 1]}'], "history['haiku'] must be two counts >= 0"),
        ([TAG, "--history", '{"hiaku": [1, 2]}'], "did you mean 'haiku'?"),
        ([TAG, "--history", "9" * 5000], "--history"),
        ([TAG, "--floor", "opsu"], "Unknown tier 'opsu'; did you mean 'opus'?"),
        ([TAG, "--floor", "opus", "--ceiling", "haiku"], "floor 'opus' lies above ceiling 'haiku'"),
        ([TAG, "--output-tokens", "500000"], "output"),
        ([TAG, "--hourly-rate-usd", "80"], "got only one"),
        (["a\x00"], "NUL character"),
    ],
    ids=range(13),
)
def test_bad_input_is_exit_2_and_one_clear_line(arguments, message):
    result = explain(*arguments)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'SPECIFICATION'"),
        ([TAG, "--itmes", "3"], "--items"),
        ([TAG, "--role", "boss"], "'boss' is not one of"),
        ([TAG, "another"], "unexpected extra argument (another)"),
    ],
)
def test_wrong_usage_is_exit_2_and_says_what_is_allowed(arguments, message):
    result = explain(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_a_model_that_cannot_be_loaded_is_explained_not_raised(tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    result = explain(POLICY)
    assert result.exit_code == 0
    assert "! model_unavailable: " in result.stdout
    assert f"No model at {tmp_path / 'nothing'}" in result.stdout


def test_the_real_command_explains():
    command = [sys.executable, "-m", "tierwise", "explain", POLICY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sonnet (claude-sonnet-5-5), sync.")
