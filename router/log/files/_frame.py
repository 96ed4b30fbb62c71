"""The log as a pandas frame: one row per finished task, facts as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, FromClause, Select, select

from ....classifier.errors import InvalidOutcome, MissingExtra, suggestion
from .._counting import effective
from .._schema import decisions
from ._columns import CAME_WHOLE, FACT_KINDS, KINDS, check_columns
from ._import import Row

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
IDS = 5_000  # asked for in one statement
_LEFT_OUT = ("details", "policy", "policy_fingerprint", "features")  # large; ask for them by name
FRAME_COLUMNS = tuple(name for name in KINDS if name not in ("policy", "policy_fingerprint", "tried"))
DEFAULT_COLUMNS = (*(name for name in FRAME_COLUMNS if name not in _LEFT_OUT), CAME_WHOLE)
_OF_VERDICT = {"verdict", "basis", "note", "at", "recorded_at"}
_STORED = {"at": "at_us", "recorded_at": "recorded_at_us", "decided_at": "decided_at_us"}


def frame_of(
    connection: Connection,
    *,
    task_type: str | None,
    as_of_us: int | None,
    columns: Sequence[str] | None,
    decision_ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    pandas = _pandas()
    wanted = _checked(DEFAULT_COLUMNS if columns is None else columns)
    counting = effective(of_type=task_type is not None, as_of=as_of_us is not None)
    stored = list(dict.fromkeys("facts" if name in FACT_KINDS else name for name in wanted))
    query = (
        select(*(_column(counting, name).label(name) for name in stored))
        .join_from(counting, decisions, decisions.c.decision_id == counting.c.decision_id)
        .where(counting.c.tier.is_not(None))
        .order_by(counting.c.at_us, counting.c.outcome_id)
    )
    asked = {"task_type": task_type, "as_of_us": as_of_us}
    pieces = []
    for part in [query] if decision_ids is None else _by_ids(query, counting, decision_ids):
        with closing(connection.execution_options(yield_per=CHUNK).execute(part, asked)) as found:
            pieces += [_piece(pandas, stored, rows, wanted) for rows in found.partitions()]
    return pandas.concat(pieces or [_piece(pandas, stored, [], wanted)], ignore_index=True)


def _column(counting: FromClause, name: str) -> ColumnElement[Any]:
    if name == CAME_WHOLE:
        return counting.c.recorded_at_us == decisions.c.recorded_at_us
    return (counting if name in _OF_VERDICT else decisions).c[_STORED.get(name, name)]


def _by_ids(query: Select[Any], counting: FromClause, ids: Sequence[str]) -> Iterator[Select[Any]]:
    """Part by part: a statement takes so many parameters and no more."""
    for start in range(0, len(ids), IDS):
        yield query.where(counting.c.decision_id.in_(ids[start : start + IDS]))


def rows_of(frame: Any) -> Iterator[Row]:
    """(position, values) of a frame, as an import reads them. Raises InvalidOutcome."""
    if not hasattr(frame, "columns") or not hasattr(frame, "to_dict"):
        raise InvalidOutcome(
            f"import_frame takes a pandas DataFrame; got {type(frame).__name__}.", about="frame"
        )
    check_columns([str(name) for name in frame.columns])
    for start in range(0, len(frame), CHUNK):
        records = frame.iloc[start : start + CHUNK].to_dict("records")
        yield from enumerate(records, start=start)


def _checked(columns: Iterable[str]) -> list[str]:
    wanted = list(columns)
    for name in wanted:
        if name not in (*FRAME_COLUMNS, CAME_WHOLE):
            raise InvalidOutcome(
                f"Unknown column {name!r}{suggestion(name, FRAME_COLUMNS)} "
                f"Known columns: {', '.join(FRAME_COLUMNS)}.",
                about=name,
            )
    return wanted


def _piece(pandas: Any, stored: list[str], rows: Sequence[Any], wanted: list[str]) -> pd.DataFrame:
    """A chunk with its final types; Python's objects are gone before the next one is read."""
    columns: dict[str, Sequence[Any]] = dict.fromkeys(stored, ())
    if rows:
        columns = dict(zip(stored, zip(*rows, strict=True), strict=True))
    facts = columns.pop("facts", ())
    for name in wanted:
        if name in FACT_KINDS:
            columns[name] = [given.get(name) for given in facts]
    return pandas.DataFrame({name: _typed(pandas, KINDS.get(name, "flag"), columns[name]) for name in wanted})


def _typed(pandas: Any, kind: str, values: Sequence[Any]) -> Any:
    if kind == "time":
        moments = np.array(values, dtype=np.int64).view("datetime64[us]")
        return pandas.Series(moments).dt.tz_localize("UTC")
    if kind == "names":
        return pandas.Series([tuple(value or ()) for value in values], dtype=object)
    types = {"count": "Int64", "flag": "boolean", "number": "float64", "text": "str", "json": object}
    return pandas.Series(values, dtype=types[kind])


def _pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra("pandas", "train") from error
    return pandas
