"""ModelStore: a folder of versions, and one pointer file that says which of them serves.

A promotion is one `os.replace` of the pointer: killed at any moment, the old one or the new one is there.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ...classifier.artifact._folder import MANIFEST, read_folder
from ...classifier.artifact._pointer import Pointer, read_pointer
from ...classifier.artifact._saving import copy_folder
from ...classifier.artifact._store_folder import POINTER, VERSIONS, is_store
from ...classifier.errors import (
    ArtifactError,
    ArtifactMissing,
    NotInStore,
    PromotionConflict,
    StoreUnavailable,
)
from ...classifier.model import TierModel
from ._shelf import Model, Shelf, model_folder

_LOCK = ".lock"
_UNFINISHED = f".{POINTER}-"  # a pointer that a killed process was still writing


class ModelStore(Shelf):
    """The store in this folder; made at the first `add` where there is none.

        store = ModelStore("models")
        version = store.add("trained/friday")
        store.promote(version, why="fewer corrections")
        TierModel.load("models")                            # the champion; so does TIERWISE_MODEL=models

    timeout_s : how long to wait for another writer.

    Raises StoreUnavailable where the folder can't be used; ArtifactCorrupt for a broken pointer.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout_s: float = 30.0) -> None:
        self.path = Path(path).resolve()
        self.where = str(path)
        self._timeout_s = timeout_s
        if self.path.exists() and not (is_store(self.path) or _is_empty(self.path)):
            kind = "a model" if (self.path / MANIFEST).exists() else "something else"
            raise StoreUnavailable(
                f"{path} is no model store: it holds {kind}. Name a new folder, or one with {POINTER}.",
                about=self.path,
            )

    def versions(self) -> tuple[str, ...]:
        try:
            found = [each.name for each in (self.path / VERSIONS).iterdir() if each.is_dir()]
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in found if not name.startswith(".")))

    def pointer(self) -> Pointer:
        return read_pointer(self.path)

    def load(self, version: str) -> TierModel:
        if version not in self.versions():
            known = ", ".join(self.versions()) or "none"
            raise NotInStore(f"{self.where} has no version {version!r}. It has: {known}.", about=version)
        return TierModel.load(self.path / VERSIONS / version)

    def add(self, model: Model) -> str:
        with model_folder(model) as folder:
            loaded = TierModel.load(folder)
            seal = read_folder(folder).manifest["seal"]
            with self._locked():
                version, is_there = self._version_for(loaded.version, seal)
                if not is_there:
                    copy_folder(folder, self.path / VERSIONS / version)
                    _sync_folder(self.path / VERSIONS)
        return version

    def replace(self, before: Pointer, after: Pointer) -> None:
        with self._locked():
            found = read_pointer(self.path)
            if found.serial != before.serial:
                last = found.history[-1]
                raise PromotionConflict(
                    f"The champion of {self.where} was changed meanwhile: {last.action} of {last.version} by "
                    f"{last.by} at {last.at}. Nothing was changed; evaluate against {found.champion} again.",
                    about=last,
                )
            handle, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=self.path)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(after.to_dict(), indent=1, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)  # mkstemp's own is for the writer alone
            os.replace(name, self.path / POINTER)
            _sync_folder(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; what a killed one left unfinished is cleared away."""
        try:
            (self.path / VERSIONS).mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / _LOCK, timeout=self._timeout_s):
                for left in self.path.glob(f"{_UNFINISHED}*"):
                    left.unlink()
                for left in (self.path / VERSIONS).glob(".*"):
                    shutil.rmtree(left)
                yield
        except Timeout as error:
            raise StoreUnavailable(
                f"{self.where} is being changed by another process for more than {self._timeout_s:g} s. "
                "Try again.",
                about=self.path,
            ) from error
        except (OSError, ArtifactMissing) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise StoreUnavailable(
                f"Can't write to the store {self.where}: {why}. Nothing was changed.", about=self.path
            ) from error

    def _version_for(self, version: str, seal: str) -> tuple[str, bool]:
        """Its name, and whether it is there. Two models may share their arrays, and with them their name."""
        number, name = 1, version
        while (self.path / VERSIONS / name).exists():
            try:
                found = read_folder(self.path / VERSIONS / name).manifest["seal"]
            except ArtifactError:
                return name, False  # a damaged one is restored
            if found == seal:
                return name, True
            number += 1
            name = f"{version}-{number}"
        return name, False


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(each.name != _LOCK for each in path.iterdir())


def _sync_folder(path: Path) -> None:
    """A rename outlives a power cut only when its folder is on the disk too."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
