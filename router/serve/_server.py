"""Runs the service under uvicorn; a stop drains first."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from ...classifier.errors import InvalidSetting
from ._protocol import TimedProtocol
from .app import create_app
from .settings import Settings

_KEEP_ALIVE_S = 30
_NEW_OBJECTS = 10_000  # before garbage is looked for among them; a decision that waits for the log is 50
# A decision takes 0.1 ms, and the event loop asks for its turn before each: so long a thread that writes the
# log or counts for a page may keep it waiting, as often as it asks. 5 ms is Python's own.
_SWITCH_S = 0.0002


def config_of(settings: Settings, **options: Any) -> uvicorn.Config:
    """Raises what `create_app` raises."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=TimedProtocol,
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


def run(settings: Settings, *, started: Callable[[str, int], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, write the log, and return.

    started : called with host and port once requests are taken; a port 0 is then a real one.

    Raises what `create_app` raises, and InvalidSetting where the address can't be used.
    """
    stops = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, _stop) for each in stops}  # raised once more when it has drained
    try:
        _serve(settings, started)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _serve(settings: Settings, started: Callable[[str, int], None] | None) -> None:
    listening = _listening(settings)
    try:
        config = config_of(settings)
        logging.getLogger("uvicorn.error").addFilter(_broken_off)
        app: Any = config.app
        server = _Server(config, started, listening.getsockname()[:2])
        sys.setswitchinterval(_SWITCH_S)
        _keep_for_good()
        try:
            server.run(sockets=[listening])
        finally:
            if server.started and not app.state.service.is_closed:
                os._exit(1)  # a thread waits for a database that hangs; waiting for it would never end
    finally:
        listening.close()


def _broken_off(record: logging.LogRecord) -> bool:
    """What the end of the time to drain breaks off is no defect: a line says it, without a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        record.msg, record.args, record.exc_info = "A request was broken off by the stop.", (), None
    return True


def _keep_for_good() -> None:
    """What is loaded now stays: looking for garbage in it would hold up all requests for a tenth of a second.

    It would be looked for whenever some hundred decisions wait for the log.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[..., None] | None, address: Any) -> None:
        super().__init__(config)
        self._told, self._address = started, address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._told is not None:
            self._told(*self._address)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise InvalidSetting(
            f"Can't listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Choose another --port, or stop what has it.",
            about="port",
        ) from error


def _stop(*_: object) -> None:
    """A stop that was asked for is no failure."""
    raise SystemExit(0)
