"""Many rows of one table in few steps of SQLite.

Python's driver gives way to other threads at each step, and waits for its turn after it: a step for every
row costs a busy process more in turns than in writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

_SIZES = (32, 16, 8, 4, 2, 1)  # rows of a step; of 32 have fewer values than any SQLite takes, 999


class ManyRows:
    """An INSERT that passes over what is there already. Rows are values in the order of `columns`."""

    def __init__(self, table: Table) -> None:
        self.columns = tuple(column.name for column in table.columns)
        self._table = table
        self._texts: dict[int, str] = {}

    def add(self, driver: Any, rows: Sequence[Sequence[Any]]) -> int:
        """How many were new."""
        added = 0
        for some in _steps(rows):
            text = self._texts.get(len(some)) or self._text(len(some))
            added += driver.execute(text, list(chain.from_iterable(some))).rowcount
        return added

    def _text(self, n: int) -> str:
        insert = sqlite.insert(self._table).on_conflict_do_nothing()
        dialect = sqlite.dialect(paramstyle="qmark")
        one = str(insert.compile(dialect=dialect, column_keys=self.columns))
        row = f"({', '.join('?' * len(self.columns))})"
        self._texts[n] = one.replace(row, ", ".join([row] * n))
        return self._texts[n]


def _steps(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    start = 0
    for size in _SIZES:  # few sizes, so that the driver keeps their statements compiled
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
