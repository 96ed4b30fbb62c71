"""log_training: a training run in MLflow, with its model as a new version of a registered model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...classifier.artifact._mlflow import mlflow_calls
from ...classifier.artifact._registered import CHALLENGER
from ...classifier.model import TierModel
from ...router.ladder import default_ladder
from ..promise.kept_apart import LATEST
from ..train import TrainedModel
from ._of_types import cost_quality_points, late_view, learning, movements, relative_prices
from ._register import EXPERIMENT, Logged, register, run_in
from ._shelf import model_folder
from .registry import ModelRegistry


def log_training(
    model: TierModel | str | os.PathLike[str], *, experiment: str = EXPERIMENT, name: str = "tierwise"
) -> Logged:
    """Log parameters, metrics, plots, data fingerprint and model; register it with the alias `challenger`.

        model = train(log)
        model.save("trained/friday")                        # first: the result survives a server's absence
        log_training(model)                                 # Logged(name="tierwise", version="3", run_id=…)

    model : what `train` returned; of a saved model there are no plots, since its outcomes aren't in it.
    experiment : made where there is none. MLFLOW_TRACKING_URI says at which server.

    A canary that is running keeps the alias. Raises StoreUnavailable within a minute where MLflow is away.
    """
    with model_folder(model) as folder:
        doing = f"log the training to experiment {experiment!r}"
        with mlflow_calls(doing) as mlflow, run_in(mlflow, experiment):
            _log_facts(mlflow, TierModel.load(folder))
            if isinstance(model, TrainedModel):
                _log_outcomes(mlflow, model)
                for file, figure in figures(model):
                    mlflow.log_figure(figure, f"plots/{file}")
            logged = register(mlflow, folder, name)
    if ModelRegistry(f"models:/{name}").canary() is None:
        with mlflow_calls(f"name {logged.uri} the challenger") as mlflow:
            mlflow.MlflowClient().set_registered_model_alias(name, CHALLENGER, logged.version)
    return logged


def figures(model: TrainedModel) -> Iterator[tuple[str, Any]]:
    """(file name, matplotlib figure) of each plot.

    Reliability and cost are of the latest outcomes, seen with those before them; the fit has seen them too,
    so they flatter. What the model was worth on outcomes it never saw, `evaluate` says.
    """
    from . import plots

    late = late_view(model, model.outcomes, LATEST)
    yield "reliability.png", plots.reliability(late.predicted, late.outcomes.clean)
    prices = relative_prices(model.tiers, default_ladder())
    if prices is not None and len(model.tiers) > 2:
        curve, alone = cost_quality_points(late, prices)
        yield "cost_quality.png", plots.cost_quality(curve, dict(zip(model.tiers, alone, strict=True)))
    moves = movements(model, model.outcomes, model.states())
    yield "movement_per_type.png", plots.movement(moves, model.tiers)
    yield "learning_curve.png", plots.learning_curve(*learning(model, model.outcomes))


def _log_facts(mlflow: Any, model: TierModel) -> None:
    manifest = model.manifest
    training: Mapping[str, Any] = manifest.get("training", {})
    mlflow.log_params(
        {
            "tiers": " < ".join(model.tiers),
            "rows": training.get("rows"),
            "task_types": training.get("task_types"),
            "calibration_slope": training.get("calibration", {}).get("slope"),
            "encoder": manifest["encoder"]["fingerprint"],
            **{f"widths.{key}": value for key, value in sorted(manifest["widths"].items())},
        }
    )
    numbers = {
        key: float(value)
        for key, value in manifest.get("metrics", {}).items()
        if isinstance(value, (int, float)) and np.isfinite(value)
    }
    promised = [row["max_under_tier"] for row in manifest["thresholds"] if row.get("found")]
    mlflow.log_metrics({**numbers, **({"least_under_tier": min(promised)} if promised else {})})
    mlflow.set_tags(
        {
            "tierwise.version": model.version,
            "tierwise.training_sha256": training.get("sha256", ""),
            "tierwise.notes": " ".join(training.get("notes", [])),
        }
    )


def _log_outcomes(mlflow: Any, model: TrainedModel) -> None:
    """Columns, size and digest of the training set; texts and rows stay where they are."""
    outcomes = model.outcomes
    frame = pd.DataFrame(
        {
            "task_type": [outcomes.type_names[kind] for kind in outcomes.types],
            "tier": [model.tiers[tier] for tier in outcomes.tiers],
            "verdict": np.where(outcomes.clean, "clean", "not clean"),
            "at": pd.to_datetime(outcomes.at, unit="s", utc=True).astype(str),
        }
    )
    digest = model.report["sha256"][:36]  # as long as MLflow takes
    mlflow.log_input(mlflow.data.from_pandas(frame, name="outcomes", digest=digest), context="training")
