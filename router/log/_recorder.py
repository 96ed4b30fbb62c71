"""Decisions on their way into the log, which must not hold up the work: what can't be written now waits."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...classifier.errors import (
    DecisionConflict,
    LogError,
    LogFull,
    LogLocked,
    LogTooNew,
    LogUnavailable,
    NotInLog,
)
from ..decision import Decision
from ._record import record
from ._states import Learn
from ._write import Verdict
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


class Report(NamedTuple):
    """What an attempt took, what a program said of it, when, and what that teaches.

    attempt : values of its columns. decision : an id, where the decision is in the log.
    """

    decision: Decision | str
    attempt: Mapping[str, Any]
    verdict: str | None
    note: str | None
    at_us: int
    learn: Learn


class Recorder:
    """Writes decisions and reports, and keeps those that could not be written until the log is back.

    n_dropped : those that were given up, because too many were waiting.
    """

    def __init__(self, log: OutcomeLog, *, wait_s: float) -> None:
        self.log, self._wait_s = log, wait_s
        self.waiting: OrderedDict[str, Waiting] = OrderedDict()
        self.reports: deque[Report] = deque()  # in the order in which they came
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
                self.catch_up()
                return True
        with self._lock:
            self.waiting[decision.decision_id] = Waiting(decision, datetime.now(tz=UTC), follows)
            if len(self.waiting) > MAX_WAITING:
                self.waiting.popitem(last=False)
                self.n_dropped += 1
        return False

    def report(self, report: Report) -> None:
        """Record it now, or when the log is back."""
        with self._lock:
            self.reports.append(report)
            if len(self.reports) > MAX_WAITING:
                self.reports.popleft()
                self.n_dropped += 1
        if not self.is_away:
            self.catch_up()

    def catch_up(self) -> None:
        """Write what waits, with the time at which it was decided or said."""
        if self._decisions_written():
            self._write_reports()

    def _write_reports(self) -> None:
        while self.reports:
            with self._lock:
                each = self.reports.popleft() if self.reports else None
            if each is None:
                return
            started = time.monotonic()
            try:
                self._write_report(each)
            except (LogUnavailable, LogTooNew) as error:
                with self._lock:
                    self.reports.appendleft(each)
                self.failed(error, started)
                return
            except LogError as error:  # the log can be used, but not for this
                _log.warning("An attempt is not recorded: %s", error)

    def _write_report(self, each: Report) -> None:
        said = None if each.verdict is None else Verdict(each.verdict, "check", each.at_us, each.note)
        known = each.decision.decision_id if isinstance(each.decision, Decision) else each.decision
        given: dict[str, Any] = {"attempt": each.attempt, "attempted_at_us": each.at_us, "learn": each.learn}
        try:
            record(self.log, known, said, wait_s=self._wait_s, **given)
        except NotInLog:
            if known is each.decision:
                raise
            record(self.log, each.decision, said, wait_s=self._wait_s, **given)  # it had been given up

    def _decisions_written(self) -> bool:
        while self.waiting:
            with self._lock:
                each = next(iter(self.waiting.values()), None)
            if each is None:
                break
            started = time.monotonic()
            try:
                self.write_waiting(each, wait_s=self._wait_s)
            except DecisionConflict as error:
                _log.warning("A decision that waited for the log is not written: %s", error)
                self._done(each)
            except LogError as error:
                self.failed(error, started)
                return False
        return True

    def write_waiting(self, each: Waiting, *, wait_s: float | None = None) -> None:
        """Raises LogError."""
        self.log.record_decision(each.decision, at=each.at, follows=each.follows, wait_s=wait_s)
        self._done(each)

    def _done(self, each: Waiting) -> None:
        with self._lock:
            self.waiting.pop(each.decision.decision_id, None)
