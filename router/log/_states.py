"""Type states: what a learner made of the outcomes of each type. Opaque bytes, kept beside the rows.

The rule that makes them trustworthy: the states of a type are complete, or absent. Whoever changes which
verdicts count, and doesn't tell the learner, removes the type's states in the same transaction; absent
states are built again from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite

from ._checks import checked_type
from ._counting import effective
from ._outcome import Outcome
from ._schema import decisions, outcomes, type_states
from ._times import from_us
from .database._connections import Database
from .database._statement import Statement, Transaction


@dataclass(frozen=True, slots=True)
class TypeState:
    """One bucket of a type under one model. `state` belongs to the learner."""

    model_version: str
    task_type: str
    bucket: int
    state: bytes
    n_outcomes: int


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A decision with the verdict that counts: what a state is built from."""

    decision_id: str
    task_type: str | None
    tier: str
    verdict: str
    basis: str
    at: datetime
    specification: str | None
    facts: dict[str, Any]
    features: dict[str, Any] | None
    details: dict[str, Any] | None


class TypeStates:
    """The states of one type, within the transaction that writes the outcome.

    get, put, keep : of one model version. rows : all that counts of this type, this outcome
    included. Read-only where it was read with `OutcomeLog.reading_states`.

    found : which states there are, where that was asked before; see `STATES_OF_DECISION`.
    """

    def __init__(
        self, transaction: Transaction, task_type: str, now_us: int, found: list[Any] | None = None
    ) -> None:
        self.task_type = task_type
        self._transaction, self._now_us = transaction, now_us
        self._written: set[str] = set()
        self._found = None if found is None else _by_key(found)

    def get(self, model_version: str) -> dict[int, TypeState]:
        """Bucket -> state; empty where they must be built from `rows`."""
        asked = {"task_type": self.task_type, "model_version": model_version}
        return {
            row.bucket: TypeState(model_version, self.task_type, row.bucket, row.state, row.n_outcomes)
            for row in self._transaction.connection.execute(_GET, asked)
        }

    def get_one(self, model_version: str, bucket: int) -> bytes | None:
        """The state of one bucket; that of bucket 0 is read once, with what other models keep."""
        if bucket == 0:
            return self._kept().get((model_version, 0))
        asked = {"task_type": self.task_type, "model_version": model_version, "bucket": bucket}
        [found] = self._transaction.ask((_GET_ONE, asked))
        return found[0][0] if found else None

    def keep(self, model_version: str) -> None:
        """The model's states of this type are up to date as they are."""
        self._written.add(model_version)

    def put(self, model_version: str, bucket: int, state: bytes, n_outcomes: int) -> None:
        self._written.add(model_version)
        self._transaction.later(
            _PUT,
            {
                "task_type": self.task_type,
                "model_version": model_version,
                "bucket": bucket,
                "state": state,
                "n_outcomes": n_outcomes,
                "updated_at_us": self._now_us,
            },
        )

    def rows(self, *, newest: int | None = None) -> Iterator[JudgedRow]:
        """Oldest first. newest : so many, the newest, and those of the same time as the oldest of them."""
        asked: dict[str, Any] = {"task_type": self.task_type}
        if newest is not None:
            asked["since_us"] = self._since_us(newest)
        query = _ROWS if newest is None else _ROWS_SINCE
        for row in self._transaction.connection.execute(query, asked):
            yield _judged(row)

    def row(self, decision_id: str) -> JudgedRow | None:
        """The decision with the verdict that counts."""
        row = self._transaction.connection.execute(_ROW, {"decision_id": decision_id}).first()
        return None if row is None else _judged(row)

    def token(self) -> tuple[int, int | None]:
        """Changes whenever other verdicts of this type count: (how many, the last one's id)."""
        count, last = self._transaction.connection.execute(_TOKEN, {"task_type": self.task_type}).one()
        return count, last

    def _since_us(self, newest: int) -> int:
        asked = {"task_type": self.task_type, "before": newest - 1}
        found = self._transaction.connection.execute(_SINCE, asked).scalar()
        return -(2**62) if found is None else int(found)

    def drop_stale(self) -> None:
        """Remove what was not brought up to date in this transaction."""
        if not {model for model, _ in self._kept()} <= self._written:
            drop_states(self._transaction.connection, [self.task_type], but=self._written)

    def _kept(self) -> dict[tuple[str, int], bytes | None]:
        if self._found is None:
            [found] = self._transaction.ask((_STATES_OF_TYPE, {"task_type": self.task_type}))
            self._found = _by_key(found)
        return self._found


Learn = Callable[[Outcome, TypeStates], None]


def keep_states(states: TypeStates, outcome: Outcome, learn: Learn | None) -> None:
    """Let the learner bring the states of a type up to date; remove what it left behind."""
    if learn is not None:
        learn(outcome, states)
    states.drop_stale()


@contextmanager
def reading(database: Database, task_type: str) -> Iterator[TypeStates]:
    """The states of a type and the rows behind them, as they are at one moment; to be read only."""
    with database.brief(database.timeout_s), database.read() as connection:
        yield TypeStates(Transaction(connection), checked_type(task_type), 0)


def state_alone(database: Database, task_type: str, model_version: str, bucket: int) -> bytes | None:
    """One state, when nothing else is to be read with it."""
    asked = {"task_type": task_type, "model_version": model_version, "bucket": bucket}
    found = database.first(_GET_ONE, asked)
    return None if found is None else found[0]


def _by_key(found: list[Any]) -> dict[tuple[str, int], bytes | None]:
    return {(model_version, bucket): state for model_version, bucket, state in found}


def lock_types(connection: Connection, task_types: Iterable[str]) -> None:
    """Wait for other transactions that change these types. Rows are locked before types, everywhere."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        for task_type in sorted(set(task_types)):
            connection.execute(_LOCK, {"key": task_type})


def drop_states(connection: Connection, task_types: Iterable[str], *, but: Iterable[str] = ()) -> None:
    query = _DROP.where(type_states.c.model_version.not_in(sorted(but)))
    for task_type in task_types:
        connection.execute(query, {"task_type": task_type})


_of_type = type_states.c.task_type == bindparam("task_type")
_of_model = type_states.c.model_version == bindparam("model_version")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('tierwise type ' || :key, 0))")
# Waits for other verdicts of a decision, then for other changes of its type, where it has one.
LOCK_DECISION = Statement(
    text(
        "WITH queued AS MATERIALIZED "
        f"(SELECT task_type FROM {decisions.name} WHERE decision_id = :id FOR UPDATE) "
        "SELECT pg_advisory_xact_lock(hashtextextended('tierwise type ' || task_type, 0)) FROM queued"
    )
)
_of_bucket = type_states.c.bucket == bindparam("bucket")
_GET_ONE = Statement(select(type_states.c.state).where(_of_type, _of_model, _of_bucket))
_which = select(  # which states there are; large ones stay where they are
    type_states.c.model_version,
    type_states.c.bucket,
    case((type_states.c.bucket == literal_column("0"), type_states.c.state)).label("state"),
)
_STATES_OF_TYPE = Statement(_which.where(_of_type))
_type_of_decision = select(decisions.c.task_type).where(decisions.c.decision_id == bindparam("id"))
STATES_OF_DECISION = Statement(_which.where(type_states.c.task_type == _type_of_decision.scalar_subquery()))
_GET = select(type_states).where(_of_type, _of_model).order_by(type_states.c.bucket)
_DROP = delete(type_states).where(_of_type)
_counting = effective(of_type=True)
_JUDGED = ("specification", "facts", "features", "details")


def _rows(counting: Any) -> Any:
    named = (counting.c[name] for name in ("decision_id", "tier", "verdict", "basis", "at_us"))
    return (
        select(*named, decisions.c.task_type, *(decisions.c[name] for name in _JUDGED))
        .join_from(counting, decisions, decisions.c.decision_id == counting.c.decision_id)
        .where(counting.c.tier.is_not(None))
        .order_by(counting.c.at_us, counting.c.outcome_id)
    )


_ROWS = _rows(_counting)
_ROWS_SINCE = _ROWS.where(_counting.c.at_us >= bindparam("since_us"))
_ROW = _rows(outcomes).where(outcomes.c.decision_id == bindparam("decision_id"), outcomes.c.is_effective)
_SINCE = (
    select(outcomes.c.at_us)
    .where(outcomes.c.task_type == bindparam("task_type"), outcomes.c.is_effective)
    .order_by(outcomes.c.at_us.desc())
    .limit(1)
    .offset(bindparam("before"))
)
_TOKEN = select(func.count(), func.max(outcomes.c.outcome_id)).where(
    outcomes.c.task_type == bindparam("task_type"), outcomes.c.is_effective
)


def _judged(row: Any) -> JudgedRow:
    values = row._asdict()
    return JudgedRow(at=from_us(values.pop("at_us")), **values)


def _put(insert: Any) -> Any:
    query = insert(type_states)
    new = {name: query.excluded[name] for name in ("state", "n_outcomes", "updated_at_us")}
    keys = [type_states.c.task_type, type_states.c.model_version, type_states.c.bucket]
    return query.on_conflict_do_update(index_elements=keys, set_=new)


_PUT = Statement(
    _put(sqlite.insert), _put(postgresql.insert), columns=[column.name for column in type_states.columns]
)
