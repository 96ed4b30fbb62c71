"""uvicorn's protocol, with limits to the head of a request, and to the time in which all of it arrives."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .settings import Settings

_END = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _END
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large" + _END
_PAID = "/v1/messages"
MAX_HEAD_BYTES, MAX_HEADERS = 2**16, 256  # the parser keeps whatever comes, in trailers too


class _Parser(httptools.HttpRequestParser):  # type: ignore[misc]
    """Takes a request that would rather speak another protocol as it is, since nobody agrees to that here.

    Java's client and `curl --http2` ask so with each first request. httptools would skip the body of such a
    request, or take it for the next one.
    """

    def __init__(self, protocol: TimedProtocol) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        parser = self
        while True:
            try:
                super(_Parser, parser).feed_data(data)
                return
            except httptools.HttpParserUpgrade as asked:
                data = memoryview(data)[asked.args[0] :]
                parser = self._protocol.without_upgrade()


class TimedProtocol(HttpToolsProtocol):
    """A head and a body have each their time; a request that takes less costs two looks at the clock.

    One timer looks whether the time is over. It is never set further ahead than the shorter of the two
    times, so none that begins meanwhile can end before it looks.
    """

    _until: float | None = None  # of the loop's time; None while nothing is to arrive
    _timer: asyncio.TimerHandle | None = None
    _n_aside_bytes = 0  # since a head ended, or a piece of a body came
    _asks_upgrade = False  # the head that has just ended

    def __init__(self, config: Any, *state: Any, **more: Any) -> None:
        super().__init__(config, *state, **more)
        self.parser = _Parser(self)
        settings: Settings = config.app.state.service.settings
        self._head_s, self._body_s = settings.header_timeout_s, settings.body_timeout_s

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect(self._head_s)

    def data_received(self, data: bytes) -> None:
        self._n_aside_bytes += len(data)
        super().data_received(data)
        if self._n_aside_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._let_go(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._until is None:  # a further request on this connection
            self._expect(self._head_s)

    def on_headers_complete(self) -> None:
        n_bytes, self._n_aside_bytes = self._n_aside_bytes, 0
        if n_bytes > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:  # it came in one piece
            self._let_go(_TOO_LARGE)
            raise ValueError(f"a head of more than {MAX_HEAD_BYTES} bytes")  # so that nothing is made of it
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._asks_upgrade = True  # and comes again without it
            return
        if len(self.headers) > MAX_HEADERS:
            raise ValueError(f"more than {MAX_HEADERS} headers")  # which the parser makes a 400
        super().on_headers_complete()
        self.headers = []  # for trailers: they come after the guard has looked, so nobody may see them
        self._expect(self._body_s)

    def on_body(self, body: bytes) -> None:
        self._n_aside_bytes = 0
        super().on_body(body)

    def without_upgrade(self) -> _Parser:
        """Reads the same head once more, without its wish for another protocol; what follows goes there."""
        if not self._asks_upgrade:
            raise httptools.HttpParserError("CONNECT")
        self._asks_upgrade = False
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = parser = _Parser(self)
        parser.feed_data(b"\r\n".join([*lines, b"", b""]))
        return parser

    def on_message_complete(self) -> None:
        if self._asks_upgrade:
            return
        self._n_aside_bytes, self._until = 0, None
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open: who has said all, and says so, still waits for the answer.

        Who leaves altogether looks the same at first. Then an answer of ours is lost, which costs nothing;
        a message that the API writes costs money, so there it is believed.
        """
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return not cycle.scope["path"].startswith(_PAID)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _expect(self, within_s: float) -> None:
        self._until = self.loop.time() + within_s
        if self._timer is None:
            self._look_in(within_s)

    def _look_in(self, seconds: float) -> None:
        self._timer = self.loop.call_later(min(seconds, self._head_s, self._body_s), self._look)

    def _look(self) -> None:
        self._timer = None
        if self._until is None:
            return
        left_s = self._until - self.loop.time()
        if left_s > 0.0:
            self._look_in(left_s)
        else:
            self._let_go()

    def _let_go(self, told: bytes = _TOO_SLOW) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(told)
        self.transport.close()
