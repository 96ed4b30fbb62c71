"""tierwise evaluate."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from simulated_log import simulated

from tierwise import OutcomeLog
from tierwise.cli import main
from tierwise.data import CHAMPION
from tierwise.training.promotion.store import ModelStore


@pytest.fixture(scope="module")
def rows():
    return simulated(120, n_types=10)


def run(*arguments):
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_a_report_and_its_errors(rows, tmp_path):
    frame, errors = tmp_path / "outcomes.csv", tmp_path / "errors.csv"
    rows.to_csv(frame, index=False)
    done = run(CHAMPION, "--frame", frame, "--correction-usd", 4, "--errors-out", errors)
    assert done.exit_code == 0, done.output
    assert "120 tasks of" in done.output
    assert "a correction costs $4" in done.output
    assert {"error", "cost_usd", "specification"} <= set(pd.read_csv(errors).columns)


def test_a_log_against_the_champion_as_json(rows, tmp_path):
    with OutcomeLog(tmp_path / "log.db") as log:
        log.import_frame(rows)
    pinned = tmp_path / "pinned.jsonl"
    pinned.write_text('{"specification": "Tag these tickets", "tier": "opus"}\n')
    done = run(CHAMPION, "--log", tmp_path / "log.db", "--against", CHAMPION, "--pinned", pinned, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert set(found) == {"evaluation", "comparison", "gate"}
    assert found["gate"]["verdict"] == "refuse"
    assert found["comparison"]["shares"]["same"] == 1


def test_without_a_champion_there_is_nothing_to_compare_with(rows, tmp_path):
    """The hint is no other one than leads on: what it says to run, an empty store takes."""
    frame, store = tmp_path / "outcomes.csv", tmp_path / "models"
    rows.to_csv(frame, index=False)
    ModelStore(store).add(CHAMPION)
    for nothing in (tmp_path / "new", store):
        done = run(CHAMPION, "--frame", frame, "--against", nothing)
        assert done.exit_code == 2
        assert f"--against: there is no champion at {nothing}" in done.output
        assert f"tierwise promote {CHAMPION} --to {nothing}" in done.output
        assert "TIERWISE_MODEL" not in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CHAMPION], "Which outcomes"),
        (["nowhere", "--log", "x.db"], "nowhere"),
        ([CHAMPION, "--log", "nowhere/x.db"], "x.db"),
        ([CHAMPION, "--frame", "nowhere.csv"], "can't be read"),
        ([CHAMPION, "--frame", "x.csv", "--pinned", "p.jsonl"], "needs --against"),
        ([CHAMPION, "--frame", "x.csv", "--errors-out", "nowhere/e.csv"], "--errors-out: there is no folder"),
        (["models:/x@champion", "--frame", "x.csv"], "Can't fetch models:/x@champion"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


def test_errors_that_can_not_be_written_leave_the_report(rows, tmp_path):
    frame = tmp_path / "outcomes.csv"
    rows.to_csv(frame, index=False)
    done = run(CHAMPION, "--frame", frame, "--errors-out", tmp_path)  # a folder
    assert done.exit_code == 2
    assert "120 tasks of" in done.stdout
    assert "The errors can't be written to" in done.output
