"""The page Review: one decision at a time, and a verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....classifier.errors import NotInLog
from ...log.figures._unjudged import still_unjudged, work_of
from . import _counts
from ._cached import Cached
from ._state import State

KEYS = {"clean": "c", "corrected": "r", "failed": "f"}
MEANS = {
    "clean": "used as it was, minor edits included",
    "corrected": "needed a significant correction",
    "failed": "unusable or invalid",
}
_AT_ONCE = 100  # ids that are asked for at a time


def review_page(state: State, cached: Cached, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """What the template shows; None while it is being counted.

    asked : `after`, an id: the next one behind it; `done` and `said`: the verdict just given.
    """
    log = state.log
    assert log is not None

    found = _counts.to_review(state, cached)
    if found is None:
        return None
    ids = list(found.first)
    after = asked.get("after", "")
    rest = ids[ids.index(after) + 1 :] if after in ids else ids
    with log._database.read() as connection:
        queue: list[str] = []
        for start in range(0, len(rest), _AT_ONCE):
            queue = still_unjudged(connection, rest[start : start + _AT_ONCE])
            if queue:
                break
        work = work_of(connection, queue[0]) if queue else None
    if work is None and found.first and not after:
        cached.forget(_counts.WAITING)  # all of those are judged: there may be more
    said = asked.get("said", "")
    return {
        "n": found.n,
        "work": work,
        "after": after if after in ids else "",
        "keys": KEYS,
        "means": MEANS,
        "done": asked.get("done", "")[:200] if said in KEYS else "",
        "said": said if said in KEYS else "",
    }


def give_verdict(state: State, decision_id: str, verdict: str, note: str | None) -> None:
    """Record it, and what it teaches the model that serves. Raises NotInLog, InvalidOutcome, LogError."""
    if state.log is None:
        raise NotInLog("No log is kept here, so there is nothing to judge.", about=decision_id)
    state.record_verdict(decision_id, verdict, note)
