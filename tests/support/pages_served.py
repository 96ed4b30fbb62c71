"""The pages in a minimal application, under a real uvicorn on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from served import in_thread

from tierwise import Router
from tierwise.router.serve.pages import pages_router

COUNTING = "page reloads by itself"
OLDER = "a newer count is on its way"  # what another process had counted is shown meanwhile


@contextmanager
def pages(log: Any, *, model: Any = None, policy: Any = None, store: Any = None) -> Iterator[httpx2.Client]:
    """A client of the pages with this state; `client.state` may be changed."""
    router = None if log is None else Router(model, policy, log)
    state = SimpleNamespace(
        log=log, model=lambda: model, policy=policy, store=store, pointer=None, trouble=None
    )
    state.challenger = lambda: None
    state.record_verdict = lambda decision_id, verdict, note: router.record_outcome(
        decision_id, verdict, note=note
    )
    app = FastAPI()
    app.include_router(pages_router(lambda: state))
    with (
        in_thread(uvicorn.Config(app, log_config=None, ws="none")) as port,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        client.state = state  # type: ignore[attr-defined]
        yield client


def counted(client: httpx2.Client, path: str) -> str:
    """The page, once everything on it is counted."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        if COUNTING not in answer.text and OLDER not in answer.text:
            return answer.text
        time.sleep(0.05)
    raise AssertionError(f"{path} was never counted")
