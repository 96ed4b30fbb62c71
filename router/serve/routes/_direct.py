"""The busiest route is answered without the stations that a request passes in FastAPI.

Resolving dependencies, two exit stacks and the matching of routes take about as long as a decision. The route
is registered as others are, and documented; here it is only found sooner.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Send

from ....classifier.errors import TierwiseError
from .._answers import as_refused, refusal

Handler = Callable[[Request], Awaitable[Response]]


class Named:
    """What metrics call the route."""

    def __init__(self, path: str) -> None:
        self.path = path


class Direct:
    """`handlers` by path, for POST; everything else goes on to the application."""

    def __init__(self, app: ASGIApp, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = {path: (handler, Named(path)) for path, handler in handlers.items()}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        found = self._handlers.get(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        handler, scope["route"] = found
        try:
            response = await handler(Request(scope, receive))
        except HTTPException as error:
            response = refusal(error)
        except TierwiseError as error:
            response = refusal(as_refused(error))
        await response(scope, receive, send)
