"""Which model serves: found once per process and folder, checked, then shared as it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..classifier.errors import ArtifactError
from ..classifier.model import REMOTE, TierModel

_lock = threading.Lock()
_loaded: dict[str, TierModel | str] = {}
_ELSE = " Or unset TIERWISE_MODEL: the model that ships then serves."


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
            _loaded[where] = load_or_trouble(where or None, else_=_ELSE if where else "")
        return _loaded[where]


def load_or_trouble(path: str | os.PathLike[str] | None, *, else_: str = "") -> TierModel | str:
    """The model in this folder or store (default: the one that ships), or why it can't be used.

    else_ : what else might be done, said after an error.
    """
    if isinstance(path, str) and path.startswith(REMOTE):
        return _say(f"{path} is not fetched by a decision. Fetch it once: tierwise pull {path} --to FOLDER")
    if path is None:
        from ..data import CHAMPION

        path = CHAMPION
    try:
        return TierModel.load(Path(path))
    except ArtifactError as error:
        return _say(f"{error}{else_}")


def _say(trouble: str) -> str:
    import logging  # most processes never need it

    logging.getLogger("tierwise").warning("No model, so every decision is the production tier: %s", trouble)
    return trouble


def forget_champion() -> None:
    """Load the model anew at the next decision: what a process that goes on does after a promotion.

    `promote` and `rollback` do it in their own process. Others keep the champion with which they began,
    so that one run of a pipeline is decided by one model.
    """
    with _lock:
        _loaded.clear()
