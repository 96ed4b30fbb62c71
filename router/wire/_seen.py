"""What an answer used, read from its bytes as they pass: JSON in one piece, or events of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..run import Usage
from ..run._usage import is_at_list_price

_NUMBERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_READ = {b"message_start", b"message_delta", b"message_stop", b"error"}


class Seen:
    """Feed it all bytes of a response's body; it keeps usage, stop reason and id, never the text.

    on_id : called with the message's id as soon as it is known.
    is_whole : the answer has arrived to its end. has_error : an error event came in the stream.
    """

    def __init__(self, *, is_stream: bool, on_id: Callable[[str], None] | None = None) -> None:
        self._is_stream, self._on_id = is_stream, on_id
        self._rest = bytearray()
        self._event = b""
        self._usage: dict[str, Any] = {}
        self.message_id: str | None = None
        self.stop_reason: str | None = None
        self.is_whole = False
        self.has_error = False

    @property
    def has_begun(self) -> bool:
        return bool(self._usage)

    @property
    def usage(self) -> Usage:
        """As announced so far."""
        found = {name: _number(self._usage.get(name)) for name in _NUMBERS}
        kinds, details = self._usage.get("cache_creation"), self._usage.get("output_tokens_details")
        written_1h = _number(kinds.get("ephemeral_1h_input_tokens")) if isinstance(kinds, dict) else 0
        thinking = _number(details.get("thinking_tokens")) if isinstance(details, dict) else 0
        fresh, output, read, written = found.values()
        return Usage(fresh, output, read, max(written - written_1h, 0), written_1h, thinking)

    @property
    def is_at_list_price(self) -> bool:
        return is_at_list_price(self._usage)

    def feed(self, data: bytes) -> None:
        self._rest += data
        if self._is_stream:
            *whole, rest = self._rest.split(b"\n")
            self._rest = bytearray(rest)
            for line in whole:
                self._line(bytes(line))

    def end(self) -> None:
        """The body has ended."""
        if not self._is_stream:
            message = _object(bytes(self._rest))
            if "usage" in message:
                self._take(message)
                self.is_whole = self.stop_reason is not None
        self._rest.clear()

    def _line(self, line: bytes) -> None:
        if line.startswith(b"event:"):
            self._event = line[6:].strip()
        if not line.startswith(b"data:") or self._event not in _READ:
            return
        event = _object(line[5:])
        match event.get("type"):
            case "message_start":
                self._take(event.get("message"))
            case "message_delta":
                delta = event.get("delta")
                self._take({"usage": event.get("usage"), **(delta if isinstance(delta, dict) else {})})
            case "message_stop":
                self.is_whole = True
            case "error":
                self.has_error = True

    def _take(self, message: Any) -> None:
        """Counts of a later event are totals: they replace earlier ones, and what it leaves out stays."""
        if not isinstance(message, dict):
            return
        usage, said_id, reason = message.get("usage"), message.get("id"), message.get("stop_reason")
        if isinstance(usage, dict):
            self._usage.update((key, each) for key, each in usage.items() if each is not None)
        if isinstance(said_id, str):
            self.message_id = said_id
            if self._on_id is not None:
                self._on_id(said_id)
        if isinstance(reason, str):
            self.stop_reason = reason


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:  # no message of the API: there is nothing to count
        return {}
    return found if isinstance(found, dict) else {}
