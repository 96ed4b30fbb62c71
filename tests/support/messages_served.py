"""A service of our own around the drop-in endpoints, on loopback, in front of the loopback server of the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import uvicorn
from fastapi import FastAPI
from served import in_thread

from tierwise import Router
from tierwise.router.serve.routes._messages import messages_router


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    """The app's address; it has ended when this ends."""
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, lifespan="on")
    with in_thread(config) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def service(upstream_url: str, *, timeout_s: float = 20.0, **router: Any) -> Iterator[tuple[str, Router]]:
    """Address and router of a service in front of this API."""
    with Router(**router) as made:
        live = SimpleNamespace(router=made, settings=SimpleNamespace(upstream_url=upstream_url))
        app = FastAPI()
        app.include_router(messages_router(lambda: live, timeout_s=timeout_s))
        with served(app) as url:
            yield url, made


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for what another thread does in its own time."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.01)
