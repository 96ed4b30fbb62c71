"""log_training: a run in MLflow with parameters, metrics, plots, fingerprint and model."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from small_model import TIERS, small_manifest, small_model, small_reader

from tierwise.classifier.artifact._pointer import Canary
from tierwise.classifier.errors import StoreUnavailable
from tierwise.classifier.model import TierModel
from tierwise.training.outcomes.frame import read_frame
from tierwise.training.promotion._of_types import EARLIER, cost_quality_points, late_view, learning, movements
from tierwise.training.promotion.registry import ModelRegistry
from tierwise.training.promotion.tracking import figures, log_training
from tierwise.training.train import TrainedModel

SHA = "ab" * 32
PLOTS = {"reliability.png", "cost_quality.png", "movement_per_type.png", "learning_curve.png"}


def frame(n_rows: int = 120) -> pd.DataFrame:
    """Haiku never does the hard type and always the easy one, with the same texts."""
    chance = np.random.default_rng(0)
    kinds = np.array(["easy", "hard", "other"])[np.arange(n_rows) % 3]
    tiers = np.where(kinds == "other", chance.integers(0, 3, n_rows), 0)
    return pd.DataFrame(
        {
            "specification": ["plan the tickets", "tag the ticket"] * (n_rows // 2),
            "task_type": kinds,
            "tier": np.array(TIERS)[tiers],
            "verdict": np.where(kinds == "hard", "corrected", "clean"),
            "at": pd.date_range("2026-01-01", periods=n_rows, freq="h", tz="UTC"),
        }
    )


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    """As `train` returns it, but made by hand: what is logged does not depend on the fit."""
    reader = small_reader()
    metrics = {"split": "the latest 18 outcomes", "log_loss": 0.4, "brier": None, "clean_share": 0.6}
    report = {"rows": 120, "task_types": 3, "sha256": SHA, "notes": ["A note."], "metrics": metrics}
    manifest = {**small_manifest(reader), "training": report, "metrics": metrics}
    manifest["encoder"] = {"fingerprint": "0123", **manifest.get("encoder", {})}
    return TrainedModel(reader, manifest, read_frame(frame(), TIERS))


def test_a_run_has_parameters_metrics_plots_fingerprint_and_a_registered_model(trained, mlflow_home):
    logged = log_training(trained)
    assert (logged.name, logged.version, logged.uri) == ("tierwise", "1", "models:/tierwise/1")
    client = mlflow.MlflowClient()
    run = client.get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "tierwise"
    assert run.data.params["rows"] == "120"
    assert run.data.params["tiers"] == "haiku < sonnet < opus"
    assert float(run.data.params["widths.level_sd"]) == trained.widths.level_sd
    assert run.data.metrics == {"log_loss": 0.4, "clean_share": 0.6}
    assert run.data.tags["tierwise.training_sha256"] == SHA
    assert run.data.tags["tierwise.notes"] == "A note."
    assert run.data.tags["tierwise.version"] == TierModel.load(logged.uri).version
    assert {Path(each.path).name for each in client.list_artifacts(logged.run_id, "plots")} == PLOTS
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("outcomes", SHA[:36])
    assert "plan the tickets" not in given.dataset.to_dictionary().__repr__()  # texts stay where they are


def test_the_registered_model_is_the_challenger_and_answers_as_the_trained_one(trained, mlflow_home):
    log_training(trained)
    model = TierModel.load("models:/tierwise@challenger")
    assert model.fingerprint == trained.fingerprint


def test_the_pyfunc_answers_a_frame_with_tier_and_probabilities(trained, mlflow_home):
    logged = log_training(trained)
    pyfunc = mlflow.pyfunc.load_model(logged.uri)
    rows = pd.DataFrame({"specification": ["plan the tickets", "tag the ticket"], "items": [40, None]})
    found = pyfunc.predict(rows)
    assert list(found.columns) == [
        "tier",
        "mode",
        *(f"{kind}_{tier}" for kind in ("needed", "pass") for tier in TIERS),
    ]
    np.testing.assert_allclose(found[[f"needed_{tier}" for tier in TIERS]].sum(axis=1), 1)
    assert set(found["tier"]) <= set(TIERS)


def test_a_saved_model_is_tracked_without_plots(trained, mlflow_home, tmp_path):
    trained.save(tmp_path / "friday")
    logged = log_training(tmp_path / "friday", experiment="later")
    assert mlflow.MlflowClient().list_artifacts(logged.run_id, "plots") == []
    assert mlflow.MlflowClient().get_experiment_by_name("later") is not None


def test_a_running_canary_keeps_its_alias(trained, mlflow_with_two):
    registry = ModelRegistry("models:/tierwise")
    registry.promote("1")
    registry.start_canary(Canary("2", 0.1, 500))
    assert log_training(trained).version == "3"
    assert registry.canary() == Canary("2", 0.1, 500)


def test_a_run_of_ones_own_is_the_parent(trained, mlflow_home):
    number = mlflow.MlflowClient().create_experiment("mine")
    with mlflow.start_run(experiment_id=number) as run:
        logged = log_training(trained, experiment="mine")
        assert mlflow.active_run().info.run_id == run.info.run_id
    tags = mlflow.MlflowClient().get_run(logged.run_id).data.tags
    assert tags["mlflow.parentRunId"] == run.info.run_id


def test_a_database_that_cannot_be_opened_is_an_error_that_names_it(trained, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    uri = f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreUnavailable, match=uri):
        log_training(trained)


def test_the_types_that_moved_most_come_first(trained):
    moves = movements(trained, trained.outcomes, trained.states())
    by_name = {move.task_type: move for move in moves}
    assert by_name["hard"].by_outcomes > by_name["hard"].by_text
    assert by_name["easy"].by_outcomes < by_name["easy"].by_text
    assert moves[-1].task_type == "other"
    assert {move.n_outcomes for move in moves} == {40}


def test_the_learning_curve_falls_where_types_differ_from_their_texts(trained):
    losses, counts = learning(trained, trained.outcomes)
    assert len(losses) == len(counts) == len(EARLIER)
    assert sum(counts) == 120
    assert counts[0] == 3
    assert losses[5] < losses[0]


def test_a_dearer_path_passes_more(trained):
    late = late_view(trained, trained.outcomes, 0.15)
    assert late.pass_.shape == (18, 3)
    assert ((late.predicted > 0) & (late.predicted < 1)).all()
    curve, alone = cost_quality_points(late, np.array([0.1, 1.0, 2.0]))
    assert [cost for cost, _ in alone] == [0.1, 1.0, 2.0]
    assert all(alone[0][1] - 1e-9 <= quality <= alone[2][1] + 1e-9 for _, quality in curve)


def test_what_is_plotted_is_held_against_verdicts_as_they_are_heard(trained):
    """Corrections are heard four times as often: predictions of verdicts are lower than those of passes."""
    widths = {**trained.manifest["widths"], "heard_ratio": 4.0}
    model = TrainedModel(trained.reader, {**trained.manifest, "widths": widths}, trained.outcomes)
    late = late_view(model, model.outcomes, 0.15)
    ran = late.pass_[np.arange(18), late.outcomes.tiers]
    assert late.predicted == pytest.approx(ran / (ran + 4.0 * (1.0 - ran)))
    assert (late.predicted < ran).all()
    place = model.posterior(model.outcomes.tasks[0]).pass_[0]
    first = model.outcomes.take(np.array([0]))  # an easy one at Haiku, clean
    assert learning(model, first)[0][0] == pytest.approx(-np.log(place / (place + 4.0 * (1.0 - place))))


def test_a_ladder_that_prices_other_tiers_gives_no_cost_plot():
    reader = small_reader(n_tiers=2)
    manifest = {**small_manifest(reader, tiers=("small", "large")), "training": {}}
    rows = frame().replace({"tier": {"haiku": "small", "sonnet": "large", "opus": "large"}})
    model = TrainedModel(reader, manifest, read_frame(rows, ("small", "large")))
    assert {name for name, _ in figures(model)} == PLOTS - {"cost_quality.png"}


def test_a_model_without_a_report_can_be_tracked(mlflow_home):
    logged = log_training(small_model())
    assert mlflow.MlflowClient().get_run(logged.run_id).data.params["rows"] == "None"
