"""Reads a model folder: a manifest, arrays as safetensors, a vocabulary. Checked whole before use.

Nothing in it is code, and nothing is built from it before the hash of every file, and the shape,
dtype and finiteness of every array, have been checked. `_saving.py` writes such folders.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from ..errors import ArtifactCorrupt, ArtifactMissing, ArtifactTooNew
from ._format import FORMAT_VERSION

MANIFEST, ARRAYS, VOCABULARY = "manifest.json", "arrays.safetensors", "vocabulary.txt"


class Folder(NamedTuple):
    """Contents of a checked folder."""

    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    vocabulary: list[str]


def read_folder(path: Path, *, reads: int = 100) -> Folder:
    """Read and check a model folder.

    Raises ArtifactMissing, ArtifactTooNew or ArtifactCorrupt, naming the file and what to do.
    """
    before = _identity(path)
    try:
        return _read_folder(path)
    except (ArtifactMissing, ArtifactCorrupt):
        # two renames replace a folder; whoever reads in between reads again
        replaced = _identity(path) != before or any(path.parent.glob(f".{path.name}-old-*"))
        if reads <= 1 or not replaced:
            raise
    return read_folder(path, reads=reads - 1)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _read_folder(path: Path) -> Folder:
    manifest = _read_manifest(path)
    contents = {name: _read_checked(path, name, manifest) for name in (ARRAYS, VOCABULARY)}
    arrays = _arrays(contents[ARRAYS], path)
    _check_arrays(arrays, manifest, path)
    try:
        vocabulary = contents[VOCABULARY].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ArtifactCorrupt(f"{path / VOCABULARY} is not UTF-8: {error}.", about=path) from error
    return Folder(manifest, arrays, vocabulary)


def seal_of(manifest: Mapping[str, Any]) -> str:
    """sha256 of everything else in the manifest, so that a changed threshold is noticed as well."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode("utf-8")).hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        text = (path / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactMissing(
            f"No model at {path}: it has no {MANIFEST}. Give the folder of a model, such as "
            "`tierwise train` makes.",
            about=path,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactMissing(f"Can't read {path / MANIFEST}: {error}.", about=path) from error
    try:
        manifest = json.loads(text)
        version = manifest["format_version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ArtifactCorrupt(
            f"{path / MANIFEST} is not a model manifest ({error}); restore the folder.", about=path
        ) from error
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ArtifactTooNew(
            f"{path} has format {version!r}; this tierwise reads up to {FORMAT_VERSION}. Upgrade tierwise.",
            about=path,
        )
    if manifest.get("seal") != seal_of(manifest):
        raise ArtifactCorrupt(
            f"{path / MANIFEST} was changed after it was written. Restore the folder or train again.",
            about=path,
        )
    for name in ("sha256", "arrays"):
        if not isinstance(manifest.get(name), dict):
            raise ArtifactCorrupt(f"{path / MANIFEST} lacks {name!r}; restore the folder.", about=path)
    return manifest  # type: ignore[no-any-return]


def _read_checked(path: Path, name: str, manifest: dict[str, Any]) -> bytes:
    expected = manifest["sha256"].get(name)
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise ArtifactCorrupt(
            f"{path} lacks {name} ({error.strerror}); restore the folder.", about=path
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ArtifactCorrupt(
            f"{path / name} was changed or cut short: its sha256 is {found[:12]}…, the manifest says "
            f"{str(expected)[:12]}…. Restore the folder or train again.",
            about=path,
        )
    return content


def _arrays(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    try:
        arrays = load(content)
    except (SafetensorError, KeyError) as error:  # the latter for numbers that NumPy lacks
        raise ArtifactCorrupt(
            f"{path / ARRAYS} can't be read as safetensors: {error}.", about=path
        ) from error
    for array in arrays.values():  # threads share them
        array.flags.writeable = False
    return arrays


def _check_arrays(arrays: dict[str, NDArray[Any]], manifest: dict[str, Any], path: Path) -> None:
    declared = manifest["arrays"]
    if set(declared) != set(arrays):
        raise ArtifactCorrupt(
            f"{path} holds the arrays {sorted(arrays)}; its manifest declares {sorted(declared)}.", about=path
        )
    for name, array in arrays.items():
        found = {"shape": list(array.shape), "dtype": str(array.dtype)}
        if found != declared[name]:
            raise ArtifactCorrupt(
                f"Array {name!r} of {path} is {found}; its manifest declares {declared[name]}.", about=path
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ArtifactCorrupt(f"Array {name!r} of {path} holds NaN or infinity.", about=path)
