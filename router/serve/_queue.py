"""Decisions wait a moment and are written many at a time, so that none waits for the disk.

Between an answer and its row lie some milliseconds; who needs the row before the answer waits for it with
`until_written`. A log that is away keeps them waiting, as `Recorder` says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import orjson

from ...classifier.errors import LogError
from ..log._add_decision import Prepared
from ..log.waiting._group import rows_of
from ..log.waiting._recorder import Recorder
from ..log.waiting._unwritten import Report, Unwritten

MOST_QUEUED = 2_500  # decisions; then those who ask wait for the log
_MOST_GIVEN_UP = 10_000
_FELT_S = 1.0  # of a failure, by those who are answered: more than a decision waits for what was learned


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class QueuedRecorder(Recorder):
    """Nobody waits to write. The thread that lingers does it, and makes the rows: of hundreds at once they
    take half of what they take one by one.
    """

    def __init__(self, *log: Any, **options: Any) -> None:
        super().__init__(*log, **options)
        self._given_up: dict[str, None] = {}  # the last of them, for who still asks whether they are written

    def make_locks(self) -> None:
        super().make_locks()
        self._written = threading.Condition(self.backlog.lock)
        self._room: Future[None] | None = None  # of those who wait for it

    def add(self, several: Sequence[Unwritten]) -> None:
        """They will be in the log in a moment."""
        super().add(several)
        self.linger()

    def _rows(self, group: Sequence[Unwritten]) -> list[Prepared]:
        return rows_of(self.log, group, _to_json)

    def until_written(self, decision_ids: Iterable[str], timeout_s: float) -> bool:
        """Whether all of these are in the log; waits for it, unless the log is away."""
        ids = set(decision_ids)
        self._linger.hurry()
        with self._written:
            self._written.wait_for(lambda: self.is_away or ids.isdisjoint(self.backlog.decisions), timeout_s)
            return ids.isdisjoint(self.backlog.decisions) and ids.isdisjoint(self._given_up)

    @property
    def has_room(self) -> bool:
        """Also where there is no use in waiting for it, because the log is away."""
        return len(self.backlog.decisions) <= MOST_QUEUED or self.is_away

    def room(self) -> Future[None]:
        """Done as soon as there is room."""
        with self.backlog.lock:
            if self._room is None:
                self._room = Future()
                self._room.set_running_or_notify_cancel()  # one who goes away cancels it for nobody
            room = self._room
        self._tell()
        return room

    def came_back(self) -> None:
        """Something else was just written: what waits has waited long enough."""
        self.away.tried_again()
        self._linger.hurry()

    def failed(self, error: LogError, started: float) -> None:
        """It is not left alone for longer than that asks which callers felt, who never waited long."""
        super().failed(error, max(started, time.monotonic() - _FELT_S))
        self._tell()

    def _done(self, group: Sequence[Unwritten], reports: Sequence[Report]) -> None:
        super()._done(group, reports)
        self._tell()

    def _dropped(self, decision_id: str) -> None:
        self._given_up[decision_id] = None
        if len(self._given_up) > _MOST_GIVEN_UP:
            del self._given_up[next(iter(self._given_up))]

    def _tell(self) -> None:
        """Those who wait for what has changed."""
        with self._written:
            self._written.notify_all()
            room = self._room if self.has_room else None
            if room is not None:
                self._room = None
        if room is not None:
            room.set_result(None)
