"""The whole log counted once: two passes over indices, from which all counts per type and tier follow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, case, func, select

from .._schema import decisions, outcomes
from .._text import CANNOT
from ..database._connections import Database


class OfVerdict(NamedTuple):
    """Outcomes of one type and tier that say the same. is_effective : they are the verdicts that count.

    first_us, last_us : when the first and the last of them were given.
    """

    task_type: str | None
    is_effective: bool
    tier: str | None
    verdict: str
    n: int
    first_us: int
    last_us: int


class OfType(NamedTuple):
    """Decisions of one type. n_stored : by what was stored of their texts; see STORED."""

    task_type: str | None
    n: int
    n_stored: tuple[int, ...]


class Tally(NamedTuple):
    verdicts: tuple[OfVerdict, ...]
    decisions: tuple[OfType, ...]


STORED = tuple(sorted(CANNOT))


def tally(connection: Connection) -> Tally:
    rows: Iterable[Any] = connection.execute(_decisions())
    return Tally(
        tuple(map(OfVerdict._make, connection.execute(_verdicts()))),
        tuple(OfType(name, n, tuple(stored)) for (name, n, *stored) in rows),
    )


def tally_of(database: Database) -> Tally:
    """Raises LogError."""
    with database.read() as connection:
        return tally(connection)


@cache
def _verdicts() -> Select[tuple[str | None, bool, str | None, str, int, int, int]]:
    """In the order of the index: nothing is sorted."""
    key = outcomes.c.task_type, outcomes.c.is_effective, outcomes.c.tier, outcomes.c.verdict
    at = outcomes.c.at_us
    return select(*key, func.count(), func.min(at), func.max(at)).group_by(*key)


@cache
def _decisions() -> Select[tuple[str | None, int, int, int, int]]:
    counted = [func.sum(case((decisions.c.text_stored == each, 1), else_=0)) for each in STORED]
    return select(decisions.c.task_type, func.count(), *counted).group_by(decisions.c.task_type)
