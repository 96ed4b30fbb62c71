"""The SDK's own request, with the answer noted: usage, cost and latency go into the log.

In place of a resource's `_post`, which is none of the SDK's public names: its middleware runs inside the
retries, where nobody knows yet whether a request was the call's last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic

from ..run._leave import LEAVING
from ..wire import Seen
from ._asked import Asked
from ._calls import Calls, attach
from ._observed import awatch, seen_of, watch

_RAW = "X-Stainless-Raw-Response"  # what `with_raw_response` sets


def posting(calls: Calls, asked: Asked, post: Callable[..., Any]) -> Callable[..., Any]:
    """In place of a resource's own `post`, for one call."""

    def send(path: str, **given: Any) -> Any:
        given, is_plain = _asked_raw(given)
        try:
            try:
                found = post(path, **given)
            except anthropic.NotFoundError as error:
                found = post(path, **asked.of_successor(given, error))
            message = found.parse() if is_plain else None
        except Exception as error:  # noted, and raised
            calls.record(asked, calls.failed(asked, error))
            raise
        except LEAVING:
            calls.record_later(asked, calls.left(asked))
            raise
        if is_plain:
            calls.record(asked, calls.answered(asked, message, found.http_response.request))
            return message
        response, seen = _opened(calls, asked, found)
        request = response.request
        if response.is_closed:
            calls.record(asked, calls.seen(asked, seen, request))
        else:
            watch(response, seen, lambda: calls.record(asked, calls.seen(asked, seen, request)))
        return found

    return send


def aposting(calls: Calls, asked: Asked, post: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """`posting` in asyncio."""

    async def send(path: str, **given: Any) -> Any:
        given, is_plain = _asked_raw(given)
        try:
            try:
                found = await post(path, **given)
            except anthropic.NotFoundError as error:
                found = await post(path, **asked.of_successor(given, error))
            message = await found.parse() if is_plain else None
        except Exception as error:  # noted, and raised
            await calls.arecord(asked, calls.failed(asked, error))
            raise
        except asyncio.CancelledError:
            calls.record_later(asked, calls.left(asked))
            raise
        if is_plain:
            told = calls.answered(asked, message, found.http_response.request)
            await calls.arecord(asked, told)
            return message
        response, seen = _opened(calls, asked, found)
        request = response.request
        if response.is_closed:
            await calls.arecord(asked, calls.seen(asked, seen, request))
        else:
            awatch(
                response,
                seen,
                lambda: calls.arecord(asked, calls.seen(asked, seen, request)),
                lambda: calls.record_later(asked, calls.seen(asked, seen, request)),
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


def _opened(calls: Calls, asked: Asked, found: Any) -> tuple[Any, Seen]:
    """A stream or a raw response: it carries the decision, and says what it used once it is read."""
    decision = asked.routed.decision
    attach(found, decision)
    response = found.http_response if hasattr(found, "http_response") else found.response
    seen = seen_of(response, lambda message_id: calls.remember(message_id, decision))
    return response, seen
