"""The service under a real uvicorn on loopback, in a thread, or as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn

from tierwise.router.serve import Service, Settings
from tierwise.router.serve._server import config_of


class Served(httpx2.Client):
    """A client with the service that it talks to."""

    app: Any
    service: Service
    port: int


@contextmanager
def in_thread(config: uvicorn.Config) -> Iterator[int]:
    """The port on which this application is served; it has ended when this ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served(*, client: dict[str, Any] | None = None, **settings: Any) -> Iterator[Served]:
    config = config_of(Settings(port=0, **settings))
    with (
        in_thread(config) as port,
        Served(base_url=f"http://127.0.0.1:{port}", timeout=30, **(client or {})) as talking,
    ):
        talking.app, talking.port = config.app, port
        talking.service = talking.app.state.service
        yield talking


@contextmanager
def served_process(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`tierwise serve`, and the port that it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tierwise", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        assert "serves on http://" in said, process.stderr.read()
        yield process, int(said.rsplit(":", 1)[1])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def raw(
    port: int, *parts: bytes, pause_s: float = 0.0, timeout_s: float = 20.0, half_closed: bool = False
) -> bytes:
    """What comes back for these bytes, until the other side closes. half_closed : nothing more will come."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break  # it has answered already
            time.sleep(pause_s)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while True:
            try:
                chunk = connection.recv(65_536)
            except ConnectionResetError:
                return found
            if not chunk:
                return found
            found += chunk
