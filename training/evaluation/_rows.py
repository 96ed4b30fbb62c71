"""A log as evaluation reads it: verdicts in the order of their decisions, and when each became known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ..outcomes.frame import (
    CAPABILITY,
    NO_EVIDENCE,
    Outcomes,
    _check_names,
    _seconds,
    check_once,
    read_frame,
    usable_rows,
)
from ._retries import answered_rows

MOST_ROWS = 50_000  # whose texts are read; of a longer log the latest of each type
CAME_WHOLE = "came_whole"  # as router/log/files/_columns.py names it; that needs SQLAlchemy, a frame does not
_OF_LOG = ("decision_id", "task_type", "tier", "verdict", "basis", "at", "decided_at", "recorded_at")
_SLIM = (*_OF_LOG, "propensity", "follows", "text_stored")

Array = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Verdicts that speak of capability, oldest decision first; all arrays of the same length.

    decided, recorded : seconds since 1970: what was recorded before a decision could inform it.
    propensity : NaN where it is not known. answers : the row whose failed attempt this one answers, or -1.
    weights : how many rows of the log each stands for.
    earlier : (n_types, n_tiers, 2), clean and not, of a type's rows before the first that is here.
    n_log : rows of the log with such a verdict. left_out : why -> how many other rows.
    """

    outcomes: Outcomes
    decided: Array
    recorded: Array
    propensity: Array
    answers: Int
    ids: tuple[Any, ...]
    weights: Array
    earlier: NDArray[np.float64]
    n_log: int
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.outcomes)


def read_rows(log_or_frame: Any, tiers: Sequence[str], *, most: int = MOST_ROWS) -> Rows:
    """The verdicts of a log, or of a frame as `train` takes it.

    A verdict is taken to be known from `recorded_at`; an imported one, or one that came into the log together
    with its decision, from `at`. A frame without these columns has `at` for both and for the decision.

    Raises InvalidTraining: what is wrong, in which rows, and what is expected.
    """
    slim, texts = _slim(log_or_frame, tiers)
    _check_names(slim["verdict"], (*CAPABILITY, *NO_EVIDENCE), "verdict")
    usable, left_out = usable_rows(slim, slim["has_text"].to_numpy(dtype=bool), tiers, "evaluated")
    kept = slim[usable]
    decided, recorded = _times(kept)
    order = np.argsort(decided, kind="stable")
    kept, decided, recorded = kept.iloc[order], decided[order], recorded[order]
    types, names = pd.factorize(kept["task_type"].astype(str), sort=True)
    here, weights = _window(types, most)
    before = np.ones(len(kept), dtype=bool)
    before[here] = False
    before &= np.isin(types, types[here])
    earlier = _counts(kept[before], types[before], len(names), tiers)
    chosen = texts(kept.iloc[here])
    by_verdict = np.argsort(_seconds(chosen["at"]), kind="stable")
    back = np.argsort(by_verdict, kind="stable")
    outcomes = read_frame(chosen.iloc[by_verdict], tiers).take(back)  # its types in the order of names, too
    ids = chosen["decision_id"].tolist() if "decision_id" in chosen else [None] * len(chosen)
    follows = chosen["follows"].tolist() if "follows" in chosen else [None] * len(chosen)
    return Rows(
        outcomes,
        decided[here],
        recorded[here],
        _propensities(chosen),
        answered_rows(outcomes, ids, follows),
        tuple(ids),
        weights,
        earlier[np.unique(types[here])],
        len(kept),
        left_out,
    )


def _slim(
    log_or_frame: Any, tiers: Sequence[str]
) -> tuple[pd.DataFrame, Callable[[pd.DataFrame], pd.DataFrame]]:
    """All rows without their texts, and what gives some of them with all they have."""
    if hasattr(log_or_frame, "to_pandas"):
        if "decision_ids" in inspect.signature(log_or_frame.to_pandas).parameters:
            slim = log_or_frame.to_pandas(columns=[*_SLIM, CAME_WHOLE])
            slim["has_text"] = slim.pop("text_stored") == "full"
            return slim, partial(_of_log, log_or_frame)
        log_or_frame = log_or_frame.to_pandas()
    read_frame(log_or_frame if not hasattr(log_or_frame, "iloc") else log_or_frame.iloc[:0], tiers)
    check_once(log_or_frame)
    _check_names(log_or_frame["tier"], tiers, "tier")
    slim = log_or_frame[[name for name in (*_SLIM, CAME_WHOLE) if name in log_or_frame]]
    slim = slim.assign(has_text=log_or_frame["specification"].notna(), _position=np.arange(len(slim)))
    return slim, lambda rows: log_or_frame.iloc[rows["_position"].to_numpy()]


def _of_log(log: Any, rows: pd.DataFrame) -> pd.DataFrame:
    ids = rows["decision_id"].tolist()
    texts: pd.DataFrame = log.to_pandas(decision_ids=ids).set_index("decision_id", drop=False)
    missing = rows["decision_id"][~rows["decision_id"].isin(texts.index)]
    if len(missing):
        raise InvalidTraining(
            f"{len(missing)} rows went from the log while it was read, among them {missing.iloc[0]!r}. "
            "Evaluate again.",
            about=missing.iloc[0],
        )
    return texts.loc[ids]


def _times(frame: pd.DataFrame) -> tuple[Array, Array]:
    at = _seconds(frame["at"])
    decided, recorded = at.copy(), at.copy()
    if "decided_at" in frame:
        given = frame["decided_at"].notna().to_numpy()
        decided[given] = _seconds(frame["decided_at"][given])
    if "recorded_at" in frame:
        given = frame["recorded_at"].notna().to_numpy()
        if "basis" in frame:  # recorded when it was imported, but known when it was said
            given = given & (frame["basis"] != "imported").to_numpy()
        if CAME_WHOLE in frame:
            given = given & ~frame[CAME_WHOLE].to_numpy(dtype=bool)
        recorded[given] = np.maximum(at[given], _seconds(frame["recorded_at"][given]))
    return np.minimum(decided, at), recorded


def _window(types: Int, most: int) -> tuple[Int, Array]:
    """Rows to keep, in order: the latest of each type, as many of each as `most` allows; their weights."""
    sizes = np.bincount(types)
    n = len(types)
    if n <= most:
        return np.arange(n), np.ones(n)
    share = 1.0
    if len(sizes) > most:  # more types than rows: some types, drawn
        drawn = np.random.default_rng(0).permutation(len(sizes))[:most]
        share = len(sizes) / most
        sizes = np.where(np.isin(np.arange(len(sizes)), drawn), sizes, 0)
    cap = _largest_cap(sizes, most)
    from_end = np.empty(n, dtype=np.int64)
    by_type = np.lexsort((-np.arange(n), types))
    starts = np.concatenate([[0], np.cumsum(np.bincount(types))[:-1]])
    from_end[by_type] = np.arange(n) - starts[types[by_type]]
    here = np.flatnonzero((from_end < cap) & (sizes[types] > 0))
    return here, share * sizes[types[here]] / np.minimum(sizes[types[here]], cap)


def _largest_cap(sizes: Int, most: int) -> int:
    low, high = 1, int(sizes.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= most else (low, middle - 1)
    return low


def _counts(frame: pd.DataFrame, types: Int, n_types: int, tiers: Sequence[str]) -> Array:
    out = np.zeros((n_types, len(tiers), 2))
    tier = frame["tier"].map({name: i for i, name in enumerate(tiers)}).to_numpy(dtype=np.int64)
    unclean = (frame["verdict"] != "clean").to_numpy(dtype=np.int64)
    np.add.at(out, (types, tier, unclean), 1.0)
    return out


def _propensities(frame: pd.DataFrame) -> Array:
    if "propensity" not in frame:
        return np.full(len(frame), np.nan)
    numbers = pd.to_numeric(frame["propensity"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(frame["propensity"].notna().to_numpy() & ~((numbers > 0) & (numbers <= 1)))
    if len(wrong):
        raise InvalidTraining(
            f"Column 'propensity': {frame['propensity'].iloc[wrong[0]]!r} in row {frame.index[wrong[0]]}; "
            "expected the probability with which the tier was chosen, above 0 and at most 1, or nothing.",
            about="propensity",
        )
    return np.asarray(numbers, dtype=np.float64)
