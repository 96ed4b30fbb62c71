"""Decisions wait a moment and are written many at a time, so that none waits for the disk.

Between an answer and its row lie some milliseconds; who needs the row before the answer waits for it with
`until_written`. A log that is away keeps them waiting, as `Recorder` says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

from ...classifier.errors import DecisionConflict, LogError
from ..decision import Decision
from ..log import OutcomeLog
from ..log._group import record_group
from ..log._recorder import MAX_WAITING, Recorder, Report, Waiting

GATHER_S = 0.01  # that the first of a group waits for others
_MAX_GROUP = 250
_IDLE_S = 1.0


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class QueuedRecorder(Recorder):
    """`add` never waits; one thread writes. written : called with each group that is in the log."""

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, written: Callable[[Sequence[Waiting]], None]
    ) -> None:
        super().__init__(log, wait_s=wait_s)
        self._tell_written = written
        self._lock = threading.RLock()  # type: ignore[assignment]
        self._written = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tierwise-log", daemon=True)
        self._thread.start()

    def add(self, decision: Decision, follows: str | None) -> bool:
        """False: it will be in the log in a moment."""
        self.add_all([Waiting(decision, datetime.now(tz=UTC), follows)])
        return False

    def add_all(self, several: Sequence[Waiting]) -> None:
        """The same of several, in their order."""
        with self._lock:
            for each in several:
                self.waiting[each.decision.decision_id] = each
            while len(self.waiting) > MAX_WAITING:
                self.waiting.popitem(last=False)
                self.n_dropped += 1
        if not self._wake.is_set():
            self._wake.set()

    def until_written(self, decision_ids: Iterable[str], timeout_s: float) -> bool:
        """Whether all of these are in the log; waits for it, unless the log is away."""
        ids, dropped = set(decision_ids), self.n_dropped

        def settled() -> bool:
            return self.is_away or self.n_dropped != dropped or ids.isdisjoint(self.waiting)

        with self._written:
            self._written.wait_for(settled, timeout_s)
            return self.n_dropped == dropped and ids.isdisjoint(self.waiting)

    def report(self, report: Report) -> None:
        """Recorded in a moment, after its decision."""
        with self._lock:
            self.reports.append(report)
            if len(self.reports) > MAX_WAITING:
                self.reports.popleft()
                self.n_dropped += 1
        self._wake.set()

    def came_back(self) -> None:
        """Something else was just written: what waits has waited long enough."""
        self._away_until = self._unreadable_until = 0.0
        self._wake.set()

    def _decisions_written(self) -> bool:
        while True:
            with self._lock:
                group = list(islice(self.waiting.values(), _MAX_GROUP))
            if not group:
                return True
            started = time.monotonic()
            try:
                record_group(self.log, group, wait_s=self._wait_s, dumps=_to_json)
            except DecisionConflict:
                return super()._decisions_written()  # one by one: only those in conflict are left out
            except LogError as error:
                self.failed(error, started)
                with self._written:
                    self._written.notify_all()
                return False
            self._tell_written(group)
            with self._written:
                for each in group:
                    self.waiting.pop(each.decision.decision_id, None)
                self._written.notify_all()

    def close(self) -> None:
        """Write what waits, once more also where the log was away."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self.catch_up()

    def _done(self, each: Waiting) -> None:
        with self._written:
            self.waiting.pop(each.decision.decision_id, None)
            self._written.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            if not self.waiting and not self.reports:
                self._wake.wait(_IDLE_S)
            self._wake.clear()
            if not self.waiting and not self.reports:
                continue
            time.sleep(GATHER_S)
            if self.is_away:
                self._wake.wait(min(max(self._away_until - time.monotonic(), 0.0), _IDLE_S))
            else:
                self.catch_up()
