"""Writes a model folder beside its target and renames it into place: whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from ..errors import ArtifactMissing
from ._folder import ARRAYS, MANIFEST, VOCABULARY, seal_of
from ._format import FORMAT_VERSION


def write_folder(
    path: Path, manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], vocabulary: list[str]
) -> None:
    """Write a model folder beside `path` and rename it into place; an old one is replaced whole."""
    contents = {
        ARRAYS: save({name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}),
        VOCABULARY: "\n".join(vocabulary).encode("utf-8"),
    }
    whole = {
        **manifest,
        "format_version": FORMAT_VERSION,
        "arrays": {
            name: {"shape": list(array.shape), "dtype": str(array.dtype)}
            for name, array in sorted(arrays.items())
        },
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    whole["seal"] = seal_of(whole)
    manifest_text = json.dumps(whole, indent=1, sort_keys=True) + "\n"
    _write_files(path, {**contents, MANIFEST: manifest_text.encode("utf-8")})


def copy_folder(source: Path, path: Path) -> None:
    """Copy a model folder byte for byte, whole or not at all, and wait until the disk has it."""
    files = {name: (source / name).read_bytes() for name in (ARRAYS, VOCABULARY, MANIFEST)}
    _write_files(path, files, durable=True)


def _write_files(path: Path, files: Mapping[str, bytes], *, durable: bool = False) -> None:
    path = path.resolve()  # a link keeps leading to its target, and "." has a parent
    if path.exists() and not (path / MANIFEST).exists() and (path.is_file() or any(path.iterdir())):
        raise ArtifactMissing(
            f"{path} holds something other than a model and is not replaced. Choose another folder.",
            about=path,
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise ArtifactMissing(
            f"Can't write a model to {path}: {error.strerror}. Choose a folder that you can write to.",
            about=path,
        ) from error
    try:
        for name, content in files.items():
            with (beside / name).open("wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        beside.chmod(0o755)
        _swap(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        os.rename(new, path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    try:
        os.rename(path, old / "was")
        try:
            os.rename(new, path)
        except OSError:
            os.rename(old / "was", path)  # put the former model back: never no model at all
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
