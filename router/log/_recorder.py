"""Decisions on their way into the log, which must not hold up the work: what can't be written now waits.

Whoever writes takes along what others have waiting, in one transaction: while one thread writes, the others
gather the next group.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from ...classifier.errors import (
    LogError,
    LogFull,
    LogLocked,
    LogTooNew,
    LogUnavailable,
    NotInLog,
)
from ..decision import Decision
from ._entries import Report, Waiting
from ._group import record_group, rows_of
from ._linger import Linger
from ._record import record
from ._statement import to_json
from ._write import Prepared
from .outcome_log import OutcomeLog

MAX_WAITING = 10_000  # decisions; some kilobytes each
PAUSE_S = 5.0  # after a failure no decision waits for the log again for so long,
_PAUSE_PER_S = 10.0  # and for so many times what the failure took, so that waiting costs a tenth at most
_MAX_GROUP, _MAX_REPORTS = 250, 50  # of one transaction, which keeps other writers waiting
_log = logging.getLogger("tierwise")


class Recorder:
    """Writes decisions and reports, and keeps those that could not be written until the log is back.

    placing : called with decisions that are about to be written. dumps : as of `record_group`.
    n_dropped : those that were given up, because too many were waiting or the log can't take them.
    """

    def __init__(
        self,
        log: OutcomeLog,
        *,
        wait_s: float,
        placing: Callable[[Sequence[Waiting]], None],
        dumps: Callable[[Any], str] = to_json,
    ) -> None:
        self.log, self._wait_s = log, wait_s
        self._placing, self._dumps = placing, dumps
        self.waiting: OrderedDict[str, Waiting] = OrderedDict()
        self.reports: deque[Report] = deque()  # in the order in which they came
        self.n_dropped = 0
        self._away_until = self._unreadable_until = 0.0
        self._n_reports = (
            _MAX_REPORTS if log._database.is_sqlite else 1
        )  # else locks of several types could cross
        self._make_locks()
        _recorders.add(self)

    def _make_locks(self) -> None:
        self._lock = threading.Lock()  # of what waits
        self._writing = threading.Lock()
        self._linger = Linger(self.settle)

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

    def add(self, several: Sequence[Waiting]) -> None:
        """They are written with what is written next: whoever adds sees to it that something is."""
        with self._lock:
            for each in several:
                self.waiting[each.decision.decision_id] = each
            while len(self.waiting) > MAX_WAITING:
                self.waiting.popitem(last=False)
                self.n_dropped += 1

    def report(self, report: Report) -> None:
        """The same; after its decision."""
        with self._lock:
            self.reports.append(report)
            if len(self.reports) > MAX_WAITING:
                self.reports.popleft()
                self.n_dropped += 1

    def settle(self) -> None:
        """What was added is in the log when this returns, or the log is away."""
        if not self.is_away:
            self.catch_up(although_away=False)

    def linger(self) -> None:
        """The same in a moment, unless somebody does it before."""
        self._linger.ask()

    def close(self) -> None:
        """Write what waits, once more also where the log was away."""
        self._linger.close()
        self.catch_up()

    def catch_up(self, *, although_away: bool = True) -> None:
        """Write what waits, with the time at which it was decided or said."""
        with self._writing:  # who waits here finds that the one before has written all of it, or could not
            if although_away or not self.is_away:
                while (self.waiting or self.reports) and self._group_written():
                    pass

    def _group_written(self) -> bool:
        """False where the log can't be written now."""
        with self._lock:
            group = list(islice(self.waiting.values(), _MAX_GROUP))
            is_all = len(group) == len(self.waiting)
            reports = list(islice(self.reports, self._n_reports)) if is_all else []
        started = time.monotonic()
        try:
            record_group(self.log, group, reports, wait_s=self._wait_s, rows=self._rows(group))
        except LogError as error:
            if self._means_away(error):
                self.failed(error, started)
                return False
            return self._one_by_one()  # one of them can't be written, which then says so itself
        except Exception:  # a fault of ours: it must not keep the others out of the log
            self._one_by_one()
            raise
        self._done(group)
        with self._lock:
            for each in reports:
                if self.reports and self.reports[0] is each:  # else too many have come since
                    self.reports.popleft()
        return True

    def _rows(self, group: Sequence[Waiting]) -> list[Prepared]:
        rows = rows_of(self.log, group, self._dumps)
        self._placing(group)
        return rows

    def _one_by_one(self) -> bool:
        return self._decisions_written() and self._reports_written()

    def _reports_written(self) -> bool:
        while self.reports:
            with self._lock:
                each = self.reports.popleft() if self.reports else None
            if each is None:
                break
            started = time.monotonic()
            try:
                self._write_report(each)
            except LogError as error:
                if self._means_away(error):
                    with self._lock:
                        self.reports.appendleft(each)
                    self.failed(error, started)
                    return False
                _log.warning("An attempt is not recorded: %s", error)
                self.n_dropped += 1
        return True

    def _write_report(self, each: Report) -> None:
        known = each.decision.decision_id if isinstance(each.decision, Decision) else each.decision
        given: dict[str, Any] = {"attempt": each.attempt, "attempted_at_us": each.at_us, "learn": each.learn}
        try:
            record(self.log, known, each.said, wait_s=self._wait_s, **given)
        except NotInLog:
            if known is each.decision:
                raise
            record(self.log, each.decision, each.said, wait_s=self._wait_s, **given)  # it had been given up

    def _decisions_written(self) -> bool:
        while self.waiting:
            with self._lock:
                each = next(iter(self.waiting.values()), None)
            if each is None:
                break
            started = time.monotonic()
            try:
                self.write_waiting(each, wait_s=self._wait_s)
            except LogError as error:
                if self._means_away(error):
                    self.failed(error, started)
                    return False
                _log.warning("A decision that waited for the log is not written: %s", error)
                self._given_up(each)
            except Exception:  # likewise
                self._done([each])
                raise
        return True

    def _means_away(self, error: LogError) -> bool:
        """Else the log can be used, but not for what it was given."""
        return isinstance(error, (LogUnavailable, LogTooNew)) or self.log._database.is_closed

    def _given_up(self, each: Waiting) -> None:
        self._done([each])
        self.n_dropped += 1

    def write_waiting(self, each: Waiting, *, wait_s: float | None = None) -> None:
        """Raises LogError."""
        self.log.record_decision(each.decision, at=each.at, follows=each.follows, wait_s=wait_s)
        self._done([each])

    def _done(self, group: Sequence[Waiting]) -> None:
        with self._lock:
            for each in group:
                self.waiting.pop(each.decision.decision_id, None)


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def _in_child() -> None:
    for recorder in list(_recorders):
        recorder._make_locks()  # the parent's may be held by a thread that is not here


def _at_exit() -> None:
    """Of a router that nobody has closed."""
    for recorder in list(_recorders):
        recorder.settle()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
