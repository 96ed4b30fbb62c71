"""The service's side of its log: decisions are queued, what was learned of a type is kept for a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from ...classifier.errors import LogUnavailable
from ...classifier.model import TierModel
from ...classifier.state import TypeState
from ..decision import Decision
from ..log import Outcome, OutcomeLog
from ..log._logged import Logged
from ._queue import QueuedRecorder

_MAX_STATES = 1_024  # types x models; most are the very objects that the keeper holds
_GRACE_S = 1.0  # between the look whether a state is at hand, and its use
_AWAY = object()


class _Read(NamedTuple):
    state: TypeState | None
    at: float


class ServedLog(Logged):
    """Shared by the routers of a service, one after the other. added : called with each decision."""

    def __init__(
        self, log: OutcomeLog, *, wait_s: float, max_age_s: float, added: Callable[[Decision], None]
    ) -> None:
        super().__init__(log, is_own=True, wait_s=wait_s)
        self.recorder = QueuedRecorder(log, wait_s=wait_s)
        self._recorder = self.recorder
        self._max_age_s, self._added = max_age_s, added
        self._states: OrderedDict[tuple[str, str], _Read] = OrderedDict()
        self._n_changes = 0
        self._guard = threading.Lock()

    def add(self, decision: Decision, follows: str | None) -> None:
        super().add(decision, follows)
        self._added(decision)

    @property
    def is_away(self) -> bool:
        """Whether using it has just failed."""
        return self.recorder.is_away

    def is_at_hand(self, model: TierModel, task_type: str) -> bool:
        """Whether `state` would answer without asking the database."""
        known = self._states.get((model.fingerprint, task_type))
        fresh = known is not None and time.monotonic() - known.at <= self._max_age_s
        return fresh or self.recorder.is_unreadable

    def state(self, model: TierModel, task_type: str) -> TypeState | None:
        key = model.fingerprint, task_type
        known = self._states.get(key)
        started = time.monotonic()
        if known is not None and started - known.at <= self._max_age_s + _GRACE_S * (self._max_age_s > 0):
            return known.state
        return self.refreshed(model, task_type)

    def refreshed(self, model: TierModel, task_type: str) -> TypeState | None:
        """Read anew; the last one known where the log is away."""
        key, n_changes = (model.fingerprint, task_type), self._n_changes
        started = time.monotonic()
        found: Any = self._asked(lambda: self._keeper(model).state(self.log, task_type), _AWAY)
        with self._guard:
            if found is _AWAY:
                known = self._states.get(key)
                return None if known is None else known.state
            if n_changes == self._n_changes:  # else an outcome came between, and this may be without it
                self._states[key] = _Read(found, started)
                self._states.move_to_end(key)
                if len(self._states) > _MAX_STATES:
                    self._states.popitem(last=False)
        return found  # type: ignore[no-any-return]

    def overdue(self, waited_s: float) -> None:
        """The database did not answer in time: it is left alone for a moment."""
        error = LogUnavailable(f"The log did not answer within {waited_s:g} s.")
        self.recorder.failed(error, time.monotonic() - waited_s)

    def record_outcome(self, decision_or_id: Decision | str, verdict: str, **options: Any) -> Outcome:
        outcome = super().record_outcome(decision_or_id, verdict, **options)
        if outcome.task_type is not None:
            with self._guard:
                self._n_changes += 1
                for key in [key for key in self._states if key[1] == outcome.task_type]:
                    del self._states[key]
        return outcome

    def close(self) -> None:
        self.recorder.close()
        super().close()
