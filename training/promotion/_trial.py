"""A canary when its challenger is judged again: since when, how far it has come, and whether it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from ...classifier.artifact._pointer import Canary, Change, Pointer
from ...classifier.errors import ArtifactError, NotInStore
from ...classifier.model import TierModel
from ._shelf import Shelf

CAN_NOT_BE_JUDGED = ("unseen", "known_share")  # checks of the gate that say nothing about the challenger


@dataclass(frozen=True)
class Trial:
    """canary : as recorded. since : its beginning. decisions : that it has had, None where no log tells.

    until : its last decision, if it has had all of them: nothing after that was decided by chance.
    pauses : from then to when it was allowed more, each time: that is left out for the same reason.
    """

    canary: Canary
    since: datetime
    decisions: int | None = None
    until: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, recorded with the gate's report."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "decisions": self.decisions,
            "max_decisions": self.canary.max_decisions,
            "until": None if self.until is None else self.until.isoformat(),
        }


def trial_of(shelf: Shelf, before: Pointer, challenger: TierModel, log: Any) -> Trial | None:
    """The canary that runs, if this challenger is the one that is tried."""
    canary = before.canary
    if canary is None or not is_version(shelf, canary.version, challenger):
        return None
    own = ("canary", canary.version)
    of_it = list(takewhile(lambda each: (each.action, each.version) == own, before.history[::-1]))
    since = datetime.fromisoformat(of_it[-1].at)  # judged before its end, it was recorded again
    pauses = tuple(pause for pause in map(_pause, of_it) if pause is not None)
    if not hasattr(log, "tried_as_canary"):  # a frame
        return Trial(canary, since, pauses=pauses)
    tried = log.tried_as_canary(challenger.version)
    is_over = tried.decisions >= canary.max_decisions and tried.last is not None and tried.last > since
    return Trial(canary, since, tried.decisions, tried.last if is_over else None, pauses)


def _pause(change: Change) -> tuple[datetime, datetime] | None:
    """Between the last decision that it had been allowed, and this change, which may have allowed more."""
    until = (change.gate or {}).get("canary", {}).get("until")
    return None if until is None else (datetime.fromisoformat(until), datetime.fromisoformat(change.at))


def speaks_against_it(gate: Mapping[str, Any]) -> bool:
    """Whether a refusal is of the challenger, and not of the rows that it was to be judged on."""
    checks = gate["checks"]
    return any(each["speaks_against"] for name, each in checks.items() if name not in CAN_NOT_BE_JUDGED)


def is_version(shelf: Shelf, version: str, challenger: TierModel) -> bool:
    """Whether the shelf has this model under that version.

    By the seal: a registry numbers its versions, and a model doesn't know its number.
    """
    try:
        found = shelf.load(version)
    except (ArtifactError, NotInStore):  # damaged or taken away: nothing that could be tried
        return False
    return bool(found.manifest.get("seal") == challenger.manifest.get("seal"))
