"""tierwise train: a file of outcomes in, a model folder out; bad input is exit 2 and one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from small_model import small_manifest, small_reader

from tierwise import OutcomeLog
from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.cli import main
from tierwise.cli._outcomes import read_rows
from tierwise.training.outcomes.frame import read_frame
from tierwise.training.seeds.tasks import read_seeds

TIERS = ("small", "large")
HEAD = "specification,task_type,tier,verdict,at"
GOOD = "Tag the tickets by area,tagging,small,clean,2026-01-01T00:00Z"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A ladder of two tiers that has no seeds: its models are fitted in a second."""
    reader = small_reader(n_tiers=2)
    folder = tmp_path_factory.mktemp("base") / "model"
    TierModel(reader, small_manifest(reader, tiers=TIERS)).save(folder)
    return folder


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    seeds = read_seeds()[:80]
    tier = chance.integers(0, 2, 80)
    clean = chance.random(80) < np.where(tier == 1, 0.9, 0.5)
    return pd.DataFrame(
        {
            "specification": [seed.task.specification for seed in seeds],
            "task_type": [f"{i % 8:03d}" for i in range(80)],
            "tier": np.array(TIERS)[tier],
            "verdict": np.where(clean, "clean", "corrected"),
            "at": pd.date_range("2026-01-01", periods=80, freq="D", tz="Europe/Berlin"),
            "verifiable": [True, None] * 40,
            "items": [3, None] * 40,
        }
    )


def write(rows: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    elif path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows = rows.assign(at=rows["at"].map(pd.Timestamp.isoformat))
        rows.to_json(path, orient="records", lines=path.suffix == ".jsonl")
    return path


def train(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


def assert_refused(result: Result, message: str, out: Path) -> None:
    """Exit 2, one line on stderr that says this, and nothing written."""
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.startswith("tierwise: ")
    assert result.stderr.count("\n") == 1
    assert not list(out.parent.glob("*out*"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_every_kind_of_file_is_read_alike(rows, tmp_path, kind):
    """Texts that look like numbers, times across a change of the clocks, empty facts, attempts."""
    plain = read_frame(rows, TIERS)
    tried = rows.assign(attempts=[["small"], []] * 40)
    if kind == "csv":
        tried["attempts"] = ["small", ""] * 40
    found = read_frame(read_rows(write(tried, tmp_path / f"outcomes.{kind}")), TIERS)
    assert [task.specification for task in found.tasks] == [task.specification for task in plain.tasks]
    assert found.type_names == tuple(f"{i:03d}" for i in range(8))
    assert found.at.tolist() == plain.at.tolist()
    assert found.clean.tolist() == plain.clean.tolist()
    assert [task.items for task in found.tasks] == [3, None] * 40
    assert [task.verifiable for task in found.tasks] == [True, None] * 40
    assert found.failed == ((0,), ()) * 40


@pytest.mark.parametrize("empty", ["()", "[]", "", None])
@pytest.mark.parametrize("one", ["('small',)", "['small']", "small"])
def test_attempts_in_a_csv_that_pandas_has_written_are_read(rows, tmp_path, one, empty):
    path = write(rows.assign(attempts=[one, empty] * 40), tmp_path / "outcomes.csv")
    assert read_frame(read_rows(path), TIERS).failed == ((0,), ()) * 40


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_model_is_fitted_and_written(rows, base, tmp_path, kind):
    path, out = write(rows, tmp_path / f"outcomes.{kind}"), tmp_path / "out"
    result = train(path, "--out", out, "--base", base)
    assert result.exit_code == 0, result.stderr
    assert "80 outcomes of 8 task types" in result.stdout
    assert f"TIERWISE_MODEL={out}" in result.stdout
    model = TierModel.load(out)
    assert model.tiers == TIERS
    small, large = model.pass_probabilities([Task("Tag the tickets by area")])[0]
    assert small < large


def test_the_report_as_json_is_the_one_in_the_model(rows, base, tmp_path):
    out = tmp_path / "out"
    result = train(write(rows, tmp_path / "a.csv"), "--out", out, "--base", base, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["rows"] == 80
    assert report == TierModel.load(out).manifest["training"]


def test_an_older_model_is_replaced_whole(rows, base, tmp_path):
    out = tmp_path / "out"
    for number in (70, 80):
        path = write(rows.iloc[:number], tmp_path / "outcomes.csv")
        assert train(path, "--out", out, "--base", base).exit_code == 0
    assert TierModel.load(out).manifest["training"]["rows"] == 80
    assert {each.name for each in tmp_path.iterdir()} == {"out", "outcomes.csv"}


def csv(*lines: str) -> str:
    return "\n".join([HEAD, *lines]) + "\n"


BAD_FILES = {
    "empty": ("a.csv", "", "a.csv can't be read: No columns to parse"),
    "no rows": ("a.csv", csv(), "0 outcomes that speak of capability"),
    "too few": ("a.csv", csv(*[GOOD] * 49), "49 outcomes that speak of capability; at least 50"),
    "one class": ("a.csv", csv(*[GOOD] * 90), "All 90 outcomes are clean"),
    "ragged": ("a.csv", csv(GOOD, GOOD + ",1,2"), "a.csv can't be read: Error tokenizing data"),
    "latin": ("a.csv", b"specification\ncaf\xe9\n", "a.csv can't be read: 'utf-8' codec can't decode"),
    "no column": ("a.csv", "specification,tier\na,small\n", "no column 'task_type', 'verdict', 'at'"),
    "naive": ("a.csv", csv(GOOD.removesuffix("Z")), "Column 'at' must hold times with a time zone"),
    "naive json": (
        "a.jsonl",
        json.dumps(dict(zip(HEAD.split(","), GOOD.removesuffix("Z").split(","), strict=True))),
        "Column 'at' must hold times with a time zone",
    ),
    "one naive": ("a.csv", csv(GOOD, GOOD.removesuffix("Z")), "in row 1 has no time zone"),
    "no time": (
        "a.csv",
        csv(GOOD.replace("2026-01-01T00:00Z", "yesterday")),
        "'yesterday' in row 0 is no time",
    ),
    "tier": ("a.csv", csv(GOOD.replace("small", "smal")), "'smal' in row 0; did you mean 'small'"),
    "verdict": (
        "a.csv",
        csv(GOOD.replace("clean", "ok")),
        "'ok' in row 0. Allowed: clean, corrected, failed",
    ),
    "half a line": ("a.jsonl", '{"specification": "a"}\n{"speci', "a.jsonl can't be read: "),
    "no json": ("a.json", "[1, 2", "a.json can't be read: "),
    "no table": ("a.json", "3", "a.json can't be read: "),
    "no parquet": ("a.parquet", b"PAR1 and no more", "a.parquet can't be read: "),
    "workbook": ("a.xlsx", b"", "a.xlsx: unknown kind of file; .csv, .parquet, .jsonl, .json can be read"),
    "no suffix": ("rows", csv(GOOD), "rows: unknown kind of file"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(base, tmp_path, name, content, message):
    path, out = tmp_path / name, tmp_path / "out"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(train(path, "--out", out, "--base", base), message, out)


def test_a_suffix_in_capitals_is_known(base, tmp_path):
    (tmp_path / "A.CSV").write_text(csv(GOOD))
    result = train(tmp_path / "A.CSV", "--out", tmp_path / "out", "--base", base)
    assert_refused(result, "1 outcomes that speak of capability", tmp_path / "out")


def test_a_missing_file_and_a_missing_base_are_refused(rows, tmp_path):
    out = tmp_path / "out"
    assert_refused(train(tmp_path / "a.csv", "--out", out), "No such file or directory", out)
    path = write(rows, tmp_path / "a.csv")
    assert_refused(train(path, "--out", out, "--base", tmp_path / "b"), "No model at", out)


def test_a_folder_with_something_else_in_it_is_not_replaced(rows, base, tmp_path):
    out = tmp_path / "notes"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    result = train(write(rows, tmp_path / "a.csv"), "--out", out, "--base", base)
    assert result.exit_code == 2
    assert "holds something other than a model" in result.stderr
    assert (out / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "arguments", [[], ["a.csv"], ["a.csv", "--out"], ["--out", "m"], ["a.csv", "--uot", "m"]]
)
def test_wrong_usage_is_exit_2(arguments):
    result = train(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_the_real_command_refuses_bad_input_without_a_traceback(base, tmp_path):
    (tmp_path / "a.csv").write_text(csv(GOOD.replace("2026-01-01T00:00Z", "1st of May")))
    command = [sys.executable, "-m", "tierwise", "train", "a.csv", "--out", "out", "--base", str(base)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tierwise: Column 'at': '1st of May' in row 0")
    assert done.stderr.count("\n") == 1


def test_a_tracked_training_is_in_mlflow(rows, base, tmp_path, mlflow_home):
    out = tmp_path / "out"
    result = train(
        write(rows, tmp_path / "a.csv"), "--out", out, "--base", base, "--json", "--track", "friday"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["mlflow"]["uri"] == "models:/tierwise/1"
    assert TierModel.load("models:/tierwise@challenger").fingerprint == TierModel.load(out).fingerprint


def test_with_mlflow_away_the_training_is_not_lost(rows, base, tmp_path):
    out = tmp_path / "out"
    result = train(write(rows, tmp_path / "a.csv"), "--base", base, "--track", "--out", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"tierwise: The model is in {out}, but it was not tracked. Can't log" in result.stderr
    assert TierModel.load(out).manifest["training"]["rows"] == 80


def test_a_training_that_is_not_tracked_does_not_import_mlflow(rows, base, tmp_path):
    path, out = write(rows, tmp_path / "a.csv"), tmp_path / "out"
    code = (
        "import sys; from tierwise.cli import main;"
        f"main(['train', {str(path)!r}, '--out', {str(out)!r}, '--base', {str(base)!r}], standalone_mode=False);"
        "print('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_a_log_is_read_and_its_newest_outcomes_can_be_held_back(rows, base, tmp_path):
    """Judged on them afterwards: `compare` takes what came after the last verdict in training."""
    with OutcomeLog(tmp_path / "log.db") as log:
        log.import_frame(rows)
    told = ["--log", str(tmp_path / "log.db"), "--base", base, "--json"]
    result = train("--out", tmp_path / "out", *told, "--hold-back", "0.25")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 60
    newest = sorted(rows["at"])[59].tz_convert("UTC")
    assert json.loads(result.stdout)["trained_until"] == newest.isoformat(timespec="seconds")
    reversed_file = write(rows.iloc[::-1], tmp_path / "a.csv")
    again = train(reversed_file, "--out", tmp_path / "b", "--base", base, "--json", "--hold-back", "0.25")
    assert json.loads(again.stdout)["trained_until"] == json.loads(result.stdout)["trained_until"]


def test_outcomes_must_come_from_somewhere(base, tmp_path):
    out = tmp_path / "out"
    assert_refused(train("--out", out, "--base", base), "Give FRAME, a file, or --log", out)
    missing = train("--out", out, "--base", base, "--log", str(tmp_path / "no.db"))
    assert_refused(missing, "There is no log at", out)
    assert_refused(train(tmp_path / "log.db", "--out", out), "outcome log is named by --log", out)


def test_rows_of_a_log_that_teach_nothing_are_left_out_and_counted(rows, base, tmp_path):
    """A task without a type, a tier of another ladder: no reason to train on nothing at all."""
    other = rows.iloc[:3].assign(specification=["One of no type", "One elsewhere", "Another elsewhere"])
    other = other.assign(task_type=[None, "tagging", "tagging"], tier=["small", "fast", "fast"])
    with OutcomeLog(tmp_path / "log.db") as log:
        log.import_frame(rows)
        log.import_frame(other)
    with OutcomeLog(tmp_path / "log.db", store_text="none") as log:
        log.import_frame(rows.iloc[:4].assign(specification=[f"Nobody keeps text {n}" for n in range(4)]))
    told = ["--log", str(tmp_path / "log.db"), "--base", base]
    result = train("--out", tmp_path / "out", *told)
    assert result.exit_code == 0, result.stderr
    assert "80 outcomes of 8 task types" in result.stdout
    for note in ("1 rows left out: without a task type", "2 rows left out: of tiers other than small, large"):
        assert note in result.stdout
    assert "4 rows left out: without their text, and without what a model of" in result.stdout


def test_a_log_without_any_text_says_so(rows, base, tmp_path):
    with OutcomeLog(tmp_path / "log.db", store_text="none") as log:
        log.import_frame(rows)
    result = train("--out", tmp_path / "out", "--base", base, "--log", str(tmp_path / "log.db"))
    assert_refused(result, "No row can be trained on (80 without their text, and", tmp_path / "out")
