"""One call of a wrapped client: the SDK may ask several times, and a retired model has a successor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..run import Request
from ..run._faults import failure_of
from ..wire import Routed, with_successor
from ._observed import requests_of

_OF_THE_SHAPE = ("model", "max_tokens", "output_config", "thinking", "system")
_NOW: ContextVar[Asked | None] = ContextVar("tierwise_asked", default=None)


class Asked:
    """What became of its requests so far.

    routed : the last one. n_before : requests to a retired model before it. is_exact : none that failed may
        have used tokens that nobody told us of.
    """

    def __init__(self, routed: Routed) -> None:
        self.routed, self.n_before, self.is_exact = routed, 0, True

    @contextmanager
    def asking(self) -> Iterator[None]:
        """The SDK's own retries are noted meanwhile."""
        token = _NOW.set(self)
        try:
            yield
        finally:
            _NOW.reset(token)

    def n_requests(self, request: Any) -> int:
        """All of them, this `httpx2.Request` the last one."""
        return self.n_before + requests_of(request)

    def of_successor(self, given: dict[str, Any], error: Any) -> dict[str, Any]:
        """Arguments of the SDK's `post` for the successor of a retired model; without one, the error."""
        found = with_successor(self.routed)
        if found is None:
            raise error
        body, before = dict(given["body"]), self.routed.request
        for name in _OF_THE_SHAPE:
            if name not in found.request:
                body.pop(name, None)
            elif name not in before or found.request[name] != before[name]:
                body[name] = found.request[name]
        self.n_before += requests_of(error.request)
        self.routed = found
        return {**given, "body": body}


class NotesRetries:
    """Of a client of the SDK: why it asks again is only known to itself."""

    def _should_retry_exception(self, error: BaseException) -> Any:
        asked = _NOW.get()
        if asked is not None and isinstance(error, Exception):
            failure = failure_of(error, Request(asked.routed.request, False, ()), 600.0)
            asked.is_exact &= not failure.may_be_billed
        return super()._should_retry_exception(error)  # type: ignore[misc]
