"""Ids, types and notes as callers give them."""

from __future__ import annotations

from ...classifier.errors import InvalidOutcome

MAX_NOTE_CHARS, MAX_NAME_CHARS = 10_000, 200


def checked_id(decision_id: object) -> str:
    if not isinstance(decision_id, str) or not decision_id.strip():
        raise InvalidOutcome(
            f"An outcome belongs to a Decision or to the id of one; got {decision_id!r}.", about=decision_id
        )
    if len(decision_id) > MAX_NAME_CHARS or is_binary(decision_id):
        raise InvalidOutcome(
            f"An id has at most {MAX_NAME_CHARS} characters, without NUL and lone surrogates; got "
            f"{decision_id[:60]!r}.",
            about=decision_id,
        )
    return decision_id


def checked_type(task_type: object) -> str:
    if isinstance(task_type, str) and task_type.strip() and not is_binary(task_type):
        return task_type
    raise InvalidOutcome(f"task_type must be a non-empty text; got {task_type!r}.", about="task_type")


def is_binary(text: str) -> bool:
    """What no database keeps as text."""
    return "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)


def checked_note(note: object) -> str | None:
    if note is None:
        return None
    if not isinstance(note, str):
        raise InvalidOutcome(f"note must be text; got {type(note).__name__}.", about="note")
    if len(note) > MAX_NOTE_CHARS:
        raise InvalidOutcome(
            f"note has {len(note):,} characters; at most {MAX_NOTE_CHARS:,} are kept.", about="note"
        )
    if is_binary(note):
        raise InvalidOutcome("note contains NUL or a lone surrogate; is it binary data?", about="note")
    return note
