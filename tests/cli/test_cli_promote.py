"""tierwise promote, rollback, train --track: one line a change, JSON on request, exit 1 where refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_model import small_model

from tierwise.classifier.model import TierModel
from tierwise.cli import main
from tierwise.training.promotion.store import ModelStore


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def to(tmp_path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def folders(tmp_path) -> list[Path]:
    out = []
    for seed in (0, 1):
        out.append(tmp_path / f"week{seed}")
        small_model(seed=seed).save(out[-1])
    return out


@pytest.fixture
def store(to, folders) -> ModelStore:
    for folder in folders:
        assert run("promote", folder, "--to", to, "--force", "--why", "the first").exit_code == 0
    return ModelStore(to)


def test_a_forced_promotion_is_told_and_says_how_to_undo_it(to, folders):
    result = run("promote", folders[0], "--to", to, "--force", "--why", "the first", "--by", "Ada")
    assert result.exit_code == 0, result.stderr
    version = TierModel.load(to).version
    first, last = result.stdout.splitlines()
    assert first.startswith(f"{to}: {version} serves from now on, forced. Change 1 by Ada at 20")
    assert last == f"To undo it: tierwise rollback --to {to}"


def test_the_change_as_json_is_the_one_in_the_pointer(to, folders):
    result = run("promote", folders[0], "--to", to, "--force", "--why", "the first", "--json")
    change = json.loads(result.stdout)
    assert change == json.loads((to / "champion.json").read_text())["history"][0]


def test_rollback_says_what_serves_again(store):
    first, second = (change.version for change in store.history())
    result = run("rollback", "--to", store.path, "--why", "worse")
    assert result.stdout == f"{store.path}: {first} serves again, in place of {second}.\n"
    result = run("rollback", "--to", store.path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Nothing to go back to in {store.path}: {first} is its first champion." in result.stderr


def test_rollback_as_json(store):
    change = json.loads(run("rollback", "--to", store.path, "--why", "worse", "--by", "Ada", "--json").stdout)
    assert (change["action"], change["by"], change["why"], change["serial"]) == (
        "rollback",
        "Ada",
        "worse",
        3,
    )


def test_without_a_log_it_is_refused_with_exit_1(store, folders):
    result = run("promote", folders[0], "--to", store.path, "--why", "better")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("tierwise: Nothing to judge the challenger on")
    result = run("promote", folders[0], "--to", store.path, "--json")
    assert json.loads(result.stdout) == {"action": "refuse", "gate": None}


BAD = {
    "force without a reason": (["--force"], "A forced promotion needs a reason"),
    "no such log": (["--log", "nowhere/log.db"], "nowhere/log.db"),
    "no such file": (["--frame", "nowhere.csv"], "nowhere.csv can't be read"),
    "a bad policy": (["--max-under-tier", "2"], "max_under_tier"),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_exit_2_and_one_line(store, folders, options, message):
    result = run("promote", folders[0], "--to", store.path, *options)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(store.history()) == 2


def test_a_model_or_a_store_that_is_none_is_one_line(store, folders, tmp_path):
    for arguments, message in (
        ((tmp_path / "none", "--to", store.path), "No model at"),
        ((folders[0], "--to", folders[1]), "is no model store: it holds a model"),
        ((folders[0], "--to", "models:/a/3"), "write models:/NAME"),
    ):
        result = run("promote", *arguments, "--force", "--why", "x")
        *asked, line = result.stderr.splitlines()
        assert (result.exit_code, len(asked)) == (2, str(arguments[-1]).startswith("models:/"))
        assert message in line


def test_with_mlflow_away_a_registry_is_one_line(folders):
    result = run("promote", folders[0], "--to", "models:/tierwise", "--force", "--why", "x")
    assert result.exit_code == 2
    assert "MLflow at http://127.0.0.1:9 did not answer" in result.stderr
