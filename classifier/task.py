"""A task: what is routed. Checked once, here, and frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from .errors import InvalidTask, UnknownFact, suggestion

Role = Literal["orchestrator", "worker", "reviewer"]
ROLES: tuple[str, ...] = get_args(Role)
MAX_SPECIFICATION_CHARS = 2_000_000  # far above any context window; a 10 MB text is a mistake
MAX_COUNT = 10**15  # more tokens or items than exist; keeps arithmetic finite

_APART = str.maketrans(dict.fromkeys(",;()[]'\"", " "))
_FLAGS = (
    "time_sensitive",
    "verifiable",
    "reviewed",
    "live",
    "consequential",
    "deterministic",
)
_COUNTS = (
    "items",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "context_used",
    "context_window",
)
_NAMES = ("task_type", "floor", "ceiling", "pin", "session_tier")


@dataclass(frozen=True)
class Task:
    """A specification and the facts known about it; every fact may be left out.

        Task("Write meta descriptions for 120 posts", task_type="meta-description", items=120)

    Parameters
    ----------
    specification : the text that a model would be sent, or a description of it.
    task_type : the recurring kind of work; history is kept per type.
    items : how many items the one operation runs over.
    time_sensitive : the result is needed sooner than a batch returns.
    verifiable : a *program* can check the result.
    reviewed : a person looks at every result before it is used.
    live : a person waits for it, in a session or a meeting.
    consequential : looks simple, but much depends on it.
    deterministic : a program does it without any model.
    role : "orchestrator", "worker" or "reviewer" in a multi-agent system.
    input_tokens : of the whole task, what is cached included.
    output_tokens : of the whole task, all items together.
    cached_tokens : how many of the input_tokens are in a prompt cache.
    context_used : tokens, of the session in which the task arises.
    context_window : tokens that this session may have.
    session_tier : the tier that this session runs on (default: production); only it has the cached_tokens.
    floor : the lowest tier that may do it.
    ceiling : the highest tier that may do it.
    pin : this tier and no other, whatever is predicted.
    attempts : tiers that already failed at this very task, in any order.

    Raises
    ------
    InvalidTask : naming the fact, what was found and what is allowed.
    """

    specification: str
    task_type: str | None = None
    items: int | None = None
    time_sensitive: bool | None = None
    verifiable: bool | None = None
    reviewed: bool | None = None
    live: bool | None = None
    consequential: bool | None = None
    deterministic: bool | None = None
    role: Role | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    context_used: int | None = None
    context_window: int | None = None
    session_tier: str | None = None
    floor: str | None = None
    ceiling: str | None = None
    pin: str | None = None
    attempts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_specification(self.specification)
        for name in _NAMES:
            value = getattr(self, name)
            if value is not None:
                _check_name(name, value)
        for name in _FLAGS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                object.__setattr__(self, name, _as_flag(name, value))
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _as_count(name, value))
        if self.role is not None and self.role not in ROLES:
            raise InvalidTask(
                f"role must be one of {', '.join(ROLES)}; got {self.role!r:.80}"
                + suggestion(self.role, ROLES),
                about="role",
            )
        if self.attempts != ():
            object.__setattr__(self, "attempts", _as_names("attempts", self.attempts))
        if (self.cached_tokens or 0) > (math.inf if self.input_tokens is None else self.input_tokens):
            raise InvalidTask(
                f"cached_tokens ({self.cached_tokens}) are part of input_tokens "
                f"({self.input_tokens}) and can't exceed them.",
                about="cached_tokens",
            )

    @classmethod
    def of_text(cls, specification: str) -> Task:
        """`Task(specification)`, quicker: the facts that nobody gave stay the defaults of the class."""
        check_specification(specification)
        task = cls.__new__(cls)
        task.__dict__["specification"] = specification
        return task

    @classmethod
    def from_mapping(cls, row: Mapping[str, Any]) -> Task:
        """A task from a parsed row; unknown keys are errors that name the nearest fact."""
        check_fact_names(row)
        if "specification" not in row:
            raise InvalidTask(
                f"A task needs a 'specification'; found only: {', '.join(map(repr, row)) or 'nothing'}.",
                about="specification",
            )
        return cls(**row)


FACTS: tuple[str, ...] = tuple(f.name for f in fields(Task))[1:]
_KNOWN = frozenset(FACTS) | {"specification"}


def check_fact_names(names: Mapping[str, Any]) -> None:
    """Raise UnknownFact for the first name that is no fact of a task."""
    for name in names:
        if name not in _KNOWN:
            raise UnknownFact(str(name), _KNOWN)


def check_specification(text: object) -> None:
    """Raise InvalidTask unless this is text that a model could be sent."""
    if not isinstance(text, str):
        raise InvalidTask(
            f"specification must be text (str); got {type(text).__name__}.", about="specification"
        )
    if len(text) > MAX_SPECIFICATION_CHARS:
        raise InvalidTask(
            f"specification has {len(text):,} characters; at most {MAX_SPECIFICATION_CHARS:,} are "
            "routed. Send the instruction and a sample, and give input_tokens for the whole.",
            about="specification",
        )
    if "\x00" in text:
        raise InvalidTask(
            f"specification contains a NUL character at position {text.index(chr(0))}; "
            "is this binary data? Decode it to text first.",
            about="specification",
        )
    if not text.isascii():
        _check_encodable(text)


def _check_encodable(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidTask(
            f"specification contains a lone surrogate ({text[error.start]!r}) at position "
            f"{error.start}; it was decoded with the wrong codec. Decode it as UTF-8 or UTF-16.",
            about="specification",
        ) from None


def _check_name(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidTask(f"{name} must be a non-empty text; got {value!r:.80}.", about=name)
    if "\x00" in value or not (value.isascii() or _is_encodable(value)):
        raise InvalidTask(
            f"{name} must be text without NUL and lone surrogates; got {value!r:.80}.", about=name
        )


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _as_flag(name: str, value: object) -> bool:
    if type(value).__name__ in ("bool", "bool_"):  # NumPy's bool, without importing NumPy
        return bool(value)
    raise InvalidTask(f"{name} must be True, False or None; got {value!r:.80}.", about=name)


def _as_count(name: str, value: Any) -> int:
    if not _is_whole(value) or value < 0:
        raise InvalidTask(f"{name} must be a whole number >= 0; got {value!r:.80}.", about=name)
    if value > MAX_COUNT:
        raise InvalidTask(f"{name} must be at most {MAX_COUNT:,}.", about=name)
    return int(value)


def _is_whole(value: Any) -> bool:
    """NumPy's and pandas' numbers included; NaN and infinity are not whole."""
    if type(value) is int:
        return True
    if type(value).__name__ in ("bool", "bool_", "str"):
        return False
    try:
        return float(value).is_integer()
    except (TypeError, ValueError, OverflowError):  # no number, several numbers, or one beyond all counts
        return False


def names_in(cell: str) -> list[str]:
    """Names in a cell of text, apart by spaces, commas or semicolons; also a list as Python writes it."""
    return cell.translate(_APART).split()


def _as_names(name: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise InvalidTask(
            f"{name} must be a list of tier names, such as ['haiku']; got {value!r:.80}.", about=name
        )
    for each in value:
        _check_name(name, each)
    return tuple(value)
