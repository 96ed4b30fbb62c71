"""An outcome as it was recorded. Frozen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict in the log.

    tier : that did the work; None where no model was needed.
    at, recorded_at : when the verdict was given, and when the log came to know it.
    is_effective : it is the one that counts: the latest of the strongest basis.
    is_new : False where the log knew it already; nothing was written then.
    replaced, replaced_at : the verdict that counted before, where this one took its place, and its time.
    """

    decision_id: str
    task_type: str | None
    tier: str | None
    verdict: str
    basis: str
    at: datetime
    recorded_at: datetime
    note: str | None
    is_effective: bool
    is_new: bool
    replaced: str | None = None
    replaced_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        values = asdict(self)
        for name in ("at", "recorded_at", "replaced_at"):
            values[name] = None if values[name] is None else values[name].isoformat()
        return values
