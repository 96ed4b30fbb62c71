"""Runs the service under uvicorn: slow clients are let go, and a stop drains first."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .app import create_app
from .settings import Settings

_KEEP_ALIVE_S = 30
_SWITCH_S = 0.001  # a decision takes 0.1 ms: no thread that writes the log should keep it waiting for 5


def protocol_of(header_timeout_s: float) -> type[asyncio.Protocol]:
    """uvicorn's, with a limit to the time in which the head of a request must arrive."""

    class TimedProtocol(HttpToolsProtocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._expect()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if self._late is None:  # a further request on this connection
                self._expect()

        def on_headers_complete(self) -> None:
            self._settle()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._settle()
            super().connection_lost(exc)

        def _expect(self) -> None:
            self._late = self.loop.call_later(header_timeout_s, self._close)

        def _settle(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _close(self) -> None:
            self.transport.close()

    return TimedProtocol


def config_of(settings: Settings, **options: Any) -> uvicorn.Config:
    """Raises what `create_app` raises."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=protocol_of(settings.header_timeout_s),
        ws="none",
        server_header=False,
        access_log=False,
        log_level="warning",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(int(settings.drain_s), 1),
        **options,
    )


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, write the log, and return.

    Raises what `create_app` raises; SystemExit(1) where the address can't be bound.
    """
    server = uvicorn.Server(config_of(settings))
    sys.setswitchinterval(_SWITCH_S)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stop)  # uvicorn raises it once more when it has drained
    server.run()


def _stop(*_: object) -> None:
    """A stop that was asked for and done is no failure: the exit code is 0."""
