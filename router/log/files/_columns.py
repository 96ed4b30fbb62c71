"""Columns of frames and files: what each holds, and how a cell of text becomes a value."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Literal

import numpy as np

from ....classifier.errors import InvalidOutcome, suggestion
from ....classifier.task import Task, names_in

Kind = Literal["text", "count", "flag", "number", "time", "names", "json"]


def _kind_of(annotation: str) -> Kind:
    if annotation.startswith("bool"):
        return "flag"
    if annotation.startswith("int"):
        return "count"
    return "names" if annotation.startswith("tuple") else "text"


FACT_KINDS: dict[str, Kind] = {
    field.name: _kind_of(str(field.type))
    for field in fields(Task)
    if field.name not in ("specification", "task_type")
}
KINDS: dict[str, Kind] = {
    "decision_id": "text",
    "specification": "text",
    "task_type": "text",
    "tier": "text",
    "verdict": "text",
    "at": "time",
    "basis": "text",
    "note": "text",
    **FACT_KINDS,
    "propensity": "number",
    "mode": "text",
    "model": "text",
    "model_version": "text",
    "reason": "text",
    "fallback": "flag",
    "confidence": "number",
    "follows": "text",
    "decided_at": "time",
    "recorded_at": "time",
    "text_stored": "text",
    "features": "json",
    "details": "json",
    "policy_fingerprint": "text",
    "policy": "json",
    "tried": "json",
}
CAME_WHOLE = "came_whole"  # of a frame: decision and verdict were written at once, as of work done elsewhere
# rows that an import wrote out, once corrected, may be imported, and so may a frame
IGNORED = ("row", "error", CAME_WHOLE)
UNREADABLE = "unreadable"  # of rows that were written out: what could not be read at all
_TRUE, _FALSE = {"true", "1", "yes", "y"}, {"false", "0", "no", "n"}


def check_columns(names: list[str]) -> None:
    """Raise InvalidOutcome for an unknown column, one that comes twice, or where the least is missing."""
    for name in names:
        if name == UNREADABLE:
            raise InvalidOutcome(
                f"Nothing of this row could be read: write its columns in place of {name!r}.", about=name
            )
        if name not in KINDS and name not in IGNORED:
            is_uncut = len(names) == 1 and (";" in name or "\t" in name)
            hint = ": columns are separated by commas." if is_uncut else suggestion(name, KINDS)
            raise InvalidOutcome(
                f"Unknown column {name!r}{hint} Known columns: {', '.join(KINDS)}.",
                about=name,
            )
        if names.count(name) > 1:
            raise InvalidOutcome(f"Column {name!r} is there twice: which of them counts?", about=name)
    if "tier" not in names and "decision_id" not in names:
        raise InvalidOutcome(
            "A row needs a 'tier' (what did the work), or the 'decision_id' of a decision in the log; found "
            f"the columns {', '.join(names) or 'none'}.",
            about="tier",
        )


def is_missing(value: Any) -> bool:
    """None, NaN, and pandas' NA and NaT, without importing pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(value != value)


def from_cell(name: str, cell: str) -> Any:
    """The value of a CSV cell that is not empty."""
    kind = KINDS.get(name)
    if kind == "flag":
        if cell.lower() in _TRUE | _FALSE:
            return cell.lower() in _TRUE
        raise InvalidOutcome(f"{name} must be true or false; got {cell!r:.80}.", about=name)
    if kind in ("count", "number"):
        try:
            return int(cell) if kind == "count" else float(cell)
        except ValueError:
            what = "a whole number >= 0" if kind == "count" else "a number"
            raise InvalidOutcome(f"{name} must be {what}; got {cell!r:.80}.", about=name) from None
    if kind == "names":
        return names_in(cell)
    if kind == "json":
        return from_json_text(name, cell)
    return cell if name in ("specification", "note") else cell.strip()


def from_json_text(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise InvalidOutcome(f"{name} must be a JSON object; got {value[:60]!r}.", about=name) from None
