"""States of task types under one model: read from the log, brought up to date in an outcome's transaction.

A state in the log is exactly what its rows would build. An outcome that is the newest of its type is
added; a verdict that replaces one still kept singly takes its place; all else (a verdict of long ago, a
replaced one that was added up) is built anew from the rows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...classifier.belief._place import Place
from ...classifier.belief._stored_state import Newest, digest, newest_bytes, older_bytes
from ...classifier.belief.state import Seen, TypeState
from ...classifier.model import TierModel
from .._placing import CAPABILITY, places_of, seen, seen_of
from ._outcome import Outcome
from ._states import JudgedRow, TypeStates, reading, state_alone
from .database._connections import Database

NEWEST, OLDER = 0, 1  # buckets of the log
MAX_BUILT_ROWS = 20_000  # in an outcome's transaction; with a hazard of 0.003 older ones weigh e^-60
MAX_READ_ROWS = 2_000  # for a decision, which must not wait; older ones weigh e^-6
_CHUNK = 2_000
_MAX_HELD = 256  # types; about 0.1 MB each
_MAX_PLACED = 4_096  # decisions


class _Held(NamedTuple):
    """What was read last. newest : its bytes; empty where it was built from rows, `token` says which."""

    newest: bytes
    older: str
    state: TypeState
    token: object = None


class StateKeeper:
    """Of one model. Threads may share it."""

    def __init__(self, model: TierModel) -> None:
        self.model = model
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._placed: OrderedDict[str, tuple[Place, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def placed(self, decision_id: str, place: Place, attempts: tuple[str, ...]) -> None:
        """A decision of this process, whose outcome then needs no reading of its row."""
        with self._lock:
            self._placed[decision_id] = place, attempts
            if len(self._placed) > _MAX_PLACED:
                self._placed.popitem(last=False)

    def holds(self, task_type: str) -> bool:
        """Whether a state that the log kept is in memory; one that was built from rows may be built again."""
        held = self._held.get(task_type)
        return held is not None and bool(held.newest)

    def state(self, database: Database, task_type: str) -> TypeState | None:
        """For a decision: as the log keeps it, else built from the newest rows; None without outcomes."""
        held = self._held.get(task_type)
        if held is not None and held.newest:
            newest = state_alone(database, task_type, self.model.fingerprint, NEWEST)
            if newest == held.newest:  # as it nearly always is: nothing else need be read
                return held.state
        with reading(database, task_type) as states:
            kept = self.kept(states)
            return self._of_rows(states) if kept is None else kept

    def kept(self, states: TypeStates) -> TypeState | None:
        """As the log keeps it; None where it keeps none."""
        kept = self._read(states)
        return None if kept is None else kept.state

    def learn(self, outcome: Outcome, states: TypeStates) -> None:
        """What `OutcomeLog.record_outcome(learn=)` calls in its transaction."""
        before = self._read(states)
        state = None if before is None else self._with(before.state, outcome, states)
        if state is None:
            state = self.built(states, newest=MAX_BUILT_ROWS)
        self._write(states, state, before)

    def built(self, states: TypeStates, *, newest: int) -> TypeState:
        """From the rows; all at once, so that of equal times none is late."""
        found: list[Seen] = []
        chunk: list[JudgedRow] = []
        for row in states.rows(newest=newest):
            if row.verdict in CAPABILITY:
                chunk.append(row)
            if len(chunk) == _CHUNK:
                found += self._seen(chunk)
                chunk = []
        return self.model.observe(None, [*found, *self._seen(chunk)])

    def _seen(self, rows: Sequence[JudgedRow]) -> Iterator[Seen]:
        for row, place in zip(rows, places_of(rows, self.model), strict=True):
            each = seen_of(row, place, self.model)
            if each is not None:
                yield each

    def _with(self, state: TypeState, outcome: Outcome, states: TypeStates) -> TypeState | None:
        """The state with this outcome in it; None where it must be built from the rows."""
        tiers, tier = self.model.tiers, outcome.tier
        if tier is None or tier not in tiers:
            return state
        if outcome.replaced is not None and outcome.replaced in CAPABILITY and outcome.replaced_at:
            at = outcome.replaced_at.timestamp()
            less = state.without(at, tiers.index(tier), CAPABILITY[outcome.replaced])
            if less is None:
                return None
            state = less
        if outcome.verdict in CAPABILITY:
            place, attempts = self._placing(outcome.decision_id, states)
            new = seen(outcome.verdict, tier, outcome.basis, outcome.at, place, attempts, self.model)
            if new is None or new.at <= state.folded_until:
                return None
            state = self.model.observe(state, [new])
        return state if state.is_full else None

    def _placing(self, decision_id: str, states: TypeStates) -> tuple[Place, tuple[str, ...]]:
        known = self._placed.get(decision_id)
        if known is not None:
            return known
        row = states.row(decision_id)
        if row is None:  # it has just been written
            raise LookupError(f"decision {decision_id!r} has no verdict that counts")
        return places_of([row], self.model)[0], tuple(row.facts.get("attempts", ()))

    def _read(self, states: TypeStates) -> _Held | None:
        """What the log keeps; None where it keeps nothing that can be read."""
        newest = states.get_one(self.model.fingerprint, NEWEST)
        if newest is None:
            return None
        held = self._held.get(states.task_type)
        if held is not None and held.newest == newest:
            return held
        try:
            part = Newest(newest)
            if held is not None and held.newest and held.older == part.older:
                state = part.completed_like(held.state)
            else:
                state = part.completed(states.get_one(self.model.fingerprint, OLDER) or b"")
        except ValueError:  # of another version, or damaged: the rows are what counts
            return None
        return self._hold(states.task_type, _Held(newest, part.older, state))

    def _of_rows(self, states: TypeStates) -> TypeState | None:
        token = states.token()
        held = self._held.get(states.task_type)
        if held is None or held.token != token:
            state = self.built(states, newest=MAX_READ_ROWS)
            held = self._hold(states.task_type, _Held(b"", "", state, token))
        return held.state if held.state.n_outcomes else None

    def _write(self, states: TypeStates, state: TypeState, before: _Held | None) -> None:
        """The sums only where they are others; where nothing is, nothing."""
        fingerprint, older = self.model.fingerprint, "" if before is None else before.older
        states.keep(fingerprint)
        if before is None or state.buckets is not before.state.buckets:
            sums = older_bytes(state)
            if digest(sums) != older:
                older = digest(sums)
                states.put(fingerprint, OLDER, sums, sum(bucket.size for bucket in state.buckets))
        newest = newest_bytes(state, older)
        if before is None or newest != before.newest:
            states.put(fingerprint, NEWEST, newest, len(state.recent))
        # if the transaction fails after this, the bytes in the log differ and are read again
        self._hold(states.task_type, _Held(newest, older, state))

    def _hold(self, task_type: str, held: _Held) -> _Held:
        with self._lock:
            self._held[task_type] = held
            self._held.move_to_end(task_type)
            if len(self._held) > _MAX_HELD:
                self._held.popitem(last=False)
        return held
