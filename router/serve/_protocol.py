"""uvicorn's protocol, with limits to the times in which the head and the body of a request must arrive."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .settings import Settings

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class TimedProtocol(HttpToolsProtocol):
    """One timer, set and settled once a request: less than a thousandth of what the request takes."""

    _late: asyncio.TimerHandle | None = None

    def __init__(self, config: Any, *state: Any, **more: Any) -> None:
        super().__init__(config, *state, **more)
        self._settings: Settings = config.app.state.service.settings

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect(self._settings.header_timeout_s)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:  # a further request on this connection
            self._expect(self._settings.header_timeout_s)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._settle()
        self._expect(self._settings.body_timeout_s)

    def on_message_complete(self) -> None:
        self._settle()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def _expect(self, within_s: float) -> None:
        self._late = self.loop.call_later(within_s, self._let_go)

    def _settle(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _let_go(self) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(_TOO_SLOW)
        self.transport.close()
