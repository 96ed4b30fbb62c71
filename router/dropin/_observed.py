"""Responses whose body is read later: what it says of usage is noted as the caller reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx2

from ..wire import Seen

_RETRIES = "x-stainless-retry-count"


def requests_of(request: Any | None) -> int:
    """How often the SDK had asked when it sent this `httpx2.Request`; one that isn't known is the first."""
    if request is None:
        return 1
    sent = request.headers.get(_RETRIES, "0")
    return 1 + (int(sent) if sent.isdigit() else 0)


def seen_of(response: Any, on_id: Callable[[str], None]) -> Seen:
    """For the body of this `httpx2.Response`, which may be read already. on_id : is told the message's id."""
    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
    seen = Seen(is_stream=is_stream, on_id=on_id)
    if response.is_closed:
        seen.feed(response.content)
        seen.end()
    return seen


def watch(response: Any, seen: Seen, note: Callable[[], None]) -> None:
    """Read along with whoever reads this response. note : called once, when it is read or given up."""
    response.__class__ = _Watched  # of this one only; attributes that refer back to it would delay its end
    response._watch = _Watch(seen, note)


def awatch(
    response: Any, seen: Seen, note: Callable[[], Awaitable[None]], note_later: Callable[[], None]
) -> None:
    """The same in asyncio. note : awaited at the end of the body; note_later : where nobody can wait."""
    response.__class__ = _AsyncWatched
    response._watch = _Watch(seen, note_later, note)


class _Watch:
    def __init__(
        self, seen: Seen, note: Callable[[], None], anote: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.seen, self.note, self.anote = seen, note, anote
        self.is_reading, self._has_ended = False, False

    def ends(self) -> bool:
        """True the first time."""
        if self._has_ended:
            return False
        self._has_ended = True
        self.seen.end()
        return True

    def end(self) -> None:
        if self.ends():
            self.note()


class _Watched(httpx2.Response):  # type: ignore[misc]
    _watch: _Watch

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        body = super().iter_bytes(chunk_size)
        try:
            while (data := self._next(body)) is not None:
                self._watch.seen.feed(data)
                yield data
        finally:
            self._watch.end()

    def close(self) -> None:
        super().close()
        if not self._watch.is_reading:  # else the body closes at its end, with its last bytes still to come
            self._watch.end()

    def _next(self, body: Iterator[bytes]) -> bytes | None:
        self._watch.is_reading = True
        try:
            return next(body, None)
        finally:
            self._watch.is_reading = False


class _AsyncWatched(httpx2.Response):  # type: ignore[misc]
    _watch: _Watch

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        body = super().aiter_bytes(chunk_size)
        try:
            while (data := await self._next(body)) is not None:
                self._watch.seen.feed(data)
                yield data
            if self._watch.anote is not None and self._watch.ends():
                await self._watch.anote()
        finally:
            self._watch.end()

    async def aclose(self) -> None:
        await super().aclose()
        if not self._watch.is_reading:
            self._watch.end()

    async def _next(self, body: AsyncIterator[bytes]) -> bytes | None:
        self._watch.is_reading = True
        try:
            return await anext(body, None)
        finally:
            self._watch.is_reading = False
