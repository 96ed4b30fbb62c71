"""What attempts took: tokens, money and time of each, errors included. No text of task or answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from ...classifier.errors import NotInLog
from ._schema import attempts, decisions
from ._times import from_us
from .database._statement import Statement, Transaction

_ADD = Statement(
    sqlite.insert(attempts).on_conflict_do_nothing(),
    postgresql.insert(attempts).on_conflict_do_nothing(),
    columns=[column.name for column in attempts.columns],
)
_UNKNOWN = dict.fromkeys(column.name for column in attempts.columns)
_IS_KNOWN = Statement(select(exists().where(decisions.c.decision_id == bindparam("id"))))
_ALL = (
    select(attempts, decisions.c.task_type, decisions.c.tier)
    .join(decisions)
    .order_by(attempts.c.ended_at_us, attempts.c.number)
)
_OF_ONE = _ALL.where(attempts.c.decision_id == bindparam("id"))


class LoggedAttempt(NamedTuple):
    """One try of a decision's tier, all its requests together.

    number : place among the task's attempts, from 1. mode : "sync" or "batch".
    status : "completed", "cut_off", "refused", "error", or what else the service said. error : its class.
    cost_usd : of the answer, by the usage that the service reported; check_cost_usd : of a check that asks a
        model. n_requests : of both. cost_is_exact : False where a failed request may have used tokens that
        nobody told us of, or where the prices of the model that answered aren't known.
    latency_ms : None for an item of a batch.
    """

    decision_id: str
    task_type: str | None
    tier: str
    number: int
    mode: str
    model: str
    status: str
    stop_reason: str | None
    error: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    thinking_tokens: int
    cost_usd: float
    check_cost_usd: float
    cost_is_exact: bool
    n_requests: int
    latency_ms: float | None
    ended_at: datetime


def add_attempt(transaction: Transaction, decision_id: str, values: Mapping[str, Any], at_us: int) -> None:
    """Once: the same attempt again changes nothing. The decision must be in the log."""
    transaction.later(_ADD, {**_UNKNOWN, **values, "decision_id": decision_id, "ended_at_us": at_us})


def check_known(transaction: Transaction, decision_id: str) -> None:
    """Raises NotInLog."""
    [[(is_known,)]] = transaction.ask((_IS_KNOWN, {"id": decision_id}))
    if not is_known:
        raise NotInLog(f"The log holds no decision with the id {decision_id!r}.", about=decision_id)


def logged_attempts(connection: Connection, decision_id: str | None) -> list[LoggedAttempt]:
    """Of one decision, or all; in the order in which they ended."""
    asked = {} if decision_id is None else {"id": decision_id}
    found = connection.execute(_ALL if decision_id is None else _OF_ONE, asked)
    return [_attempt(row._asdict()) for row in found]


def _attempt(values: dict[str, Any]) -> LoggedAttempt:
    return LoggedAttempt(ended_at=from_us(values.pop("ended_at_us")), **values)
