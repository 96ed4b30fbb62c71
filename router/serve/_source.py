"""Where the model comes from: a folder, a store, or an alias in MLflow's registry."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import NamedTuple

from ...classifier.artifact._folder import MANIFEST
from ...classifier.artifact._pointer import Pointer, read_pointer
from ...classifier.artifact._registered import CHAMPION as CHAMPION_ALIAS
from ...classifier.artifact._registered import registered_pointer
from ...classifier.artifact._store_folder import POINTER, VERSIONS, is_store
from ...classifier.errors import ArtifactError, ArtifactMissing, NotInStore, StoreError
from ...classifier.model import REMOTE, TierModel
from ...classifier.task import Task
from ...data import CHAMPION
from ..canary import Canary
from ._stamp import stamp


class Found(NamedTuple):
    """What is to serve. trouble : why a challenger that should be tried is not.

    pointer : what MLflow's registry says; None for a folder or a store, where it can be read at any time.
    """

    model: TierModel
    challenger: TierModel | None = None
    canary: Canary | None = None
    trouble: str | None = None
    pointer: Pointer | None = None


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
            return _registered(self.name)
        path = Path(self.where)
        if is_store(path):
            return POINTER, stamp(path / POINTER)
        return MANIFEST, stamp(path / MANIFEST)

    def load(self) -> Found:
        """Raises ArtifactError; for MLflow also StoreError."""
        if self.is_remote:
            registered = _registered(self.name)
            return _with_challenger(
                Found(_warm(TierModel.load(registered.uri)), trouble=registered.trouble),
                registered.pointer,
                lambda version: TierModel.load(f"{registry_of(self.name)}/{version}"),
            )._replace(pointer=registered.pointer)
        path = Path(self.where)
        if not path.exists():
            raise ArtifactMissing(f"No model at {path}: there is no such folder.", about=path)
        model = _warm(TierModel.load(path))
        pointer = read_pointer(path) if is_store(path) else None
        return _with_challenger(
            Found(model), pointer, lambda version: TierModel.load(path / VERSIONS / version)
        )


def registry_of(uri: str) -> str | None:
    """ "models:/NAME" of models:/NAME@champion; None for what no promotion moves."""
    name, _, alias = uri.partition("@")
    return name if name.startswith("models:/") and alias == CHAMPION_ALIAS else None


def _with_challenger(found: Found, pointer: Pointer | None, load: Callable[[str], TierModel]) -> Found:
    canary = None if pointer is None else pointer.canary
    if canary is None:
        return found
    try:
        challenger = _warm(load(canary.version))
    except (ArtifactError, StoreError) as error:
        return found._replace(trouble=f"The challenger {canary.version} is not tried. {error}")
    return found._replace(challenger=challenger, canary=Canary(canary.share, canary.max_decisions))


def _warm(model: TierModel) -> TierModel:
    """What the first decision and the first page of one would work out is worked out before it serves."""
    model.fingerprint  # noqa: B018
    model.word_evidence(Task("Name three risks"))
    return model


class _Registered(NamedTuple):
    """What MLflow names now. uri : of a version, which will always mean this very model."""

    uri: str
    pointer: Pointer | None = None
    trouble: str | None = None


def _registered(uri: str) -> _Registered:
    """With the pointer, where promotions move the alias. Raises StoreError."""
    from ...classifier.artifact._mlflow import mlflow_calls
    from ...classifier.artifact._remote import fixed_uri

    where = registry_of(uri)
    with mlflow_calls(f"look up {uri}") as mlflow:
        if where is None:
            return _Registered(fixed_uri(mlflow, uri)[0])
        model = mlflow.MlflowClient().get_registered_model(where.removeprefix("models:/"))
    version = model.aliases.get(CHAMPION_ALIAS)
    if version is None:
        raise NotInStore(
            f"{where} has no champion. Choose one: tierwise promote MODEL --to {where}", about=uri
        )
    try:
        return _Registered(f"{where}/{version}", registered_pointer(model.tags, model.aliases, where))
    except ArtifactError as error:
        return _Registered(
            f"{where}/{version}", trouble=f"Whether a challenger is to be tried can't be read. {error}"
        )
