"""A stream as it is read: what has arrived of it, and what the SDK can't read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Seen:
    """What has arrived of the stream that is being read."""

    message: Any | None = None

    def take(self, event: Any, stream: Any) -> None:
        """Before its message begins, a stream may have events of other kinds."""
        if self.message is not None or event.type == "message_start":
            self.message = stream.current_message_snapshot


class UnreadableEvents(ValueError):
    """Events that are none of the Messages API."""


@contextmanager
def readable() -> Iterator[None]:
    """What the SDK stumbles over as it reads events is wrong in them, and not in what was asked."""
    try:
        yield
    except (AttributeError, LookupError, TypeError) as error:
        raise UnreadableEvents from error
