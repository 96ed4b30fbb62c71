"""What a model store's pointer says; an unreadable one must not take the other pages with it."""

from __future__ import annotations

import os
from pathlib import Path

from ....classifier._pointer import Change, Pointer, is_store, read_pointer
from ....classifier.errors import ArtifactError


def pointer_of(store: str | os.PathLike[str] | None) -> Pointer | None:
    """None where there is no store. Raises ArtifactError."""
    if store is None or not is_store(Path(store)):
        return None
    return read_pointer(Path(store))


def changes_of(store: str | os.PathLike[str] | None) -> tuple[Change, ...]:
    """Oldest first; none where the pointer can't be read, which the page Model says."""
    try:
        pointer = pointer_of(store)
    except ArtifactError:
        return ()
    return () if pointer is None else pointer.history
