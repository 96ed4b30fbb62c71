"""What a store of folders and an MLflow registry have in common: a pointer, and how it may change."""

from __future__ import annotations

import getpass
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...classifier.artifact._folder import read_folder
from ...classifier.artifact._pointer import Canary, Change, Pointer, champion_folder
from ...classifier.errors import NotInStore, StoreError
from ...classifier.model import REMOTE, TierModel

Model = TierModel | str | os.PathLike[str]


class Shelf(ABC):
    """Versions of a model, one of which serves. Every change is recorded: who, when, why, by which gate."""

    where: str

    @abstractmethod
    def versions(self) -> tuple[str, ...]:
        """All versions, whether they ever served or not."""

    @abstractmethod
    def pointer(self) -> Pointer:
        """What serves now, and every change so far."""

    @abstractmethod
    def add(self, model: Model) -> str:
        """Keep this model; its version. One that is there already keeps its version."""

    @abstractmethod
    def load(self, version: str) -> TierModel:
        """Raises ArtifactError or NotInStore."""

    @abstractmethod
    def replace(self, before: Pointer, after: Pointer) -> None:
        """Put `after` in the place of `before`. Raises PromotionConflict where that isn't there any more."""

    def champion(self) -> str | None:
        """The version that serves; None before the first promotion."""
        return self.pointer().champion

    def canary(self) -> Canary | None:
        """The challenger that is being tried on a share of the decisions."""
        return self.pointer().canary

    def history(self) -> tuple[Change, ...]:
        """Every change, oldest first."""
        return self.pointer().history

    def promote(
        self,
        version: str,
        *,
        by: str | None = None,
        why: str = "",
        gate: Mapping[str, Any] | None = None,
        forced: bool = False,
        before: Pointer | None = None,
        base: str | None = None,
    ) -> Change:
        """Let this version serve. No gate is asked here: `tierwise.promote` does.

        before : the pointer that the choice was made on; default: the present one.
        base : the champion so far, where there is none on this shelf.
        """
        before = self._checked(version, before)
        line = before.line or (() if base is None else (base,))
        change = _change(before, line, "promote", version, by, why, gate=gate, forced=forced)
        line = line if line[-1:] == (version,) else (*line, version)
        return self._record(before, change, line=line, canary=None)

    def start_canary(
        self,
        canary: Canary,
        *,
        by: str | None = None,
        why: str = "",
        gate: Mapping[str, Any] | None = None,
        before: Pointer | None = None,
        base: str | None = None,
    ) -> Change:
        """Let the champion stay, and a challenger serve a share of the first decisions."""
        before = self._checked(canary.version, before)
        line = before.line or (() if base is None else (base,))
        if not line:
            raise StoreError(f"{self.where} has no champion beside which {canary.version} could be tried.")
        change = _change(before, line, "canary", canary.version, by, why, gate=gate)
        return self._record(before, change, line=line, canary=canary)

    def drop_canary(
        self,
        *,
        by: str | None = None,
        why: str = "",
        gate: Mapping[str, Any] | None = None,
        before: Pointer | None = None,
    ) -> Change:
        """Let the champion serve alone. Raises NotInStore where no challenger is tried."""
        before = self.pointer() if before is None else before
        if before.canary is None:
            raise NotInStore(f"No challenger is tried in {self.where}.", about=self.where)
        change = _change(before, before.line, "drop_canary", before.canary.version, by, why, gate=gate)
        return self._record(before, change, canary=None)

    def rollback(self, *, by: str | None = None, why: str = "") -> Change:
        """End the canary, or go back to the champion before this one; once more goes further back.

        Raises NotInStore where there is nothing to go back to.
        """
        before = self.pointer()
        if before.canary is not None:
            return self.drop_canary(by=by, why=why, before=before)
        if len(before.line) < 2:
            found = f"{before.champion} is its first champion" if before.line else "it has no champion yet"
            raise NotInStore(f"Nothing to go back to in {self.where}: {found}.", about=self.where)
        line = before.line[:-1]
        self.load(line[-1])  # never to a model that can't serve
        return self._record(before, _change(before, before.line, "rollback", line[-1], by, why), line=line)

    def _checked(self, version: str, before: Pointer | None) -> Pointer:
        self.load(version)
        return self.pointer() if before is None else before

    def _record(self, before: Pointer, change: Change, **changes: Any) -> Change:
        history = (*before.history, change)
        self.replace(before, replace(before, serial=change.serial, history=history, **changes))
        return change


@contextmanager
def model_folder(model: Model) -> Iterator[Path]:
    """A checked folder with this model: its own, the cache's, or a temporary one."""
    if isinstance(model, TierModel):
        with tempfile.TemporaryDirectory(prefix="tierwise-") as beside:
            folder = Path(beside) / "model"
            model.save(folder)
            yield folder
        return
    if isinstance(model, str) and model.startswith(REMOTE):
        from ...classifier.artifact._remote import fetch

        yield fetch(model)
        return
    folder = champion_folder(Path(model))
    read_folder(folder)
    yield folder


def _change(
    before: Pointer,
    line: tuple[str, ...],
    action: str,
    version: str,
    by: str | None,
    why: str,
    *,
    gate: Mapping[str, Any] | None = None,
    forced: bool = False,
) -> Change:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    previous = line[-1] if line else None
    return Change(before.serial + 1, action, version, previous, by or _user(), at, why, forced, gate)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
