"""A frame of finished tasks, checked: one row per verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..classifier.errors import InvalidTask, InvalidTraining, suggestion
from ..classifier.task import Task

CAPABILITY = {"clean": True, "corrected": False, "failed": False}
NO_EVIDENCE = ("refused", "cut_off")  # say nothing about capability
BASIS_WEIGHT: Mapping[str, float] = {"person": 1.0, "check": 1.0, "downstream": 0.7, "imported": 0.7}
REQUIRED = ("specification", "task_type", "tier", "verdict", "at")
_FACTS = tuple(f.name for f in fields(Task) if f.name not in ("specification", "task_type"))
_MOST_NAMED = 5


@dataclass(frozen=True)
class Outcomes:
    """Verdicts that speak of capability, oldest first; all of the same length.

    types : index into `type_names`. tiers : index into the model's tiers. at : seconds since 1970.
    failed : tiers that had failed at the very task before. weights : of the basis, 0 to 1.
    """

    tasks: tuple[Task, ...]
    types: NDArray[np.int64]
    type_names: tuple[str, ...]
    tiers: NDArray[np.int64]
    clean: NDArray[np.bool_]
    at: NDArray[np.float64]
    failed: tuple[tuple[int, ...], ...]
    weights: NDArray[np.float64]

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
        )


def read_frame(frame: pd.DataFrame, tiers: Sequence[str]) -> Outcomes:
    """The frame's outcomes, for a ladder with these tiers.

    Columns: specification, task_type, tier, verdict, at (with a time zone), optionally basis and any
    facts of `Task`; others are ignored.

    Raises InvalidTraining: what is wrong, in which rows, and what is expected.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise InvalidTraining(
            f"The frame has no column {', '.join(map(repr, missing))}; it needs {', '.join(REQUIRED)}.",
            about=missing,
        )
    _check_names(frame["tier"], tiers, "tier")
    _check_names(frame["verdict"], (*CAPABILITY, *NO_EVIDENCE), "verdict")
    at = _seconds(frame["at"])
    rows = np.flatnonzero(frame["verdict"].isin(list(CAPABILITY)).to_numpy())
    rows = rows[np.argsort(at[rows], kind="stable")]
    kept = frame.iloc[rows]
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
    )


def _check_names(column: pd.Series[Any], allowed: Sequence[str], what: str) -> None:
    wrong = column[~column.isin(list(allowed))]
    if len(wrong):
        name = wrong.iloc[0]
        raise InvalidTraining(
            f"Column {what!r}: {name!r} in row {wrong.index[0]}"
            f"{suggestion(name, allowed)} ({len(wrong)} such rows.) Allowed: {', '.join(allowed)}.",
            about=name,
        )


def _seconds(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Seconds since 1970 of times with a zone."""
    try:
        times = pd.to_datetime(column, utc=False)
    except (ValueError, TypeError) as error:
        raise InvalidTraining(f"Column 'at' holds no times: {error}.", about="at") from error
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise InvalidTraining(
            "Column 'at' must hold times with a time zone; found "
            f"{times.dtype}. Localise it, for example with .dt.tz_localize('UTC').",
            about="at",
        )
    if times.isna().any():
        raise InvalidTraining(f"Column 'at' is empty in row {times.index[times.isna()][0]}.", about="at")
    seconds = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.asarray(seconds, dtype=np.float64)


def _tasks(frame: pd.DataFrame) -> tuple[Task, ...]:
    facts = [name for name in _FACTS if name in frame.columns]
    columns = {name: frame[name].tolist() for name in ("specification", "task_type", *facts)}
    tasks, wrong = [], []
    for position, values in enumerate(zip(*columns.values(), strict=True)):
        given = {k: v for k, v in zip(columns, values, strict=True) if not _is_missing(v)}
        try:
            tasks.append(Task(**given))
        except (InvalidTask, TypeError) as error:
            wrong.append(f"row {frame.index[position]}: {error}")
    if wrong:
        more = f" And {len(wrong) - _MOST_NAMED} more." if len(wrong) > _MOST_NAMED else ""
        raise InvalidTraining(" ".join(wrong[:_MOST_NAMED]) + more, about=len(wrong))
    return tuple(tasks)


def _is_missing(value: Any) -> bool:
    return (
        value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT or value is pd.NA
    )
