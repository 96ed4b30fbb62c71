"""Many rows of one table in few steps of SQLite.

Python's driver gives way to other threads at each step, and waits for its turn after it: a step for every
row costs a busy process more in turns than in writing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

# rows of a step; few sizes, so that the driver keeps their statements
_SIZES = (1, 2, 4, 8, 16, *range(32, 257, 32))


class ManyRows:
    """An INSERT that passes over what is there already. Rows are values in the order of `columns`."""

    def __init__(self, table: Table) -> None:
        self.columns = tuple(column.name for column in table.columns)
        self._table = table
        self._texts: dict[int, str] = {}

    def add(self, driver: Any, rows: Sequence[Sequence[Any]]) -> int:
        """How many were new."""
        added = 0
        most = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(self.columns)
        for some in _steps(rows, [size for size in _SIZES if size <= most]):
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


def _steps(rows: Sequence[Sequence[Any]], sizes: Sequence[int]) -> Iterator[Sequence[Sequence[Any]]]:
    """The last one filled up with a row that is there already, and is passed over."""
    for start in range(0, len(rows), sizes[-1]):
        some = rows[start : start + sizes[-1]]
        size = next(size for size in sizes if size >= len(some))
        yield [*some, *[some[-1]] * (size - len(some))]
