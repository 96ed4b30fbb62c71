"""Models from MLflow: fetched into a cache or a folder, checked, and never by a decision."""

from __future__ import annotations

import json
import logging
import shutil
import socket
from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner
from small_model import small_model

import tierwise
from tierwise.classifier.artifact._remote import SEAL_TAG, cache_folder, fetch
from tierwise.classifier.errors import ArtifactCorrupt, ArtifactMissing, NotInStore, StoreUnavailable
from tierwise.classifier.model import TierModel
from tierwise.cli import main
from tierwise.router._champion import forget_champion
from tierwise.training.promotion.registry import ModelRegistry
from tierwise.training.promotion.store import ModelStore

URIS = ("models:/tierwise@champion", "models:/tierwise/1")


@pytest.fixture
def home(mlflow_with_two) -> Path:
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "1")
    return mlflow_with_two


def run_uri() -> str:
    run = mlflow.MlflowClient().get_model_version("tierwise", "1").run_id
    return f"runs:/{run}/model"


@pytest.mark.parametrize("uri", [*URIS, "run"])
def test_a_model_is_loaded_by_each_kind_of_uri(home, uri):
    model = TierModel.load(run_uri() if uri == "run" else uri)
    assert model.fingerprint == small_model(seed=0).fingerprint


def test_what_was_fetched_is_not_fetched_again(home, monkeypatch):
    version = TierModel.load(URIS[1]).version
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    (home / "mlflow.db").unlink()
    assert TierModel.load(URIS[1]).version == version


def test_an_alias_is_asked_for_each_time(home):
    first = TierModel.load(URIS[0]).version
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "2")
    assert TierModel.load(URIS[0]).version != first


def test_stores_of_the_same_relative_name_are_not_taken_for_one_another(home, tmp_path, monkeypatch):
    """sqlite:///mlflow.db is another store in each folder; both have a version 1."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    first = fetch(URIS[1])
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(home / "mlflow.db", other / "mlflow.db")
    monkeypatch.chdir(other)
    assert fetch(URIS[1]) != first


def test_a_registry_that_was_begun_anew_is_noticed_by_its_seal(home):
    """The cache still has what was once version 1."""
    folder = fetch(URIS[0])
    shutil.rmtree(folder)
    shutil.copytree(fetch("models:/tierwise/2"), folder)
    assert TierModel.load(URIS[0]).fingerprint == small_model(seed=0).fingerprint


def test_a_damaged_cache_is_fetched_anew(home):
    folder = fetch(URIS[1])
    assert folder.is_relative_to(cache_folder())
    (folder / "arrays.safetensors").write_bytes(b"cut")
    assert TierModel.load(URIS[1]).fingerprint == small_model(seed=0).fingerprint


def test_without_a_cache_of_ones_own_the_platforms_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().parts[-2:] == ("tierwise", "models")


def test_a_model_that_is_not_the_registered_one_is_refused(home, tmp_path):
    mlflow.MlflowClient().set_model_version_tag("tierwise", "1", SEAL_TAG, "0" * 64)
    with pytest.raises(ArtifactCorrupt, match="is not the model that was registered"):
        fetch(URIS[1], tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


def test_bytes_that_changed_in_the_artifact_store_are_noticed(home, tmp_path):
    source = fetch(URIS[1], tmp_path / "good")
    broken = shutil.copytree(source, tmp_path / "broken")
    (broken / "vocabulary.txt").write_text("other")
    with mlflow.start_run(experiment_id="1") as run:
        mlflow.log_artifacts(str(broken), "model")
    with pytest.raises(ArtifactCorrupt, match="was changed or cut short"):
        fetch(f"runs:/{run.info.run_id}/model", tmp_path / "serving")


def test_a_folder_without_a_model_of_ours_says_so(home, tmp_path):
    with mlflow.start_run(experiment_id="1") as run:
        mlflow.log_text("hello", "model/notes.txt")
    with pytest.raises(ArtifactMissing, match="holds 0 tierwise models, expected one"):
        fetch(f"runs:/{run.info.run_id}/model")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/tierwise@nobody", "Can't fetch models:/tierwise@nobody: MLflow at sqlite"),
        ("models:/tierwise/9", "Can't fetch models:/tierwise/9"),
        ("models:/other/1", "Can't fetch models:/other/1"),
        ("models:/tierwise", "names no model. Use models:/NAME@ALIAS"),
        ("runs:/", "names no model"),
        ("runs:/0123/model", "Can't fetch runs:/0123/model"),
    ],
)
def test_what_mlflow_does_not_have_is_said(home, uri, message):
    with pytest.raises(NotInStore) as caught:
        TierModel.load(uri)
    assert message in str(caught.value)


def test_pull_writes_a_folder_that_serves(home, tmp_path, monkeypatch):
    folder = tmp_path / "serving"
    result = CliRunner().invoke(main, ["pull", URIS[0], "--to", str(folder), "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["folder"] == str(folder)
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "2")
    again = CliRunner().invoke(main, ["pull", URIS[0], "--to", str(folder)])  # replaced whole
    assert f"To serve it: TIERWISE_MODEL={folder}" in again.stdout
    assert TierModel.load(folder).fingerprint == small_model(seed=1).fingerprint


def test_pull_replaces_nothing_but_a_model(home, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(main, ["pull", URIS[0], "--to", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds something other than a model" in result.stderr


def test_a_decision_never_fetches(home, monkeypatch, caplog, socket_disabled):
    monkeypatch.setenv("TIERWISE_MODEL", URIS[0])
    forget_champion()
    with caplog.at_level(logging.WARNING, logger="tierwise"):
        decision = tierwise.predict_tier("Draft a blog post of 900 words about our bakery.")
    forget_champion()
    assert "model_unavailable" in decision.reasons
    assert f"Fetch it once: tierwise pull {URIS[0]}" in caplog.text
    assert not cache_folder().exists()


@pytest.fixture
def nobody(monkeypatch) -> str:
    """The address of a server that is away: nobody listens at this port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def test_a_server_that_is_away_is_an_error_that_names_it(nobody, tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_CACHE", str(tmp_path))
    with pytest.raises(StoreUnavailable, match=f"MLflow at {nobody} did not answer.*MLFLOW_TRACKING_URI"):
        TierModel.load(URIS[0])
    with pytest.raises(StoreUnavailable, match=nobody):
        ModelRegistry("models:/tierwise").rollback()
    assert list(tmp_path.iterdir()) == []


def test_with_the_server_away_the_local_store_goes_on(nobody, tmp_path):
    store = ModelStore(tmp_path / "models")
    store.promote(store.add(small_model()))
    with pytest.raises(StoreUnavailable, match=nobody):
        tierwise.promote(URIS[0], to=tmp_path / "models", why="it should", force=True)
    assert len(store.history()) == 1
    assert TierModel.load(store.path).version == store.champion()
