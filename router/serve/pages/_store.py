"""What a model store's pointer says; an unreadable one must not take the other pages with it."""

from __future__ import annotations

from pathlib import Path

from ....classifier.artifact._pointer import Change, Pointer, read_pointer
from ....classifier.artifact._store_folder import is_store
from ....classifier.errors import ArtifactError
from ._state import State


def pointer_of(state: State) -> Pointer | None:
    """None where there is no store. Raises ArtifactError."""
    if state.pointer is not None:
        return state.pointer
    if state.store is None or not is_store(Path(state.store)):
        return None
    return read_pointer(Path(state.store))


def changes_of(state: State) -> tuple[Change, ...]:
    """Oldest first; none where the pointer can't be read, which the page Model says."""
    try:
        pointer = pointer_of(state)
    except ArtifactError:
        return ()
    return () if pointer is None else pointer.history
