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

GATHER_S = 0.01  # that the first of a group waits for others
_IDLE_S = 1.0


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class QueuedRecorder(Recorder):
    """Nobody waits to write; one thread does it."""

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, placing: Callable[[Sequence[Waiting]], None]
    ) -> None:
        super().__init__(log, wait_s=wait_s, placing=placing, dumps=_to_json)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tierwise-log", daemon=True)
        self._thread.start()

    def _make_locks(self) -> None:
        super()._make_locks()
        self._written = threading.Condition(self._lock)

    def add(self, several: Sequence[Waiting]) -> None:
        """They will be in the log in a moment."""
        super().add(several)
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
        super().report(report)
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
            self._thread.join()
        super().close()

    def _done(self, group: Sequence[Waiting]) -> None:
        super()._done(group)
        with self._written:
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
