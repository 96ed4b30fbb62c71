"""uvicorn's protocol, with limits to the head of a request, and to the time in which all of it arrives."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .settings import Settings

_END = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _END
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large" + _END
MAX_HEAD_BYTES, MAX_HEADERS = 2**16, 256  # the parser keeps whatever comes, in trailers too


class TimedProtocol(HttpToolsProtocol):
    """One timer, set and settled once a request: less than a thousandth of what the request takes."""

    _late: asyncio.TimerHandle | None = None
    _is_in_head, _n_aside_bytes = False, 0  # aside: since a head ended, or a piece of a body came

    def __init__(self, config: Any, *state: Any, **more: Any) -> None:
        super().__init__(config, *state, **more)
        self._settings: Settings = config.app.state.service.settings

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect(self._settings.header_timeout_s)

    def data_received(self, data: bytes) -> None:
        self._n_aside_bytes += len(data)
        super().data_received(data)
        if self._n_aside_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._let_go(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        if self._late is None:  # a further request on this connection
            self._expect(self._settings.header_timeout_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # trailers came after the guard has looked: nobody may take them for headers
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._n_aside_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._is_in_head, self._n_aside_bytes = False, 0
        if len(self.headers) > MAX_HEADERS:
            raise ValueError(f"more than {MAX_HEADERS} headers")  # which the parser makes a 400
        super().on_headers_complete()
        self._settle()
        self._expect(self._settings.body_timeout_s)

    def on_message_complete(self) -> None:
        self._n_aside_bytes = 0
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
