"""A router's side of its outcome log: decisions go in, states come out, outcomes are learned from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ....classifier.belief.state import TypeState
from ....classifier.errors import InvalidOutcome, InvalidTask, LogError
from ....classifier.model import TierModel
from ..._placing import CAPABILITY
from ...decision import Decision
from .._checks import checked_id
from .._explored import Judged, attempts_up_to, count_explored, is_no_failure, judged_attempts
from .._outcome import Outcome
from .._times import to_us, utc_now
from ..outcome_log import OutcomeLog
from ._recorder import Recorder
from ._unwritten import Report, Unwritten


class Logged:
    """A log with what is held of it in memory. Threads may share it."""

    def __init__(self, recorder: Recorder, *, is_own: bool) -> None:
        self.log, self._recorder, self._keepers = recorder.log, recorder, recorder.log._keepers
        self._is_own = is_own

    @property
    def n_unlogged(self) -> int:
        backlog = self._recorder.backlog
        return backlog.n_waiting + backlog.n_dropped

    def add(self, decision: Decision, follows: str | None) -> None:
        """Log it with what is logged next; see `settle`."""
        self._recorder.add([Unwritten(decision, self.log._now(), follows)])

    def prepare(self, decision_id: str) -> None:
        """Work out now what its row says, if it is not written yet."""
        self._recorder.prepare(decision_id)

    def settle(self) -> None:
        """What was added is in the log when this returns, or waits for the log to be back."""
        self._recorder.settle()

    def settled_at_once(self) -> bool:
        """The same for an event loop; False where it is to be done beside it."""
        return self._recorder.settled_at_once()

    def linger(self) -> None:
        """`settle` in a moment, for who is still at work then."""
        self._recorder.linger()

    def has_at_hand(self, task_type: str) -> bool:
        """Whether `state` would find it in memory, and ask SQLite only if that is still the newest."""
        return self.log._database.is_quick and self._keepers.hold(task_type)

    def state(self, model: TierModel, task_type: str) -> TypeState | None:
        """What was learned of the type; None for a new one, and while the log is away."""
        found: TypeState | None = self._asked(
            lambda: self._keepers.of(model).state(self.log._database, task_type), None
        )
        return found

    def state_before(self, model: TierModel, task_type: str, decision_id: str) -> TypeState | None:
        """The same without what was said of this decision and those it follows: they are `attempts` of the
        task, and would count twice. Where they can't be told apart any more, they weigh next to nothing.
        """

        def judged() -> list[Judged]:
            with self.log._database.read() as connection:
                return judged_attempts(connection, decision_id)

        state = self.state(model, task_type)
        for tier, verdict, at in [] if state is None else self._asked(judged, []):
            if verdict in CAPABILITY and tier in model.tiers and state is not None:
                state = state.without(at, model.tiers.index(tier), CAPABILITY[verdict]) or state
        return state

    def has_room(
        self,
        limit: float | None,
        reason: str,
        *,
        model_version: str | None = None,
        within: timedelta | None = None,
    ) -> bool:
        """Whether fewer than `limit` decisions had this reason, by this model or within this time.

        Not while the log is away.
        """
        if self._recorder.is_away:
            return False
        if limit is None:
            return True
        since_us = None if within is None else to_us(utc_now() - within)

        def count() -> int:
            with self.log._database.read() as connection:
                return count_explored(connection, reason, model_version, since_us)

        return bool(self._asked(lambda: count() < limit, False))

    def check_followed(self, decision_id: str) -> None:
        """Raises InvalidTask for what can be no id: its decision could never be written."""
        try:
            checked_id(decision_id)
        except InvalidOutcome as error:
            raise InvalidTask(f"follows is the id of a decision. {error}", about="follows") from None

    def is_no_failure(self, decision_id: str) -> bool:
        """Whether it is known to have been refused or cut off. Not while the log is away."""

        def known() -> bool:
            with self.log._database.read() as connection:
                return is_no_failure(connection, decision_id)

        return bool(self._asked(known, False))

    def attempts_up_to(self, decision_id: str) -> tuple[str, ...]:
        """Raises NotInLog."""
        waiting = self._recorder.backlog.decisions.get(decision_id)
        if waiting is None:
            database = self.log._database
            with database.brief(self._recorder.wait_s), database.read() as connection:
                return attempts_up_to(connection, decision_id)
        return (*waiting.decision.task.attempts, str(waiting.decision.tier))

    def record_outcome(
        self, decision_or_id: Decision | str, verdict: str, *, models: Sequence[TierModel], **said: Any
    ) -> Outcome:
        """With what it teaches each of these models."""
        decision_id = decision_or_id.decision_id if isinstance(decision_or_id, Decision) else decision_or_id
        waiting = self._recorder.backlog.decisions.get(decision_id)
        if waiting is not None:
            self._recorder.write_waiting(waiting)
        return self.log.record_outcome(decision_or_id, verdict, learn=self._keepers.learn(models), **said)

    def attempted(
        self,
        decision_or_id: Decision | str,
        attempt: Mapping[str, Any],
        verdict: str | None,
        note: str | None,
        models: Sequence[TierModel],
    ) -> None:
        """What an attempt took and what a check said is recorded with what is logged next, also where the log
        is away meanwhile: a program, unlike a person, won't say it again.
        """
        at_us, kept = to_us(self.log._now()), note if self.log.store_text == "full" else None
        learn = self._keepers.learn(models)
        self._recorder.report(Report(decision_or_id, attempt, verdict, kept, at_us, learn))

    def close(self) -> None:
        """Write what waits; close the log where it is the router's own."""
        self._recorder.close()
        if self._is_own:
            self.log.close()

    def _asked(self, ask: Callable[[], Any], without: Any) -> Any:
        """The log's answer, or what is to be gone by while it is away."""
        if self._recorder.away.is_unreadable:
            return without
        started = time.monotonic()
        try:
            with self.log._database.brief(self._recorder.wait_s):
                return ask()
        except LogError as error:
            self._recorder.failed(error, started)
            return without


def opened(log: Logged | OutcomeLog | str | os.PathLike[str], *, wait_s: float) -> Logged:
    """Raises LogError where it can't be opened. One that is there already is shared, as it is."""
    if isinstance(log, Logged):
        return log
    is_own = not isinstance(log, OutcomeLog)
    opened_log = log if isinstance(log, OutcomeLog) else OutcomeLog(log)
    return Logged(Recorder(opened_log, wait_s=wait_s), is_own=is_own)
