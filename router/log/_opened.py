"""A log that is open: its database, its clock, and what it makes of a decision. `OutcomeLog` is its face."""

from __future__ import annotations

import os
from datetime import datetime

from ...classifier.errors import InvalidOutcome
from ..decision import Decision
from ._decision_row import DecisionRow, decision_row
from ._keepers import Keepers
from ._text import check_store_text
from ._times import Clock, checked_us, to_us, utc_now
from ._upgrade import make_current
from .database._connections import Database
from .database._url import parsed_url


class OpenedLog:
    """What writing needs; see `OutcomeLog` for the arguments."""

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        store_text: str = "full",
        clock: Clock = utc_now,
        durable: bool = False,
        timeout_s: float = 30.0,
        create: bool = True,
    ) -> None:
        self.store_text = check_store_text(store_text)
        self._clock = clock
        self._database = Database(parsed_url(url), durable=durable, timeout_s=timeout_s)
        self._policies: set[str] = set()  # fingerprints that are known to be stored
        self._keepers = Keepers()
        try:
            make_current(self._database, create=create)
        except BaseException:
            self._database.close()
            raise

    def _now(self) -> datetime:
        now = self._clock()
        if now.utcoffset() is None:
            raise InvalidOutcome("clock must answer with a time zone; use datetime.now(tz=datetime.UTC).")
        return now

    def _row(
        self, decision: Decision, at: datetime | None, follows: str | None, now: datetime
    ) -> DecisionRow:
        return decision_row(
            decision,
            store_text=self.store_text,
            decided_at_us=to_us(now) if at is None else checked_us("at", at, now),
            recorded_at_us=to_us(now),
            follows=follows,
        )
