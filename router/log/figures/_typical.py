"""Tokens that requests of a task type took, as attempts in the log say."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from sqlalchemy import bindparam, select

from .._schema import attempts, decisions
from ..outcome_log import OutcomeLog

NEWEST = 100

_OF_TYPE = (
    select(
        (
            attempts.c.input_tokens
            + attempts.c.cache_read_tokens
            + attempts.c.cache_write_5m_tokens
            + attempts.c.cache_write_1h_tokens
        ).label("prompt"),
        attempts.c.output_tokens,
    )
    .join(decisions, decisions.c.decision_id == attempts.c.decision_id)
    .where(decisions.c.task_type == bindparam("task_type"), attempts.c.status == "completed")
    .where(attempts.c.n_requests == 1)  # the tokens of one request
    .order_by(attempts.c.ended_at_us.desc(), attempts.c.decision_id)
    .limit(NEWEST)
)


class TypicalTokens(NamedTuple):
    """Medians over the newest `n` requests that were answered whole; thinking is part of the output."""

    input_tokens: int
    output_tokens: int
    n: int


def typical_tokens(log: OutcomeLog, task_types: Iterable[str]) -> dict[str, TypicalTokens]:
    """Task type -> tokens of one request; types of which the log has none are left out. Raises LogError."""
    found: dict[str, TypicalTokens] = {}
    with log._database.read() as connection:
        for task_type in dict.fromkeys(task_types):
            rows = connection.execute(_OF_TYPE, {"task_type": task_type}).all()
            if rows:
                into, out = (round(median(column)) for column in zip(*rows, strict=True))
                found[task_type] = TypicalTokens(into, out, len(rows))
    return found
