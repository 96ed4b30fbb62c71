"""One call of a wrapped client: the SDK may ask several times, and a retired model has a successor."""

from __future__ import annotations

from typing import Any

import anthropic

from ..run import Request
from ..run._faults import failure_of
from ..wire import Routed, with_successor
from ._observed import requests_of

_OF_THE_SHAPE = ("model", "max_tokens", "output_config", "thinking", "system")


class Asked:
    """What became of its requests so far.

    routed : the last one. n_before : requests to a retired model before it. is_exact : none that failed may
        have used tokens that nobody told us of.
    """

    def __init__(self, routed: Routed) -> None:
        self.routed, self.n_before, self.is_exact = routed, 0, True

    def failed(self, error: Exception) -> None:
        """One of its requests has; the SDK may ask again."""
        failure = failure_of(error, Request(self.routed.request, False, ()), 600.0)
        self.is_exact &= not failure.may_be_billed

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


class NotesFailures(anthropic.Middleware):  # type: ignore[misc]
    """Of the client of one call, which asks again by itself: sees each request that brings no answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def handle(self, request: Any, call_next: Any) -> Any:
        try:
            return call_next(request)
        except Exception as error:  # noted, and raised
            self._asked.failed(error)
            raise

    async def handle_async(self, request: Any, call_next: Any) -> Any:
        try:
            return await call_next(request)
        except Exception as error:  # as above
            self._asked.failed(error)
            raise
