"""uvicorn's protocol, with limits to the head of a request, and to the time in which all of it arrives."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .settings import Settings

_END = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _END
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large" + _END
MAX_HEAD_BYTES, MAX_HEADERS = 2**16, 256  # the parser keeps whatever comes, from whoever sends it


class TimedProtocol(HttpToolsProtocol):
    """One timer, set and settled once a request: less than a thousandth of what the request takes."""

    _late: asyncio.TimerHandle | None = None
    _is_in_head, _n_head_bytes = False, 0

    def __init__(self, config: Any, *state: Any, **more: Any) -> None:
        super().__init__(config, *state, **more)
        self._settings: Settings = config.app.state.service.settings

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect(self._settings.header_timeout_s)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._n_head_bytes += len(data)
            if self._n_head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._let_go(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._n_head_bytes = True, 0
        if self._late is None:  # a further request on this connection
            self._expect(self._settings.header_timeout_s)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.headers) > MAX_HEADERS:
            raise ValueError(f"more than {MAX_HEADERS} headers")  # which the parser makes a 400
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

    def _let_go(self, told: bytes = _TOO_SLOW) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(told)
        self.transport.close()
