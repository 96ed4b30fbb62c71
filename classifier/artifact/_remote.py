"""Fetches a model from MLflow into a folder, checked. Decisions never come here."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ..errors import ArtifactCorrupt, ArtifactError, ArtifactMissing, MissingExtra, NotInStore
from ._folder import MANIFEST, read_folder
from ._mlflow import mlflow_calls

SEAL_TAG = "tierwise.seal"  # of a version in the registry: the seal of the manifest that belongs to it
_VERSION_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[^/@]+))")
_RUN_URI = re.compile(r"runs:/[^/]+/.+")


def fetch(uri: str, to: Path | None = None) -> Path:
    """A checked model folder with what MLflow has under this URI.

    to : a folder to write, an older model in it is replaced whole; default: one in the cache, where what
        was fetched before is not fetched again. An alias is resolved anew each time.

    Raises StoreUnavailable, NotInStore, ArtifactCorrupt, ArtifactMissing.
    """
    if not (_VERSION_URI.fullmatch(uri) or _RUN_URI.fullmatch(uri)):
        raise NotInStore(
            f"{uri!r} names no model. Use models:/NAME@ALIAS, models:/NAME/VERSION or runs:/ID/model.",
            about=uri,
        )
    with mlflow_calls(f"fetch {uri}") as mlflow:
        fixed, seal = fixed_uri(mlflow, uri)
        key = hashlib.sha256(f"{_store_of(mlflow)}\0{fixed}".encode()).hexdigest()[:16]
    folder = cache_folder() / key if to is None else to.resolve()
    if to is None and _is_whole(folder, seal):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ArtifactMissing(
            f"Can't write {uri} to {folder}: {error.strerror}. Choose a folder that you can write to, "
            "with --to or TIERWISE_CACHE.",
            about=folder,
        ) from error
    try:
        with mlflow_calls(f"fetch {uri}") as mlflow:
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=fixed, dst_path=str(beside)))
            seal = _expected_seal(mlflow, fixed)
        _place(_model_in(fetched, uri), seal, folder, uri)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def cache_folder() -> Path:
    """TIERWISE_CACHE, else the platform's cache folder."""
    chosen = os.environ.get("TIERWISE_CACHE")
    if chosen:
        return Path(chosen).resolve()
    try:
        from platformdirs import user_cache_path
    except ModuleNotFoundError as error:
        raise MissingExtra("platformdirs", "train") from error
    return user_cache_path("tierwise") / "models"


def _store_of(mlflow: Any) -> str:
    """A relative path names another store in each folder."""
    uri = str(mlflow.get_registry_uri())
    is_relative = "://" not in uri or re.match(r"sqlite:///(?!/)", uri) is not None
    return f"{Path.cwd()}\0{uri}" if is_relative else uri


def fixed_uri(mlflow: Any, uri: str) -> tuple[str, str | None]:
    """The URI that will always mean this very model: an alias becomes its version; and its seal, if told.

    Always, unless the registry is begun anew under its old address: the seal tells.
    """
    found = _VERSION_URI.fullmatch(uri)
    if found is None or found["alias"] is None:
        return uri, None
    version = mlflow.MlflowClient().get_model_version_by_alias(found["name"], found["alias"])
    return f"models:/{found['name']}/{version.version}", version.tags.get(SEAL_TAG)


def _expected_seal(mlflow: Any, uri: str) -> str | None:
    found = _VERSION_URI.fullmatch(uri)
    if found is None:
        return None
    tags = mlflow.MlflowClient().get_model_version(found["name"], found["version"]).tags
    seal = tags.get(SEAL_TAG)
    return None if seal is None else str(seal)


def _model_in(fetched: Path, uri: str) -> Path:
    """MLflow keeps the folder under artifacts/, beside files of its own."""
    found = [path.parent for path in sorted(fetched.rglob(MANIFEST))]
    if len(found) != 1:
        raise ArtifactMissing(
            f"{uri} holds {len(found)} tierwise models, expected one. Was it logged by tierwise?", about=uri
        )
    return found[0]


def _place(source: Path, seal: str | None, folder: Path, uri: str) -> None:
    """Check, then write to `folder`, whole or not at all."""
    from ._saving import copy_folder

    contents = read_folder(source)
    if seal is not None and contents.manifest["seal"] != seal:
        raise ArtifactCorrupt(
            f"What MLflow holds as {uri} is not the model that was registered: its seal is "
            f"{contents.manifest['seal'][:12]}…, the version's tag says {seal[:12]}…. Register it again.",
            about=uri,
        )
    copy_folder(source, folder)


def _is_whole(folder: Path, seal: str | None) -> bool:
    try:
        found = read_folder(folder).manifest["seal"]
    except ArtifactError:
        return False
    return seal is None or found == seal
