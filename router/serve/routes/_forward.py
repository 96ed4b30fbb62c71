"""Requests go on to the API, and answers back, as they are but for what belongs to one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
from fastapi import Request, Response

from ...wire import is_fact_header

TIMEOUT_S, CONNECT_S = 600.0, 10.0  # as the SDK waits for the next piece of an answer
LEFT = 499  # the status for a client that left: nobody reads it, but the log of requests says so
T = TypeVar("T")
_HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
    *("trailer", "transfer-encoding", "upgrade"),
}
_NOT_SENT = _HOP_BY_HOP | {"host", "content-length", "cookie", "expect"}  # cookies are those of our pages
_NOT_RETURNED = _HOP_BY_HOP | {"set-cookie", "date", "server"}


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Upstream:
    """Connections to the API, kept between requests; opened with the application and closed with it."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        self._client: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1_000)) as self._client:
            yield
        self._client = None

    async def send(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Any:
        """The `httpx2.Response`, its body still to be read. Raises httpx2.HTTPError."""
        if self._client is None:
            raise RuntimeError("The application has not begun: its lifespan opens the connections.")
        request = httpx2.Request(method, url, headers=headers, content=body or None)
        request.extensions["timeout"] = self._timeout.as_dict()
        return await self._client.send(request, stream=True)


def sent_headers(headers: Iterable[tuple[str, str]], *, is_read: bool) -> list[tuple[str, str]]:
    """What goes on, the caller's key included. `is_read`: the answer is read on its way, so not packed."""
    given = list(headers)
    named = {
        part.strip().lower()
        for name, value in given
        if name.lower() == "connection"
        for part in value.split(",")
    }
    left = _NOT_SENT | named | ({"accept-encoding"} if is_read else set())
    kept = [(name, value) for name, value in given if name.lower() not in left and not is_fact_header(name)]
    return [*kept, ("accept-encoding", "identity")] if is_read else kept


def returned_headers(response: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.headers.multi_items() if name not in _NOT_RETURNED]


def with_headers(answer: Response, response: Any) -> Response:
    """The API's own in place of those that the framework has set."""
    answer.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in returned_headers(response)
    ]
    return answer


def is_stream(response: Any) -> bool:
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


async def whole(response: Any) -> bytes:
    """The body, of one whose headers alone have been read."""
    try:
        return b"".join([data async for data in response.aiter_raw()])
    finally:
        await response.aclose()


async def while_waited_for(request: Request, work: Awaitable[T]) -> T:
    """The work's result. Where the client leaves before, the work is cancelled and ClientLeft raised."""
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_until_left(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientLeft
    finally:
        for each in (task, left):
            each.cancel()
        await asyncio.gather(task, left, return_exceptions=True)


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
