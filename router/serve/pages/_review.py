"""The page Review: one decision at a time, and a verdict on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....classifier.errors import NotInLog
from ...log import OutcomeLog
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


def review_page(state: State, cached: Cached, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """What the template shows; None while it is being counted.

    asked : `after`, an id: the next one behind it; `done` and `said`: the verdict just given.
    """
    log = state.log
    assert log is not None

    found = _counts.to_review(state, cached)
    waiting = None if found is None else _still(log, found.first)
    if found is not None and found.first and not waiting:  # all of those are judged: there may be more
        cached.forget(_counts.WAITING)
        found = _counts.to_review(state, cached)
        waiting = None if found is None else _still(log, found.first)
    if found is None or waiting is None:
        return None
    after = asked.get("after", "")
    after = after if after in found.first else ""
    behind = set(found.first[found.first.index(after) + 1 :] if after else found.first)
    upcoming = next((each for each in waiting if each in behind), None)
    with log._database.read() as connection:
        work = None if upcoming is None else work_of(connection, upcoming)
    said = asked.get("said", "")
    return {
        "n": found.n - len(found.first) + len(waiting),
        "work": work,
        "after": after,
        "keys": KEYS,
        "means": MEANS,
        "done": asked.get("done", "")[:200] if said in KEYS else "",
        "said": said if said in KEYS else "",
    }


def _still(log: OutcomeLog, ids: Sequence[str]) -> list[str]:
    with log._database.read() as connection:
        return still_unjudged(connection, ids)


def give_verdict(state: State, decision_id: str, verdict: str, note: str | None) -> None:
    """Record it, and what it teaches the model that serves. Raises NotInLog, InvalidOutcome, LogError."""
    if state.log is None:
        raise NotInLog("No log is kept here, so there is nothing to judge.", about=decision_id)
    state.record_verdict(decision_id, verdict, note)
