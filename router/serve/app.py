"""The application: routes around a service, behind its guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from ... import __version__
from ._answers import answer_errors
from ._pages_state import PagesState
from .access._guard import Guard
from .openapi._schemas import completed
from .pages import pages_router
from .routes._about import about_routes
from .routes._direct import Direct, Handler
from .routes._messages import messages_router
from .routes._outcomes import outcome_routes
from .routes._predict import predict_routes
from .service import Service
from .settings import Settings

_DESCRIPTION = (
    "Sends each task to the cheapest model tier that will do it well enough, says why, and learns from what "
    "happened afterwards. Errors have one form; each says what was found, what is allowed and what to do."
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; `app.state.service` is its live object.

        uvicorn.run(create_app(Settings(log="outcomes.db")), port=8787)      # or: tierwise serve

    The model is loaded and the log opened here. `Settings.host` is what the application believes to be
    bound to: beyond loopback it demands tokens.

    Raises ArtifactError, StoreError, LogError or InvalidSetting where it can't begin.
    """
    service = Service(settings or Settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(int)  # what the first page would wait for: the threads, and their imports
        watching = asyncio.create_task(service.watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            service.is_closed = await asyncio.to_thread(service.close)

    app = _Guarded(
        title="tierwise",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    predict, busy = predict_routes(service)
    state = PagesState(service)
    routers = [predict, outcome_routes(service), about_routes(service)]
    routers += [messages_router(lambda: service), pages_router(lambda: state)]
    for router in routers:
        app.include_router(router)
    answer_errors(app, [route for router in routers for route in router.routes])
    app.guard(service, busy)
    return app


class _Guarded(FastAPI):
    """An application behind its guard: what is denied never reaches it."""

    _guard: ASGIApp | None = None

    def guard(self, service: Service, busy: Mapping[str, Handler]) -> None:
        self._guard = Guard(Direct(super().__call__, busy), service)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            needs_token = self.state.service.tokens is not None
            self.openapi_schema = completed(super().openapi(), needs_token=needs_token)
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._guard is not None
        await self._guard(scope, receive, send)
