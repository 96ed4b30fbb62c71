"""Imports: every row is checked first; then all go in, or none, or with `partial` all but the bad ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text

from ....classifier.errors import BadRow, BadRows, InvalidOutcome
from .._schema import policies
from .._text import StoreText
from ..database._connections import Database
from ._move import conflicts, move
from ._rows import ROW_ERRORS, RowReader
from ._stage import stage

CHUNK = 2_000
NAMED = 5  # bad rows in the message; the error has all of them

Row = tuple[int, Mapping[str, Any] | InvalidOutcome]


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    n_rows : rows read. n_decisions, n_outcomes : new in the log. n_known : rows that it held already.
    bad : rows that were left out, in order; with `partial` only.
    bad_path : where those rows were written to, with what is wrong with them.
    """

    n_rows: int
    n_decisions: int
    n_outcomes: int
    n_known: int
    bad: tuple[BadRow, ...] = ()
    bad_path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        where = None if self.bad_path is None else str(self.bad_path)
        return {**asdict(self), "bad": [row._asdict() for row in self.bad], "bad_path": where}


def import_rows(
    database: Database,
    rows: Iterable[Row],
    *,
    store_text: StoreText,
    now: datetime,
    partial: bool,
    what: str,
    tiers: Sequence[str] | None = None,
) -> ImportReport:
    """Raises BadRows, and imports nothing, where a row is bad and `partial` is not asked for.

    what : "line" or "row", for messages. tiers : that rows may name; None for any.
    """
    with database.connect() as connection:
        connection.detach()  # closed at the end, and the stage with it
        with connection.begin():
            known = set(connection.execute(select(policies.c.fingerprint)).scalars())
            reader = RowReader(store_text, now, tiers, known)
            stage.create(connection)
            n_rows, bad = _staged(connection, rows, reader)
            if not database.is_sqlite:
                connection.execute(text("ANALYZE tierwise_stage"))
        connection.execution_options(tierwise_begin="BEGIN IMMEDIATE")
        with connection.begin():
            bad = _in_order([*bad, *conflicts(connection, what)])
            if bad and not partial:
                raise BadRows(_message(bad, n_rows, what), bad)
            _leave_out(connection, bad)
            n_decisions, n_outcomes, n_known = move(connection, reader.policies)
    return ImportReport(n_rows, n_decisions, n_outcomes, n_known, tuple(bad))


def _staged(connection: Connection, rows: Iterable[Row], reader: RowReader) -> tuple[int, list[BadRow]]:
    bad: list[BadRow] = []
    n_rows = 0
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        n_rows += len(chunk)
        good = []
        for number, row in chunk:
            try:
                if isinstance(row, InvalidOutcome):
                    raise row
                good.append(reader.read(number, row))
            except ROW_ERRORS as error:
                bad.append(BadRow(number, str(error)))
        if good:
            connection.execute(insert(stage), good)
    return n_rows, bad


def _leave_out(connection: Connection, bad: list[BadRow]) -> None:
    numbers = [row.number for row in bad]
    for start in range(0, len(numbers), CHUNK):
        connection.execute(delete(stage).where(stage.c.number.in_(numbers[start : start + CHUNK])))


def _in_order(bad: list[BadRow]) -> list[BadRow]:
    """By number, each row once, with what was found first."""
    found: dict[int, BadRow] = {}
    for row in bad:
        found.setdefault(row.number, row)
    return [found[number] for number in sorted(found)]


def _message(bad: list[BadRow], n_rows: int, what: str) -> str:
    named = "; ".join(f"{what} {row.number}: {row.message.rstrip('.')}" for row in bad[:NAMED])
    named += f"; and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
    return (
        f"Nothing was imported: {len(bad):,} of {n_rows:,} rows can't be taken. "
        f"{named}{'' if named.endswith('?') else '.'} "
        "Correct them, or import the rest with --partial (in Python partial=True)."
    )
