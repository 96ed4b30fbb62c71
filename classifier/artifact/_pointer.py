"""Which version of a model store serves: reads the store's one pointer file.

A store is a folder of ordinary model folders and a pointer:

    models/champion.json            the champion, the challenger in its canary, and every change so far
    models/versions/<version>/      model folders; none is ever changed

`training/promotion/store.py` writes the pointer, by replacing it whole. To change its format: raise
POINTER_FORMAT, teach `parse_pointer` to read the former one, store a sample under
tests/classifier/artifacts/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import ArtifactCorrupt, ArtifactMissing, ArtifactTooNew
from ._folder import seal_of
from ._store_folder import POINTER, VERSIONS, is_store

POINTER_FORMAT = 1
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # never a path that leads elsewhere


@dataclass(frozen=True)
class Change:
    """One change of what serves. at : UTC, ISO 8601. gate : the report that it was judged by."""

    serial: int
    action: str  # "promote", "canary", "drop_canary", "rollback"
    version: str  # the champion afterwards; of a canary the challenger
    previous: str | None  # the champion before; a canary leaves it
    by: str
    at: str
    why: str = ""
    forced: bool = False
    gate: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Canary:
    """A challenger that serves a share of the first decisions, to show what the log could not."""

    version: str
    share: float
    max_decisions: int


@dataclass(frozen=True)
class Pointer:
    """What serves. line : the champions that a rollback goes back along, the present one last."""

    serial: int = 0
    line: tuple[str, ...] = ()
    canary: Canary | None = None
    history: tuple[Change, ...] = ()

    @property
    def champion(self) -> str | None:
        return self.line[-1] if self.line else None

    def to_dict(self) -> dict[str, Any]:
        """What stands in the file, sealed."""
        body: dict[str, Any] = {
            "format_version": POINTER_FORMAT,
            "serial": self.serial,
            "champion": self.champion,
            "line": list(self.line),
            "canary": None if self.canary is None else asdict(self.canary),
            "history": [asdict(change) for change in self.history],
        }
        return {**body, "seal": seal_of(body)}


def champion_folder(path: Path) -> Path:
    """The model folder that `path` means: itself, or the champion's where it is a store.

    Raises ArtifactMissing, ArtifactCorrupt or ArtifactTooNew for a store that has no usable champion.
    """
    if not is_store(path):
        return path
    champion = read_pointer(path).champion
    if champion is None:
        raise ArtifactMissing(
            f"The store {path} has no champion yet. Choose one: tierwise promote MODEL --to {path}",
            about=path,
        )
    folder = path / VERSIONS / champion
    if not folder.is_dir():
        raise ArtifactCorrupt(
            f"{path / POINTER} names {champion} as champion, but {folder} is not there. Restore that "
            f"folder, or go back: tierwise rollback --to {path}",
            about=path,
        )
    return folder


def read_pointer(store: Path) -> Pointer:
    """The store's pointer; an empty one before the first promotion."""
    path = store / POINTER
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Pointer()
    except UnicodeDecodeError as error:
        raise _corrupt(path, str(error)) from error
    except OSError as error:
        raise ArtifactMissing(f"Can't read {path}: {error.strerror}.", about=path) from error
    return parse_pointer(text, path)


def parse_pointer(text: str, path: object) -> Pointer:
    """Raises ArtifactTooNew or ArtifactCorrupt; `path` is named in the message."""
    try:
        body = json.loads(text)
        found = body["format_version"]
        if not isinstance(found, int) or found > POINTER_FORMAT:
            raise ArtifactTooNew(
                f"{path} has format {found!r}; this tierwise reads up to {POINTER_FORMAT}. Upgrade tierwise.",
                about=path,
            )
        if body.get("seal") != seal_of(body):
            raise _corrupt(path, "it was changed or cut short after it was written")
        canary = body["canary"]
        pointer = Pointer(
            body["serial"],
            tuple(body["line"]),
            None if canary is None else Canary(**canary),
            tuple(Change(**change) for change in body["history"]),
        )
        names = [*pointer.line, *([] if pointer.canary is None else [pointer.canary.version])]
        wrong = [name for name in names if not _VERSION.fullmatch(name)]
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise _corrupt(path, str(error)) from error
    if wrong:
        raise _corrupt(path, f"{wrong[0]!r} is no name of a version")
    return pointer


def _corrupt(path: object, why: str) -> ArtifactCorrupt:
    return ArtifactCorrupt(
        f"{path} is not the pointer of a model store ({why}). Restore it from a backup; the models "
        f"themselves are in {VERSIONS}/.",
        about=path,
    )
