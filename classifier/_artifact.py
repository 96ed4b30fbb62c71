"""A model folder: a manifest, arrays as safetensors, a vocabulary. Checked whole before use.

Nothing in it is code, and nothing is built from it before every file's hash, and every array's
shape, dtype and finiteness, have been checked. Written beside the target and renamed into place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._format import FORMAT_VERSION
from .errors import ArtifactCorrupt, ArtifactMissing, ArtifactTooNew

MANIFEST, ARRAYS, VOCABULARY = "manifest.json", "arrays.safetensors", "vocabulary.txt"


class Folder(NamedTuple):
    """Contents of a checked folder."""

    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    vocabulary: list[str]


def read_folder(path: Path) -> Folder:
    """Read and check a model folder.

    Raises ArtifactMissing, ArtifactTooNew or ArtifactCorrupt, naming the file and what to do.
    """
    manifest = _read_manifest(path)
    contents = {name: _read_checked(path, name, manifest) for name in (ARRAYS, VOCABULARY)}
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(contents[ARRAYS])
    except SafetensorError as error:
        raise ArtifactCorrupt(f"{path / ARRAYS} is not a safetensors file: {error}.", about=path) from error
    _check_arrays(arrays, manifest, path)
    return Folder(manifest, arrays, contents[VOCABULARY].decode("utf-8").split("\n"))


def write_folder(
    path: Path, manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], vocabulary: list[str]
) -> None:
    """Write a model folder beside `path` and rename it into place; an old one is replaced whole."""
    from safetensors.numpy import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise ArtifactMissing(
            f"Can't write a model to {path}: {error.strerror}. Choose a folder that you can write to.",
            about=path,
        ) from error
    try:
        contents = {
            ARRAYS: save({name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}),
            VOCABULARY: "\n".join(vocabulary).encode("utf-8"),
        }
        whole = {
            "format_version": FORMAT_VERSION,
            **manifest,
            "arrays": {
                name: {"shape": list(array.shape), "dtype": str(array.dtype)}
                for name, array in sorted(arrays.items())
            },
            "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        }
        for name, content in contents.items():
            (beside / name).write_bytes(content)
        (beside / MANIFEST).write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        beside.chmod(0o755)
        _swap(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        os.rename(new, path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    os.rename(path, old / "was")
    try:
        os.rename(new, path)
    except OSError:
        os.rename(old / "was", path)  # put the former model back: never no model at all
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        text = (path / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactMissing(
            f"No model at {path}: it has no {MANIFEST}. Train one, or unset TIERWISE_MODEL to use the "
            "model that ships.",
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
    return manifest  # type: ignore[no-any-return]


def _read_checked(path: Path, name: str, manifest: dict[str, Any]) -> bytes:
    expected = manifest.get("sha256", {}).get(name)
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


def _check_arrays(arrays: dict[str, NDArray[Any]], manifest: dict[str, Any], path: Path) -> None:
    declared = manifest.get("arrays", {})
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
