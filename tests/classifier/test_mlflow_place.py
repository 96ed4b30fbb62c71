"""Which MLflow is meant: nothing is begun in the current folder unasked, and no password is shown."""

from __future__ import annotations

import subprocess
import sys

import mlflow
import pytest
from click.testing import CliRunner
from small_model import small_model

import tierwise
from tierwise import TierModel
from tierwise.classifier.artifact._mlflow import check_chosen
from tierwise.classifier.errors import StoreUnavailable
from tierwise.cli import main

URI = "models:/unknown@champion"
UNCHOSEN = "nothing says where MLflow keeps its models. Set MLFLOW_TRACKING_URI"


@pytest.fixture
def unset(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ("serve", "--port", "0", "--model", URI),
        ("pull", URI),
        ("promote", URI, "--to", "models", "--force", "--why", "a test"),
        ("promote", "model", "--to", "models:/unknown", "--force", "--why", "a test"),
        ("rollback", "--to", "models:/unknown"),
        ("train", "rows.csv", "--out", "trained", "--track"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_command_begins_no_store_in_the_current_folder(unset, command):
    small_model().save(unset / "model")
    (unset / "rows.csv").write_text(
        "specification,task_type,tier,verdict,at\nTag,tags,haiku,clean,2026-01-01T00:00:00Z\n"
    )
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2, done.output
    assert UNCHOSEN in done.stderr.splitlines()[-1]
    assert not {"mlflow.db", "mlruns", "trained"} & {each.name for each in unset.iterdir()}


def test_in_python_it_is_the_same(unset):
    with pytest.raises(StoreUnavailable, match=UNCHOSEN):
        TierModel.load(URI)
    with pytest.raises(StoreUnavailable, match=UNCHOSEN):
        tierwise.log_training(small_model())
    assert list(unset.iterdir()) == []


def test_what_is_chosen_in_any_of_mlflows_ways_is_used(unset, monkeypatch):
    (unset / "mlflow.db").touch()  # MLflow's own default, in use
    check_chosen("look")
    (unset / "mlflow.db").rename(unset / "other.db")
    with pytest.raises(StoreUnavailable, match="Can't look: nothing says"):
        check_chosen("look")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
    check_chosen("look")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    mlflow.set_tracking_uri(f"sqlite:///{unset / 'other.db'}")
    try:
        check_chosen("look")
    finally:
        mlflow.set_tracking_uri(None)


IMPORTING = """
import sys

class Told:
    def find_spec(name, path=None, target=None):
        if name == "mlflow":
            print("imported now", file=sys.stderr)

from tierwise.cli import main
from tierwise.classifier.artifact import _mlflow
_mlflow.find_spec = lambda name: True
sys.meta_path.insert(0, Told)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("command", [("serve", "--port", "0", "--model", URI), ("pull", URI)])
def test_a_command_says_at_once_that_it_waits_for_mlflow(command):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, *command], capture_output=True, text=True, timeout=120
    )
    told = done.stderr.splitlines()
    assert told[:2] == [f"Asking MLflow for {URI}; it takes some seconds to start.", "imported now"]
    assert "did not answer as it should" in told[-1]
    assert done.returncode == 2


def test_a_password_in_the_address_is_not_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match=r"MLflow at http://127\.0\.0\.1:9") as caught:
        TierModel.load(URI)
    assert "secret" not in str(caught.value)
