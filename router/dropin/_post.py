"""The SDK's own request, with the answer noted: usage, cost and latency go into the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic

from ..run import Attempt
from ..wire import Routed, Seen
from ._calls import Calls, attach
from ._observed import awatch, requests_of, seen_of, watch

_RAW = "X-Stainless-Raw-Response"  # what `with_raw_response` sets


def posting(calls: Calls, routed: Routed, post: Callable[..., Any]) -> Callable[..., Any]:
    """In place of a resource's own `post`, for one call."""

    def send(path: str, **given: Any) -> Any:
        given, is_plain = _asked_raw(given)
        try:
            try:
                found = post(path, **given)
            except anthropic.NotFoundError as error:
                found = post(path, **_with_successor(routed, given, error))
            message = found.parse() if is_plain else None
        except Exception as error:  # noted, and raised
            calls.record(routed, calls.failed(routed, error))
            raise
        if is_plain:
            calls.record(routed, calls.answered(routed, message, requests_of(found.http_response.request)))
            return message
        response, seen = _opened(calls, routed, found)
        request = response.request
        if response.is_closed:
            calls.record(routed, _told(calls, routed, seen, request))
        else:
            watch(response, seen, lambda: calls.record(routed, _told(calls, routed, seen, request)))
        return found

    return send


def aposting(calls: Calls, routed: Routed, post: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """`posting` in asyncio; the log is written beside the loop."""

    async def send(path: str, **given: Any) -> Any:
        given, is_plain = _asked_raw(given)
        try:
            try:
                found = await post(path, **given)
            except anthropic.NotFoundError as error:
                found = await post(path, **_with_successor(routed, given, error))
            message = await found.parse() if is_plain else None
        except Exception as error:  # noted, and raised
            await calls.arecord(routed, calls.failed(routed, error))
            raise
        except asyncio.CancelledError:
            calls.record_later(routed, calls.seen(routed, Seen(is_stream=False), 1))
            raise
        if is_plain:
            told = calls.answered(routed, message, requests_of(found.http_response.request))
            await calls.arecord(routed, told)
            return message
        response, seen = _opened(calls, routed, found)
        request = response.request
        if response.is_closed:
            await calls.arecord(routed, _told(calls, routed, seen, request))
        else:
            awatch(
                response,
                seen,
                lambda: calls.arecord(routed, _told(calls, routed, seen, request)),
                lambda: calls.record_later(routed, _told(calls, routed, seen, request)),
            )
        return found

    return send


def _asked_raw(given: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A call for a message, as `with_raw_response` makes it: only so does one learn of the SDK's retries."""
    options = dict(given.get("options") or {})
    headers = options.get("headers") or {}
    if given.get("stream") or any(str(name).lower() == _RAW.lower() for name in headers):
        return given, False
    options["headers"] = {**headers, _RAW: "raw"}
    return {**given, "options": options}, True


def _with_successor(routed: Routed, given: dict[str, Any], error: Exception) -> dict[str, Any]:
    """The same for the model that the ladder names as successor of a retired one; without one, the error."""
    successor = routed.rung.replaced_by
    if successor is None or given["body"]["model"] == successor:
        raise error
    routed.request["model"] = successor
    return {**given, "body": {**given["body"], "model": successor}}


def _opened(calls: Calls, routed: Routed, found: Any) -> tuple[Any, Seen]:
    """A stream or a raw response: it carries the decision, and says what it used once it is read."""
    attach(found, routed.decision)
    response = found.http_response if hasattr(found, "http_response") else found.response
    seen = seen_of(response, lambda message_id: calls.remember(message_id, routed.decision))
    return response, seen


def _told(calls: Calls, routed: Routed, seen: Seen, request: Any) -> Attempt:
    return calls.seen(routed, seen, requests_of(request))
