"""Decisions wait a moment and are written many at a time, so that none waits for the disk.

Between an answer and its row lie some milliseconds; who needs the row before the answer waits for it with
`until_written`. A log that is away keeps them waiting, as `Recorder` says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from ...classifier.errors import LogError
from ..log import OutcomeLog
from ..log._entries import Report, Waiting
from ..log._recorder import Recorder
from ..log._write import Prepared

GATHER_S = 0.05  # that the first of a group waits for others, unless somebody waits for it
_PREPARE_AT = 32  # decisions: few, so that no request waits long for the rows of others
_IDLE_S = 1.0


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class QueuedRecorder(Recorder):
    """Nobody waits to write; one thread does it.

    Rows are made by those who ask, some at a time: a thread that makes hundreds of them takes turns with the
    event loop, which then answers nobody for a millisecond at each of them. What is left to the thread is the
    database, which needs no turn.
    """

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, placing: Callable[[Sequence[Waiting]], None]
    ) -> None:
        super().__init__(log, wait_s=wait_s, placing=placing, dumps=_to_json)
        self._new: list[Waiting] = []  # without rows
        self._made: dict[str, Prepared] = {}  # rows of what waits
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tierwise-log", daemon=True)
        self._thread.start()

    def _make_locks(self) -> None:
        super()._make_locks()
        self._written = threading.Condition(self._lock)

    def add(self, several: Sequence[Waiting]) -> None:
        """They will be in the log in a moment."""
        super().add(several)
        with self._lock:
            self._new += several
            is_due = len(self._new) >= _PREPARE_AT
        if is_due:
            self._make_rows()
        if not self._wake.is_set():
            self._wake.set()

    def _make_rows(self) -> None:
        with self._lock:
            several = [each for each in self._new if each.decision.decision_id in self.waiting]
            self._new = []
        if not several or self.is_away:  # without rows they wait in less memory
            return
        rows = zip(several, super()._rows(several), strict=True)
        with self._lock:
            self._made.update((each.decision.decision_id, row) for each, row in rows)
            if not self._made.keys() <= self.waiting.keys():  # written meanwhile, or given up
                self._made = {key: row for key, row in self._made.items() if key in self.waiting}

    def _rows(self, group: Sequence[Waiting]) -> list[Prepared]:
        made = [self._made.get(each.decision.decision_id) for each in group]
        missing = [each for each, row in zip(group, made, strict=True) if row is None]
        rest = iter(super()._rows(missing) if missing else ())
        return [next(rest) if row is None else row for row in made]

    def until_written(self, decision_ids: Iterable[str], timeout_s: float) -> bool:
        """Whether all of these are in the log; waits for it, unless the log is away."""
        ids, dropped = set(decision_ids), self.n_dropped

        def settled() -> bool:
            return self.is_away or self.n_dropped != dropped or ids.isdisjoint(self.waiting)

        self._hurry.set()
        with self._written:
            self._written.wait_for(settled, timeout_s)
            return self.n_dropped == dropped and ids.isdisjoint(self.waiting)

    def report(self, report: Report) -> None:
        """Recorded in a moment, after its decision."""
        super().report(report)
        self._wake.set()

    def came_back(self) -> None:
        """Something else was just written: what waits has waited long enough."""
        self._away_until = self._unreadable_until = 0.0
        self._wake.set()

    def settle(self) -> None:
        """Nothing: it is done in a moment."""

    def linger(self) -> None:
        """Nothing either."""

    def failed(self, error: LogError, started: float) -> None:
        super().failed(error, started)
        with self._written:
            self._written.notify_all()

    def close(self) -> None:
        if self._thread.is_alive():
            self._stopping = True
            self._wake.set()
            self._hurry.set()
            self._thread.join()
        super().close()

    def _done(self, group: Sequence[Waiting]) -> None:
        super()._done(group)
        with self._written:
            for each in group:
                self._made.pop(each.decision.decision_id, None)
            self._written.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            if not self.waiting and not self.reports:
                self._wake.wait(_IDLE_S)
            self._wake.clear()
            if not self.waiting and not self.reports:
                continue
            self._hurry.wait(GATHER_S)
            self._hurry.clear()
            if self.is_away:
                self._wake.wait(min(max(self._away_until - time.monotonic(), 0.0), _IDLE_S))
            else:
                self.catch_up()
