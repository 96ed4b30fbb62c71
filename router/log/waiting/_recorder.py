"""Decisions on their way into the log, which must not hold up the work: what can't be written now waits.

Whoever writes takes along what others have waiting, in one transaction: while one thread writes, the others
gather the next group.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from ....classifier.errors import LogError, LogTooNew, LogUnavailable, NotInLog
from ...decision import Decision
from .._add_decision import Prepared
from .._record import record
from ..outcome_log import OutcomeLog
from ._away import Away
from ._backlog import Backlog
from ._group import record_group, rows_of
from ._last_writes import see_to
from ._linger import Linger
from ._unwritten import Report, Unwritten

_MAX_GROUP, _MAX_REPORTS = 250, 50  # of one transaction, which keeps other writers waiting
_FEW = 4  # decisions, or reports, that an event loop writes itself
_AT_ONCE = 32  # so many such transactions, 250 to 500 pages of SQLite, then one beside the loop
_log = logging.getLogger("tierwise")


class Recorder:
    """Writes decisions and reports, and keeps those that could not be written until the log is back."""

    def __init__(self, log: OutcomeLog, *, wait_s: float) -> None:
        self.log, self.wait_s = log, wait_s
        self.backlog, self.away = Backlog(self._dropped), Away()
        self._n_reports = (
            _MAX_REPORTS if log._database.is_sqlite else 1
        )  # else locks of several types could cross
        self._n_at_once = 0
        self.make_locks()
        see_to(self)

    def make_locks(self) -> None:
        """New ones, in a child too: the parent's may be held by a thread that is not here."""
        self.backlog.make_lock()
        self._writing = threading.Lock()
        self._linger = Linger(self._in_a_moment)

    @property
    def is_away(self) -> bool:
        """Whether using the log has just failed; it is then left alone for a moment."""
        return self.away.is_now

    def failed(self, error: LogError, started: float) -> None:
        """See `Away`."""
        self.away.failed(error, started)

    @property
    def n_waiting(self) -> int:
        return self.backlog.n_waiting

    def add(self, several: Sequence[Unwritten]) -> None:
        """They are written with what is written next: whoever adds sees to it that something is."""
        self.backlog.add(several)

    def prepare(self, decision_id: str) -> None:
        """Make its row now, so that nobody waits for that when it is written."""
        self.backlog.prepare(decision_id, self._rows)

    def report(self, report: Report) -> None:
        """The same; after its decision."""
        self.backlog.report(report)

    def _dropped(self, decision_id: str) -> None:
        """A decision is not to be written any more."""

    def settled_at_once(self) -> bool:
        """`settle` for an event loop, where that takes less than handing it over to a thread and back.

        False where it might hold up the loop, and `settle` is to be called beside it: much waits, somebody
        else writes, a server or a disk would have to answer. Who moves SQLite's journal into its file, once
        in a thousand pages, waits for the disk; so this stops long before, until `settle` has done that.
        """
        if not self.log._database.is_quick or self.is_away or self._n_at_once >= _AT_ONCE:
            return False
        if not self._writing.acquire(blocking=False):
            return False
        try:
            group, reports = self.backlog.next_group(_FEW, _FEW)
            if not self.n_waiting:
                return True
            if len(group) + len(reports) < self.n_waiting:
                return False
            self._n_at_once += 1
            self._write(group, reports, wait_s=0.0)
            return True
        except Exception:  # nothing was written; who tries again beside the loop meets the same, and says so
            return False
        finally:
            self._writing.release()

    def settle(self) -> None:
        """What was added is in the log when this returns, unless it is away or can't take it."""
        if not self.is_away:
            self.catch_up(although_away=False)
        if self.is_away and self.n_waiting:  # although nobody may come again
            self._linger.ask()

    def _tidy(self) -> None:
        """Before the next write, which then begins the journal anew and waits for the disk as well."""
        self._n_at_once = 0
        with suppress(LogError):  # who writes next meets the same, and says so
            self.log._database.tidy()

    def linger(self) -> None:
        """The same in a moment, unless somebody does it before; once the log is back, where it is away."""
        self._linger.ask()

    def close(self) -> None:
        """Write what waits, once more also where the log was away."""
        self._linger.close()
        self.catch_up()
        if self.n_waiting:
            _log.warning(
                "%d decisions and attempts are not in the log %s as its router is closed.",
                self.n_waiting,
                self.log._database.name,
            )

    def catch_up(self, *, although_away: bool = True) -> None:
        """Write what waits now, with the time at which it was decided or said; not what comes meanwhile."""
        last = self.backlog.n_taken
        with self._writing:  # who waits here finds that the one before has written all of it, or could not
            if self._n_at_once >= _AT_ONCE:
                self._tidy()
            if although_away or not self.is_away:
                while self.backlog.holds_up_to(last) and self._group_written():
                    pass

    def _in_a_moment(self) -> float | None:
        """In how many seconds it is to be done again."""
        if not self.is_away:
            self.catch_up(although_away=False)
        if not self.n_waiting or self.log._database.is_closed:
            return None
        if self.is_away:
            return self.away.rest_s
        return 0.0 if len(self.backlog.decisions) >= _MAX_GROUP else None  # who came meanwhile has asked

    def _group_written(self) -> bool:
        """False where the log can't be written now."""
        group, reports = self.backlog.next_group(_MAX_GROUP, self._n_reports)
        started = time.monotonic()
        try:
            self._write(group, reports, wait_s=self.wait_s)
        except LogError as error:
            if self._means_away(error):
                self.failed(error, started)
                return False
            return self._each_written(group, reports)  # one can't be written, which then says so itself
        except Exception:  # no caller's fault: who writes for others must not get it, nor others be kept out
            _log.exception("A fault of tierwise's in writing to the log; what waits is written one by one.")
            return self._each_written(group, reports)
        return True

    def _write(self, group: Sequence[Unwritten], reports: Sequence[Report] = (), *, wait_s: float) -> None:
        """All of them or none."""
        rows = self._rows(group)
        self.log._keepers.place(group)
        record_group(self.log, rows, reports, wait_s=wait_s)
        self._done(group, reports)
        self.away.written()

    def _rows(self, group: Sequence[Unwritten]) -> list[Prepared]:
        return rows_of(self.log, group)

    def _each_written(self, group: Sequence[Unwritten], reports: Sequence[Report]) -> bool:
        for waiting in group:
            written = self._is_written("A decision", partial(self._write, [waiting], wait_s=self.wait_s))
            if written is None:
                return False
            if not written:
                self.backlog.give_up([waiting], [])
            self._done([waiting], [])
        for report in reports:
            written = self._is_written("An attempt", partial(self._write_report, report))
            if written is None:
                return False
            if not written:
                self.backlog.give_up([], [report])
            self._done([], [report])
        return True

    def _is_written(self, what: str, write: Callable[[], None]) -> bool | None:
        """False for what is given up for good, None where the log can't be written now."""
        started = time.monotonic()
        try:
            write()
            return True
        except LogError as error:
            if self._means_away(error):
                self.failed(error, started)
                return None
            _log.warning("%s that waited for the log is not written: %s", what, error)
        except Exception:
            _log.exception("%s that waited for the log is not written, by a fault of tierwise's.", what)
        return False

    def _means_away(self, error: LogError) -> bool:
        """Else the log can be used, but not for what it was given."""
        return isinstance(error, (LogUnavailable, LogTooNew)) or self.log._database.is_closed

    def _write_report(self, each: Report) -> None:
        known = each.decision.decision_id if isinstance(each.decision, Decision) else each.decision
        given: dict[str, Any] = {"attempt": each.attempt, "attempted_at_us": each.at_us, "learn": each.learn}
        try:
            record(self.log, known, each.said, wait_s=self.wait_s, **given)
        except NotInLog:
            if known is each.decision:
                raise
            record(self.log, each.decision, each.said, wait_s=self.wait_s, **given)  # it had been given up

    def write_waiting(self, each: Unwritten) -> None:
        """At once, for who has something to say of it. Raises LogError."""
        self._write([each], wait_s=self.log._database.timeout_s)

    def _done(self, group: Sequence[Unwritten], reports: Sequence[Report]) -> None:
        """They wait no longer: written, or given up."""
        self.backlog.done(group, reports)
