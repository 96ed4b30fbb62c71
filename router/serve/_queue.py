"""Decisions wait a moment and are written many at a time, so that none waits for the disk.

Between an answer and its row lie some milliseconds; who needs the row before the answer waits for it with
`until_written`. A log that is away keeps them waiting, as `Recorder` says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any

import orjson

from ...classifier.errors import LogError
from ..log import OutcomeLog
from ..log._add_decision import Prepared
from ..log.waiting._group import rows_of
from ..log.waiting._recorder import Recorder
from ..log.waiting._unwritten import Unwritten

MOST_QUEUED = 2_500  # decisions; then those who ask wait for the log
_MOST_GIVEN_UP = 10_000
_PREPARE_AT = 32  # decisions: few, so that no request waits long for the rows of others


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class QueuedRecorder(Recorder):
    """Nobody waits to write; the thread that lingers does it.

    Rows are made by those who ask, some at a time: a thread that makes hundreds of them takes turns with the
    event loop, which then answers nobody for a millisecond at each of them. What is left to the thread is the
    database, which needs no turn.
    """

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, placing: Callable[[Sequence[Unwritten]], None]
    ) -> None:
        super().__init__(log, wait_s=wait_s, placing=placing)
        self._new: dict[str, Unwritten] = {}  # nobody has begun to make their rows
        self._made: dict[str, Prepared] = {}  # rows of what waits
        self._given_up: dict[str, None] = {}  # the last of them, for who still asks whether they are written

    def make_locks(self) -> None:
        super().make_locks()
        self._written = threading.Condition(self._lock)
        self._making = threading.Lock()  # one at a time makes rows, so that none is made twice
        self._room: Future[None] | None = None  # of those who wait for it

    def add(self, several: Sequence[Unwritten]) -> None:
        """They will be in the log in a moment."""
        super().add(several)
        if len(self._new) >= _PREPARE_AT:
            self._make_rows(max(len(several), _PREPARE_AT))
        self.linger()

    def _take(self, each: Unwritten) -> None:
        super()._take(each)
        self._new[each.decision.decision_id] = each

    def _make_rows(self, most: int) -> None:
        """Of what came first; what a thread is at already is left to it."""
        if not self._making.acquire(blocking=False):
            return
        try:
            several = self._begun(most)
            try:
                rows = rows_of(self.log, several, _to_json)
            except Exception:  # who writes them one by one finds out which it is, and says so
                return
            with self._lock:
                made = zip((each.decision.decision_id for each in several), rows, strict=True)
                self._made.update((key, row) for key, row in made if key in self.waiting)
        finally:
            self._making.release()

    def _begun(self, most: int) -> list[Unwritten]:
        with self._lock:
            if self.is_away:  # without rows they wait in less memory
                self._new.clear()
            several = list(islice(self._new.values(), most))
            for each in several:
                del self._new[each.decision.decision_id]
            return several

    def _rows(self, group: Sequence[Unwritten]) -> list[Prepared]:
        with self._making:
            made = [self._made.get(each.decision.decision_id) for each in group]
            missing = [each for each, row in zip(group, made, strict=True) if row is None]
            with self._lock:
                for each in missing:
                    self._new.pop(each.decision.decision_id, None)
            rest = iter(rows_of(self.log, missing, _to_json) if missing else ())
        return [next(rest) if row is None else row for row in made]

    def until_written(self, decision_ids: Iterable[str], timeout_s: float) -> bool:
        """Whether all of these are in the log; waits for it, unless the log is away."""
        ids = set(decision_ids)
        self._linger.hurry()
        with self._written:
            self._written.wait_for(lambda: self.is_away or ids.isdisjoint(self.waiting), timeout_s)
            return ids.isdisjoint(self.waiting) and ids.isdisjoint(self._given_up)

    @property
    def has_room(self) -> bool:
        """Also where there is no use in waiting for it, because the log is away."""
        return len(self.waiting) <= MOST_QUEUED or self.is_away

    def room(self) -> Future[None]:
        """Done as soon as there is room."""
        with self._lock:
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
        super().failed(error, started)
        self._tell()

    def _done(self, group: Sequence[Unwritten]) -> None:
        super()._done(group)
        with self._lock:
            for each in group:
                self._new.pop(each.decision.decision_id, None)
                self._made.pop(each.decision.decision_id, None)
        self._tell()

    def _drop(self, decision_id: str) -> None:
        super()._drop(decision_id)
        self._given_up[decision_id] = None
        if len(self._given_up) > _MOST_GIVEN_UP:
            del self._given_up[next(iter(self._given_up))]
        self._new.pop(decision_id, None)
        self._made.pop(decision_id, None)

    def _tell(self) -> None:
        """Those who wait for what has changed."""
        with self._written:
            self._written.notify_all()
            room = self._room if self.has_room else None
            if room is not None:
                self._room = None
        if room is not None:
            room.set_result(None)
