"""What the caller gave, or the defaults."""

from __future__ import annotations

from typing import TypeVar

from ...classifier.errors import InvalidRequest

T = TypeVar("T")


def or_default(given: T | None, kind: type[T]) -> T:
    """`Limits`, `Options`. Raises InvalidRequest for what is none, such as a mapping."""
    if given is None:
        return kind()
    if not isinstance(given, kind):
        name = kind.__name__
        raise InvalidRequest(
            f"{name.lower()} must be a tierwise.router.run.{name}; got {type(given).__name__}.",
            about=name.lower(),
        )
    return given
