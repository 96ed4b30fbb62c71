"""tierwise doctor: is this installation fit to decide, and if not, what to do."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_model import small_model

from tierwise import __version__
from tierwise.classifier.artifact._folder import seal_of
from tierwise.classifier.artifact._pointer import Canary
from tierwise.cli import main
from tierwise.data import CHAMPION, IMAGES, TIERS
from tierwise.training.promotion.store import ModelStore

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh_ladder(tmp_path, monkeypatch):
    """The ladder that ships, checked today, so that no test fails by the calendar alone."""
    return use_ladder(tmp_path, monkeypatch, TIERS, datetime.datetime.now(tz=datetime.UTC).date())


def use_ladder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: Path, checked_on: datetime.date
) -> Path:
    lines = source.read_text(encoding="utf-8").splitlines()
    dated = [f"checked_on = {checked_on}" if line.startswith("checked_on") else line for line in lines]
    path = folder / source.name
    path.write_text("\n".join(dated), encoding="utf-8")
    monkeypatch.setenv("TIERWISE_LADDER", str(path))
    return path


@pytest.fixture
def own_model(tmp_path, monkeypatch):
    """A copy of the champion, in use."""
    folder = tmp_path / "models" / "mine"
    shutil.copytree(CHAMPION, folder)
    monkeypatch.setenv("TIERWISE_MODEL", str(folder))
    return folder


def checks(exit_code: int) -> dict[str, dict]:
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return {check["name"]: check for check in json.loads(result.stdout)}


def test_a_sound_installation_is_exit_0():
    found = checks(exit_code=0)
    assert [name for name, check in found.items() if not check["holds"]] == []
    assert f"tierwise {__version__} on Python" in found["install"]["found"]
    assert found["ladder"]["found"] == "claude: haiku < sonnet < opus"
    assert found["model"]["found"].startswith(str(CHAMPION))
    assert {"extra train", "extra encoders", "permissions"} <= found.keys()


def test_every_extra_that_a_user_may_want_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"dev"}
    assert {f"extra {name}" for name in extras} <= checks(exit_code=0).keys()


def test_the_text_says_the_same_as_the_json():
    lines = CliRunner().invoke(main, ["doctor"]).stdout.splitlines()
    assert lines == [f"ok  {check['name']}: {check['found']}" for check in checks(exit_code=0).values()]


def test_the_model_of_the_environment_is_the_one_that_is_checked(own_model):
    assert checks(exit_code=0)["model"]["found"].startswith(f"{own_model}, version ")


def test_a_canary_is_named_with_the_command_that_judges_it(tmp_path, monkeypatch):
    store = ModelStore(tmp_path / "models")
    store.promote(store.add(CHAMPION), why="the first")
    monkeypatch.setenv("TIERWISE_MODEL", str(store.path))
    assert "canary" not in checks(exit_code=0)
    version = store.add(small_model())
    store.start_canary(Canary(version, 0.1, 500))
    found = checks(exit_code=0)["canary"]["found"]
    assert f"{version} is tried on 10% of what it would decide otherwise, in at most 500 decisions" in found
    assert found.endswith(f"tierwise promote {version} --to {store.path} --log LOG")


def test_a_missing_model_is_exit_1_and_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path / "nothing"))
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert f"BAD model: No model at {tmp_path / 'nothing'}" in result.stdout
    assert "    -> restore the folder, or unset TIERWISE_MODEL" in result.stdout


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "vocabulary.txt").write_text("a", encoding="utf-8"), "was changed or cut"),
        (lambda folder: (folder / "arrays.safetensors").unlink(), "lacks arrays.safetensors"),
        (
            lambda folder: (folder / "manifest.json").write_text("{}", encoding="utf-8"),
            "not a model manifest",
        ),
        (lambda folder: (folder / "manifest.json").write_text("[", encoding="utf-8"), "not a model manifest"),
        (lambda folder: edit_manifest(folder, format_version=99), "Upgrade tierwise"),
        (lambda folder: edit_manifest(folder, tiers=["haiku", "sonnet"]), "mine"),
    ],
)
def test_a_spoiled_model_is_exit_1_and_says_how(own_model, spoil, message):
    spoil(own_model)
    check = checks(exit_code=1)["model"]
    assert not check["holds"]
    assert message in check["found"]
    assert "TIERWISE_MODEL" in check["todo"]


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(manifest | {"seal": seal_of(manifest)}), encoding="utf-8")


def test_a_model_that_does_not_say_where_it_comes_from_is_still_examined(own_model):
    edit_manifest(own_model, training={})
    assert str(own_model) in checks(exit_code=0)["model"]["found"]


def test_a_broken_ladder_is_exit_1_and_the_model_is_examined_all_the_same(fresh_ladder):
    fresh_ladder.write_text("[[rung]]\n", encoding="utf-8")
    found = checks(exit_code=1)
    assert "lacks 'tier'" in found["ladder"]["found"]
    assert found["ladder"]["todo"] == "fix the file, or unset TIERWISE_LADDER"
    assert found["model"]["holds"]


def test_facts_that_were_not_checked_for_long_are_exit_1(tmp_path, monkeypatch):
    use_ladder(tmp_path, monkeypatch, TIERS, datetime.date(2020, 1, 1))
    found = checks(exit_code=1)
    assert not found["ladder haiku"]["holds"]
    assert "tierwise catalog --check" in found["ladder haiku"]["todo"]


def test_a_ladder_that_has_no_model_of_its_own_is_no_fault(tmp_path, monkeypatch):
    today = datetime.datetime.now(tz=datetime.UTC).date()
    use_ladder(tmp_path, monkeypatch, IMAGES, today)
    assert checks(exit_code=0)["ladder"]["found"] == "images: fast < standard < ultra"


def test_a_ladder_with_some_of_the_models_tiers_is_a_fault(fresh_ladder):
    text = fresh_ladder.read_text(encoding="utf-8").replace('tier = "haiku"', 'tier = "hai"')
    fresh_ladder.write_text(text, encoding="utf-8")
    assert "the ladder 'claude' has hai, sonnet, opus" in checks(exit_code=1)["model"]["found"]


def test_the_real_command_reports():
    command = [sys.executable, "-m", "tierwise", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok  install: ")
