"""Decisions on their way into the log, which must not hold up the work: what can't be written now waits."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import NamedTuple

from ...classifier.errors import DecisionConflict, LogError, LogFull, LogLocked
from ..decision import Decision
from .outcome_log import OutcomeLog

MAX_WAITING = 10_000  # decisions; some kilobytes each
PAUSE_S = 5.0  # after a failure no decision waits for the log again for so long,
_PAUSE_PER_S = 10.0  # and for so many times what the failure took, so that waiting costs a tenth at most
_log = logging.getLogger("tierwise")


class Waiting(NamedTuple):
    """A decision, when it was made, and the id of the one whose failed attempt it answers."""

    decision: Decision
    at: datetime
    follows: str | None


class Recorder:
    """Writes decisions, and keeps those that could not be written until the log is back.

    n_dropped : decisions that were given up, because too many were waiting.
    """

    def __init__(self, log: OutcomeLog, *, wait_s: float) -> None:
        self.log, self._wait_s = log, wait_s
        self.waiting: OrderedDict[str, Waiting] = OrderedDict()
        self.n_dropped = 0
        self._away_until = self._unreadable_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_away(self) -> bool:
        """Whether writing has just failed; the log is then left alone for a moment."""
        return time.monotonic() < self._away_until

    @property
    def is_unreadable(self) -> bool:
        """The same for reading: who waits to write may still read."""
        return time.monotonic() < self._unreadable_until

    def failed(self, error: LogError, started: float) -> None:
        """Leave the log alone, longer where failing took long. Said once, not with each decision."""
        if not self.is_away:
            _log.warning("The log can't be used; decisions go on and are written when it is back. %s", error)
        now = time.monotonic()
        self._away_until = now + max(PAUSE_S, _PAUSE_PER_S * (now - started))
        if not isinstance(error, (LogLocked, LogFull)):
            self._unreadable_until = self._away_until

    def add(self, decision: Decision, follows: str | None) -> bool:
        """Whether it is in the log now."""
        if not self.is_away:
            started = time.monotonic()
            try:
                self.log.record_decision(decision, follows=follows, wait_s=self._wait_s)
            except LogError as error:
                self.failed(error, started)
            else:
                if self.waiting:
                    self.catch_up()
                return True
        with self._lock:
            self.waiting[decision.decision_id] = Waiting(decision, datetime.now(tz=UTC), follows)
            if len(self.waiting) > MAX_WAITING:
                self.waiting.popitem(last=False)
                self.n_dropped += 1
        return False

    def catch_up(self) -> None:
        """Write what waits, with the time at which it was decided."""
        while self.waiting:
            with self._lock:
                each = next(iter(self.waiting.values()), None)
            if each is None:
                return
            started = time.monotonic()
            try:
                self.write_waiting(each, wait_s=self._wait_s)
            except DecisionConflict as error:
                _log.warning("A decision that waited for the log is not written: %s", error)
                self._done(each)
            except LogError as error:
                self.failed(error, started)
                return

    def write_waiting(self, each: Waiting, *, wait_s: float | None = None) -> None:
        """Raises LogError."""
        self.log.record_decision(each.decision, at=each.at, follows=each.follows, wait_s=wait_s)
        self._done(each)

    def _done(self, each: Waiting) -> None:
        with self._lock:
            self.waiting.pop(each.decision.decision_id, None)
