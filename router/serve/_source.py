"""Where the model comes from: a folder, a store, or an alias in MLflow's registry."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import NamedTuple

from ...classifier._artifact import MANIFEST
from ...classifier._pointer import POINTER, VERSIONS, is_store, read_pointer
from ...classifier.errors import ArtifactError, ArtifactMissing
from ...classifier.model import REMOTE, TierModel
from ...data import CHAMPION
from ..canary import Canary


class Found(NamedTuple):
    """What is to serve. trouble : why a challenger that should be tried is not."""

    model: TierModel
    challenger: TierModel | None = None
    canary: Canary | None = None
    trouble: str | None = None


class Source:
    """Asked again and again; each look is cheap, and only `load` reads a model."""

    def __init__(self, where: str | os.PathLike[str] | None) -> None:
        self.where = CHAMPION if where is None else where
        self.is_remote = isinstance(where, str) and where.startswith(REMOTE)

    @property
    def name(self) -> str:
        return os.fspath(self.where)

    def signature(self) -> Hashable:
        """Changes whenever something else is to serve. Raises ArtifactError, StoreError."""
        if self.is_remote:
            return _version_of(self.name)
        path = Path(self.where)
        if is_store(path):
            return POINTER, _stamp(path / POINTER)
        return MANIFEST, _stamp(path / MANIFEST)

    def load(self) -> Found:
        """Raises ArtifactError; for MLflow also StoreError."""
        if self.is_remote:
            return Found(_warm(TierModel.load(self.name)))
        path = Path(self.where)
        if not path.exists():
            raise ArtifactMissing(f"No model at {path}: there is no such folder.", about=path)
        model = _warm(TierModel.load(path))
        canary = read_pointer(path).canary if is_store(path) else None
        if canary is None:
            return Found(model)
        try:
            challenger = _warm(TierModel.load(path / VERSIONS / canary.version))
        except ArtifactError as error:
            return Found(model, trouble=f"The challenger {canary.version} is not tried. {error}")
        return Found(model, challenger, Canary(canary.share, canary.max_decisions))


def _warm(model: TierModel) -> TierModel:
    """What the first decision would work out is worked out before it serves."""
    model.fingerprint  # noqa: B018
    return model


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _version_of(uri: str) -> Hashable:
    from ...classifier._mlflow import mlflow_calls
    from ...classifier._remote import _fixed

    with mlflow_calls(f"look up {uri}") as mlflow:
        return _fixed(mlflow, uri)
