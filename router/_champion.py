"""Which model serves: found once per process and folder, checked, then shared as it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..classifier.errors import ArtifactError
from ..classifier.model import TierModel

_lock = threading.Lock()
_loaded: dict[str, TierModel | str] = {}


def champion() -> TierModel | str:
    """The model of `TIERWISE_MODEL`, else the one that ships; the trouble, as text, if it can't be loaded.

    Routing never stops a pipeline: the trouble is logged once, and decisions carry it.
    """
    where = os.environ.get("TIERWISE_MODEL", "")
    found = _loaded.get(where)
    if found is not None:
        return found
    with _lock:
        if where not in _loaded:
            _loaded[where] = load_or_trouble(where or None)
        return _loaded[where]


def load_or_trouble(path: str | os.PathLike[str] | None) -> TierModel | str:
    """The model in this folder (default: the one that ships), or why it can't be used."""
    if path is None:
        from ..data import CHAMPION

        path = CHAMPION
    try:
        return TierModel.load(Path(path))
    except ArtifactError as error:
        import logging  # most processes never need it

        logging.getLogger("tierwise").warning("No model, so every decision is the production tier: %s", error)
        return str(error)


def forget_champion() -> None:
    """Load the model anew at the next decision; call it after a promotion."""
    with _lock:
        _loaded.clear()
