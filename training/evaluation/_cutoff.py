"""Which rows a model has not seen: those whose verdict came after the last one that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.model import TierModel
from ._rows import Rows


def trained_until(model: TierModel) -> datetime | None:
    """Time of the last verdict in training; None for a model that was fitted to labelled tasks."""
    stored = model.manifest.get("training", {}).get("trained_until")
    return None if stored is None else datetime.fromisoformat(stored)


def unseen(rows: Rows, model: TierModel) -> NDArray[np.bool_]:
    """(n,)"""
    until = trained_until(model)
    if until is None:
        return np.ones(len(rows), dtype=bool)
    return np.asarray(rows.outcomes.at > until.timestamp() + 1e-6)


def after(rows: Rows, since: datetime | None) -> NDArray[np.bool_]:
    """(n,): decided at or after this moment."""
    if since is None:
        return np.ones(len(rows), dtype=bool)
    if not isinstance(since, datetime) or since.utcoffset() is None:
        raise InvalidTraining(
            f"since must be a datetime with a time zone, such as datetime.now(tz=UTC); got {since!r}.",
            about=since,
        )
    return np.asarray(rows.decided >= since.timestamp())


def up_to(rows: Rows, end: datetime | None) -> NDArray[np.bool_]:
    """(n,): decided at or before this moment."""
    if end is None:
        return np.ones(len(rows), dtype=bool)
    return np.asarray(rows.decided <= end.timestamp() + 1e-6)


def outside(rows: Rows, spans: Sequence[tuple[datetime, datetime]]) -> NDArray[np.bool_]:
    """(n,): decided in none of these spans, whose ends belong to them and whose beginnings do not."""
    found = np.ones(len(rows), dtype=bool)
    for begin, end in spans:
        found &= up_to(rows, begin) | ~up_to(rows, end)
    return found


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")
