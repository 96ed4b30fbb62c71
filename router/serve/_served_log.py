"""The service's side of its log: decisions are queued, what was learned of a type is kept for a moment."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from typing import Any, NamedTuple

from sqlalchemy import func, select

from ...classifier.belief.state import TypeState
from ...classifier.model import TierModel
from ..decision import Decision
from ..log import Outcome, OutcomeLog
from ..log._schema import outcomes
from ..log.waiting._logged import Logged
from ..log.waiting._unwritten import Unwritten
from ._queue import QueuedRecorder

AT_ONCE = 500  # decisions, between two looks whether there is room for more
MOST_WAIT_S = 5.0  # for room, whatever the log does
_MAX_STATES = 1_024  # types x models; most are the very objects that the keeper holds
_GRACE_S = 1.0  # between the look whether a state is at hand, and its use
_MAX_UNREAD_S = 30.0  # though no outcome has come: types may have been forgotten
_SETTLE_S = 2.0  # of two outcomes written at once the one with the smaller id may come later
_NEWEST = select(func.max(outcomes.c.outcome_id))
_AWAY = object()


class _Read(NamedTuple):
    """A state, when it was read, and the newest outcome of the whole log shortly before."""

    state: TypeState | None
    at: float
    newest: int | None


class ServedLog(Logged):
    """Shared by the routers of a service, one after the other. added : called with each decision."""

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, max_age_s: float, added: Callable[[Decision], None]
    ) -> None:
        self.recorder = QueuedRecorder(log, wait_s=wait_s)
        super().__init__(self.recorder, is_own=True)
        self._max_age_s, self._added = max_age_s, added
        self._states: OrderedDict[tuple[str, str], _Read] = OrderedDict()
        self._n_changes = 0
        self._newest: int | None = None  # outcome in the log, when it was last looked at
        self._looked_at = self._changed_at = float("-inf")
        self._guard = threading.Lock()

    def add(self, decision: Decision, follows: str | None) -> None:
        super().add(decision, follows)
        self._added(decision)

    def add_all(self, decisions: Sequence[Decision]) -> None:
        """The same of several, which answer no failure. Where they are many, in a thread that may wait."""
        at = self.log._now()
        for start in range(0, len(decisions), AT_ONCE):
            if start:
                self.wait_for_room()
            several = decisions[start : start + AT_ONCE]
            self.recorder.add([Unwritten(decision, at, None) for decision in several])
            for decision in several:
                self._added(decision)

    def wait_for_room(self) -> None:
        """For who has many to log, before each `AT_ONCE` of them: what comes faster than it can be written
        would have to be given up.
        """
        if not self.recorder.has_room:
            wait([self.recorder.room()], MOST_WAIT_S)

    async def until_room(self) -> None:
        """The same in the event loop."""
        if not self.recorder.has_room:
            await asyncio.wait([asyncio.wrap_future(self.recorder.room())], timeout=MOST_WAIT_S)

    def settle(self) -> None:
        """In a moment: nobody who answers waits for the disk."""
        self.recorder.linger()

    @property
    def is_away(self) -> bool:
        """Whether using it has just failed."""
        return self.recorder.is_away

    def is_at_hand(self, model: TierModel, task_type: str) -> bool:
        """Whether `state` would answer without asking the database."""
        known, now = self._states.get((model.fingerprint, task_type)), time.monotonic()
        fresh = known is not None and self._is_fresh(known, now, 0.0)
        return fresh or self.recorder.away.is_unreadable

    def state(self, model: TierModel, task_type: str) -> TypeState | None:
        key = model.fingerprint, task_type
        known = self._states.get(key)
        started = time.monotonic()
        grace_s = _GRACE_S if self._max_age_s > 0 else 0.0
        if known is not None and self._is_fresh(known, started, grace_s):
            return known.state
        return self.refreshed(model, task_type)

    def refreshed(self, model: TierModel, task_type: str) -> TypeState | None:
        """Read anew; the last one known where the log is away."""
        key, n_changes = (model.fingerprint, task_type), self._n_changes
        started = time.monotonic()
        newest: Any = self._asked(self._newest_outcome, _AWAY)
        if newest is not _AWAY:
            if newest != self._newest:
                self._changed_at = started
            self._newest, self._looked_at = newest, started
            known = self._states.get(key)
            if known is not None and self._is_unchanged(known, started):
                return known.state
        found: Any = self._asked(lambda: self._keepers.of(model).state(self.log._database, task_type), _AWAY)
        with self._guard:
            if found is _AWAY:
                known = self._states.get(key)
                return None if known is None else known.state
            if n_changes == self._n_changes:  # else an outcome came between, and this may be without it
                self._states[key] = _Read(found, started, newest)
                self._states.move_to_end(key)
                if len(self._states) > _MAX_STATES:
                    self._states.popitem(last=False)
        return found  # type: ignore[no-any-return]

    def _is_fresh(self, known: _Read, now: float, grace_s: float) -> bool:
        """Read lately; or the log was looked at lately, and no outcome had come since it was read."""
        within_s = self._max_age_s + grace_s
        if now - known.at <= within_s:
            return True
        return now - self._looked_at <= within_s and self._is_unchanged(known, now)

    def _is_unchanged(self, known: _Read, now: float) -> bool:
        settled = known.at - self._changed_at > _SETTLE_S
        return settled and known.newest == self._newest and now - known.at <= _MAX_UNREAD_S

    def _newest_outcome(self) -> int | None:
        with self.log._database.read() as connection:
            return connection.execute(_NEWEST).scalar()

    def record_outcome(self, decision_or_id: Decision | str, verdict: str, **options: Any) -> Outcome:
        outcome = super().record_outcome(decision_or_id, verdict, **options)
        if self.is_away and outcome.is_new:
            self.recorder.came_back()
        if outcome.task_type is not None:
            with self._guard:
                self._n_changes += 1
                for key in [key for key in self._states if key[1] == outcome.task_type]:
                    del self._states[key]
        return outcome
