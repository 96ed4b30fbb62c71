"""A frame of finished tasks, checked: one row per verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...classifier.belief.state import BASIS_WEIGHT
from ...classifier.errors import InvalidTask, InvalidTraining, suggestion
from ...classifier.task import Task
from .kept import COLUMN, Kept

CAPABILITY = {"clean": True, "corrected": False, "failed": False}
NO_EVIDENCE = ("refused", "cut_off")  # say nothing about capability
REQUIRED = ("specification", "task_type", "tier", "verdict", "at")
_FACTS = tuple(f.name for f in fields(Task) if f.name not in ("specification", "task_type"))
_MOST_NAMED = 5
_MOST_AHEAD_S = 300.0  # clocks of machines differ; the log allows two minutes


@dataclass(frozen=True)
class Outcomes:
    """Verdicts that speak of capability, oldest first; all of the same length.

    types : index into `type_names`. tiers : index into the model's tiers. at : seconds since 1970.
    failed : tiers that had failed at the very task before. weights : of the basis, 0 to 1.
    kept : what stands for a text that the log did not keep; empty where all texts are there.
    """

    tasks: tuple[Task, ...]
    types: NDArray[np.int64]
    type_names: tuple[str, ...]
    tiers: NDArray[np.int64]
    clean: NDArray[np.bool_]
    at: NDArray[np.float64]
    failed: tuple[tuple[int, ...], ...]
    weights: NDArray[np.float64]
    kept: tuple[Kept | None, ...] = ()

    def __len__(self) -> int:
        return len(self.tasks)

    def take(self, rows: NDArray[np.int64]) -> Outcomes:
        """These rows; the types keep their numbers."""
        return Outcomes(
            tuple(self.tasks[i] for i in rows),
            self.types[rows],
            self.type_names,
            self.tiers[rows],
            self.clean[rows],
            self.at[rows],
            tuple(self.failed[i] for i in rows),
            self.weights[rows],
            tuple(self.kept[i] for i in rows) if self.kept else (),
        )

    def alike(self) -> dict[tuple[int, tuple[int, ...]], NDArray[np.int64]]:
        """(tier, tiers that had failed before) -> its rows."""
        rows: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for row, kind in enumerate(zip(self.tiers.tolist(), self.failed, strict=True)):
            rows.setdefault(kind, []).append(row)
        return {kind: np.array(some) for kind, some in rows.items()}


def read_frame(frame: pd.DataFrame, tiers: Sequence[str]) -> Outcomes:
    """The frame's outcomes, for a ladder with these tiers.

    Columns: specification, task_type, tier, verdict, at (with a time zone), optionally basis and any
    facts of `Task`; others are ignored.

    Raises InvalidTraining: what is wrong, in which rows, and what is expected.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InvalidTraining(
            f"Outcomes come as a pandas DataFrame or a log; got {type(frame).__name__}.", about=frame
        )
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise InvalidTraining(
            f"The frame has no column {', '.join(map(repr, missing))}; it needs {', '.join(REQUIRED)}.",
            about=missing,
        )
    twice = frame.columns[frame.columns.duplicated()].tolist()
    if twice:
        raise InvalidTraining(f"The frame has several columns {twice[0]!r}; keep one of each.", about=twice)
    check_once(frame)
    _check_names(frame["tier"], tiers, "tier")
    _check_names(frame["verdict"], (*CAPABILITY, *NO_EVIDENCE), "verdict")
    at = _seconds(frame["at"])
    rows = np.flatnonzero(frame["verdict"].isin(list(CAPABILITY)).to_numpy())
    rows = rows[np.argsort(at[rows], kind="stable")]
    kept = frame.iloc[rows]
    for name in ("specification", "task_type"):
        _check_filled(kept[name], name)
    tasks = _tasks(kept)
    names, types = np.unique(kept["task_type"].astype(str).to_numpy(dtype=object), return_inverse=True)
    index = {tier: number for number, tier in enumerate(tiers)}
    basis = kept["basis"] if "basis" in kept else pd.Series("person", index=kept.index)
    _check_names(basis, tuple(BASIS_WEIGHT), "basis")
    return Outcomes(
        tasks,
        types.astype(np.int64),
        tuple(map(str, names)),
        kept["tier"].map(index).to_numpy(dtype=np.int64),
        kept["verdict"].map(CAPABILITY).to_numpy(dtype=bool),
        at[rows],
        tuple(tuple(index[t] for t in dict.fromkeys(task.attempts) if t in index) for task in tasks),
        basis.map(BASIS_WEIGHT).to_numpy(dtype=float),
        tuple(kept[COLUMN]) if COLUMN in kept else (),
    )


def usable_rows(
    frame: pd.DataFrame,
    has_text: NDArray[np.bool_],
    tiers: Sequence[str],
    what: str,
    *,
    without: str = "without their text",
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """(n,) rows of a log from which something can be learned; why others can't, and how many.

    without : what those lack that don't have `has_text`.

    Raises InvalidTraining where there is none; `what` is said of them then.
    """
    speaks = frame["verdict"].isin(list(CAPABILITY)).to_numpy(dtype=bool)
    known = frame["tier"].isin(list(tiers)).to_numpy(dtype=bool)
    typed = frame["task_type"].notna().to_numpy(dtype=bool)
    why = {
        "refused or cut off": ~speaks,
        f"of tiers other than {', '.join(tiers)}": speaks & ~known,
        "without a task type": speaks & known & ~typed,
        without: speaks & known & typed & ~has_text,
    }
    left_out = {reason: int(rows.sum()) for reason, rows in why.items() if rows.any()}
    usable = speaks & known & typed & has_text
    if not usable.any():
        detail = "; ".join(f"{n} {reason}" for reason, n in left_out.items()) or "the log is empty"
        raise InvalidTraining(
            f"No row can be {what} ({detail}). That needs finished tasks with text, task type and "
            "a verdict: clean, corrected or failed.",
            about=0,
        )
    return usable, left_out


def older_rows(frame: pd.DataFrame, held_back: float) -> pd.DataFrame:
    """Rows without the newest share, which is left to judge the model by that is trained on these.

    Raises InvalidTraining for times that can't be read.
    """
    if isinstance(held_back, bool) or not 0.0 <= held_back < 1.0:
        raise InvalidTraining(
            f"held_back must be a share of the outcomes, from 0 to below 1; got {held_back!r}.",
            about="held_back",
        )
    if held_back == 0.0 or "at" not in frame:
        return frame
    order = np.argsort(_seconds(frame["at"]), kind="stable")
    return frame.iloc[order[: len(frame) - int(len(frame) * held_back)]]


def check_once(frame: pd.DataFrame) -> None:
    """Raises InvalidTraining for a decision that has several rows: it would count as so many tasks."""
    if "decision_id" not in frame:
        return
    ids = frame["decision_id"].dropna()
    twice = ids[ids.duplicated(keep=False)]
    if len(twice):
        name = twice.iloc[0]
        rows = " and ".join(map(str, twice.index[twice == name][:2]))
        raise InvalidTraining(
            f"Column 'decision_id': {name!r} is in rows {rows}; {len(twice):,} rows are of decisions that "
            "have several. Expected is one row per finished task, with the verdict that counts; an outcome "
            "log settles which does. Import the rows (`tierwise log import`), and give the log.",
            about=name,
        )


def _check_names(column: pd.Series[Any], allowed: Sequence[str], what: str) -> None:
    _check_filled(column, what)
    wrong = column[~column.isin(list(allowed))]
    if len(wrong):
        name = wrong.iloc[0]
        more = f" And {len(wrong) - 1} more such rows." if len(wrong) > 1 else ""
        raise InvalidTraining(
            f"Column {what!r}: {name!r} in row {wrong.index[0]}"
            f"{suggestion(name, allowed)}{more} Allowed: {', '.join(allowed)}.",
            about=name,
        )


def _check_filled(column: pd.Series[Any], what: str) -> None:
    empty = column.index[column.isna()]
    if len(empty):
        raise InvalidTraining(
            f"Column {what!r} is empty in row {empty[0]}; {len(empty)} of {len(column)} rows lack it. "
            "Fill it, or leave those rows out.",
            about=what,
        )


def _seconds(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Seconds since 1970 of times with a zone, whatever their offsets."""
    _check_filled(column, "at")
    if pd.api.types.is_numeric_dtype(column):
        raise InvalidTraining(
            "Column 'at' holds numbers; expected times with a time zone, "
            "for example by pd.to_datetime(…, unit='s', utc=True).",
            about="at",
        )
    times = column
    if not pd.api.types.is_datetime64_any_dtype(column):
        try:
            times = pd.to_datetime(column, format="ISO8601")
        except (ValueError, TypeError):  # several offsets, another format, or no times: one by one
            times = pd.Series([_time(row, value) for row, value in column.items()])
    if len(times) and not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise InvalidTraining(
            "Column 'at' must hold times with a time zone; found "
            f"{times.dtype}. Localise it, for example with .dt.tz_localize('UTC').",
            about="at",
        )
    seconds = (pd.to_datetime(times, utc=True) - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(
        seconds=1
    )
    out = np.asarray(seconds, dtype=np.float64)
    _check_past(column, out)
    return out


def _check_past(column: pd.Series[Any], seconds: NDArray[np.float64]) -> None:
    """A model trained until a moment that has not come could not be judged before it."""
    late = np.flatnonzero(seconds > time.time() + _MOST_AHEAD_S)
    if len(late):
        found = f"{str(column.iloc[late[0]])!r} in row {column.index[late[0]]}"
        more = f" And {len(late) - 1} more such rows." if len(late) > 1 else ""
        raise InvalidTraining(
            f"Column {str(column.name)!r}: {found} lies in the future.{more} Is its time zone the right one?",
            about=column.name,
        )


def _time(row: object, value: Any) -> pd.Timestamp:
    """In UTC, so that times before and after a change of the clocks stand in one column."""
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise InvalidTraining(
            f"Column 'at': {value!r} in row {row} is no time; expected one such as "
            "'2026-03-01T12:00:00+01:00'.",
            about="at",
        ) from error
    if moment.tzinfo is None:
        raise InvalidTraining(
            f"Column 'at': {value!r} in row {row} has no time zone; write it as "
            "'2026-03-01T12:00:00+01:00', or localise the column.",
            about="at",
        )
    return moment.tz_convert("UTC")


def _tasks(frame: pd.DataFrame) -> tuple[Task, ...]:
    facts = [name for name in _FACTS if name in frame.columns]
    columns = {name: frame[name].tolist() for name in ("specification", "task_type", *facts)}
    tasks, wrong = [], []
    for position, values in enumerate(zip(*columns.values(), strict=True)):
        given = {k: _plain(v) for k, v in zip(columns, values, strict=True) if not _is_missing(v)}
        try:
            tasks.append(Task(**given))
        except (InvalidTask, TypeError) as error:
            wrong.append(f"row {frame.index[position]}: {error}")
    if wrong:
        more = f" And {len(wrong) - _MOST_NAMED} more." if len(wrong) > _MOST_NAMED else ""
        raise InvalidTraining(" ".join(wrong[:_MOST_NAMED]) + more, about=len(wrong))
    return tuple(tasks)


def _plain(value: Any) -> Any:
    """Lists come out of Parquet as arrays."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)
