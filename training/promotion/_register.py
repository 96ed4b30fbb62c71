"""Puts a model folder into MLflow: as a pyfunc from code, and as a version of a registered model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ... import __version__
from ...classifier.artifact._folder import read_folder
from ...classifier.artifact._remote import SEAL_TAG

_CODE = Path(__file__).with_name("pyfunc_model.py")
_ARTIFACT = "tierwise"  # as in pyfunc_model.py
EXPERIMENT = "tierwise"


class Logged(NamedTuple):
    """Where MLflow has a model: models:/NAME/VERSION and runs:/ID/model."""

    name: str
    version: str
    run_id: str

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"


@contextmanager
def run_in(mlflow: Any, experiment: str, run_name: str | None = None) -> Iterator[None]:
    """A run in this experiment, made where there is none; under the caller's run, if there is one."""
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(experiment)
    number = client.create_experiment(experiment) if found is None else found.experiment_id
    with mlflow.start_run(experiment_id=number, run_name=run_name, nested=True):
        yield


def register(mlflow: Any, folder: Path, name: str) -> Logged:
    """Log the folder in the active run and register it; the version carries the folder's seal."""
    manifest = read_folder(folder).manifest
    with tempfile.TemporaryDirectory(prefix="tierwise-") as beside:
        code = shutil.copy(_CODE, beside)  # MLflow records these paths: none of the operator's
        copy = shutil.copytree(folder, Path(beside) / _ARTIFACT)
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(code),
            artifacts={_ARTIFACT: str(copy)},
            registered_model_name=name,
            pip_requirements=[f"tierwise=={__version__}", "pandas>=3,<4"],
            metadata={"tierwise_format": manifest["format_version"], "tiers": list(manifest["tiers"])},
        )
        version = str(info.registered_model_version)
        mlflow.MlflowClient().set_model_version_tag(name, version, SEAL_TAG, manifest["seal"])
    return Logged(name, version, str(info.run_id))
