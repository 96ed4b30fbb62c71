"""What the server says: answers, faults, and the script that chooses among them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, Union

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Answer:
    """A message of the model.

    text : its text; cut where it has more tokens than the request's max_tokens (stop reason max_tokens).
    stop_reason : default: "end_turn", or what a limit makes of it.
    input_tokens, output_tokens : default: counted, four characters a token.
    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens : come on top of input_tokens.
    thinking_tokens : part of output_tokens.
    content : blocks in place of `text`, as the API writes them.
    delay_s : seconds before the first byte. Where the client left meanwhile, nothing is billed.
    """

    text: str = "Done."
    stop_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    thinking_tokens: int = 0
    content: Sequence[Mapping[str, Any]] | None = None
    delay_s: float = 0.0

    @classmethod
    def refusal(cls, text: str = "") -> Answer:
        """HTTP 200 with stop_reason "refusal" and, as a rule, no content."""
        return cls(text, stop_reason="refusal")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request; made by one of the class methods."""

    kind: Literal["error", "reset", "hang", "cut", "expired", "body"]
    status: int = 500
    message: str = "Injected."
    retry_after_s: float | None = None
    delay_s: float = 0.0
    content_type: str = "application/json"

    @classmethod
    def error(cls, status: int, message: str = "Injected.", *, retry_after_s: float | None = None) -> Fault:
        """An error response of this HTTP status; an errored item in a batch."""
        return cls("error", status, message, retry_after_s)

    @classmethod
    def reset(cls) -> Fault:
        """The connection is reset before any byte of an answer."""
        return cls("reset")

    @classmethod
    def hang(cls, seconds: float = 3600.0) -> Fault:
        """Silence for so long, then a 504. The client's timeout decides."""
        return cls("hang", 504, delay_s=seconds)

    @classmethod
    def cut(cls) -> Fault:
        """The answer breaks off: a stream after its first piece, another body in its middle."""
        return cls("cut")

    @classmethod
    def body(cls, text: str, *, content_type: str = "application/json", status: int = 200) -> Fault:
        """A response with this body, whatever it is: half a message, HTML, events without a message.

        Nothing is billed. In a batch it is JSON, and stands as the message of an item that succeeded.
        """
        return cls("body", status, text, content_type=content_type)

    @classmethod
    def expired(cls) -> Fault:
        """In a batch: the item wasn't reached within 24 hours."""
        return cls("expired")


Scripted: TypeAlias = str | Answer | Fault
Script: TypeAlias = Union[  # noqa: UP007  (a recursive alias can't be written with |)
    Scripted, Sequence[Scripted], Callable[[dict[str, Any]], Scripted], Mapping[str, "Script"]
]


class Playbook:
    """Gives each request its answer, in the order of arrival; safe from any thread."""

    def __init__(self, script: Script | None, lines: Mapping[str, str]) -> None:
        self._script = Answer() if script is None else script
        self._lines = lines  # model id -> tier, so that scripts can name tiers
        self._once: deque[Scripted] = deque()
        self._places: dict[int, int] = {}
        self._lock = threading.Lock()

    def then(self, *answers: Scripted) -> None:
        """Play these first, one a request."""
        with self._lock:
            self._once.extend(answers)

    def play(self, request: dict[str, Any]) -> Answer | Fault:
        """The answer to this request. A list is played in order, its last answer for ever."""
        with self._lock:
            if self._once:
                return _as_answer(self._once.popleft())
            found = self._script
            while isinstance(found, Mapping):
                found = self._of_model(found, request["model"])
            if isinstance(found, Sequence) and not isinstance(found, str):
                place = self._places.get(id(found), 0)
                self._places[id(found)] = place + 1
                found = found[min(place, len(found) - 1)]
        return _as_answer(found(request) if callable(found) else found)

    def _of_model(self, script: Mapping[str, Script], model: str) -> Script:
        for name in (model, self._lines.get(model, model)):
            if name in script:
                return script[name]
        return script.get("*", Answer())


def _as_answer(found: Scripted) -> Answer | Fault:
    return Answer(found) if isinstance(found, str) else found
