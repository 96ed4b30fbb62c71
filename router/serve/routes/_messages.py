"""The Messages API as a drop-in: `model: "auto"` is routed, all else is passed on untouched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ....classifier.errors import InvalidRequest, InvalidTask, NotInLog
from ...run._retired import Retired
from ...wire import Conversations, Routed, Routes, facts_from_headers, is_auto, with_successor
from ...wire._facts import AUTO_MODELS
from .._answers import JsonAnswer
from ._anthropic_errors import error_event, error_response, meaning_of
from ._auto_model import auto_model, listed_first
from ._forward import (
    LEFT,
    TIMEOUT_S,
    ClientLeft,
    Upstream,
    is_stream,
    sent_headers,
    while_waited_for,
    whole,
    with_headers,
)
from ._routed_answer import RoutedAnswer, beside

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.:@/-]+")
_KEYS = ("x-api-key", "authorization")


def messages_router(get_service: Callable[[], Any], *, timeout_s: float = TIMEOUT_S) -> APIRouter:
    """POST /v1/messages, /v1/messages/count_tokens, GET /v1/models, and batches, for the API's own clients.

        ANTHROPIC_BASE_URL=http://localhost:8787        # and model="auto" is all that a client changes

    get_service : gives the live object: its `.router` decides and logs, `.settings.upstream_url` is the API.
    timeout_s : how long the API may be silent.

    Of the request with `model` "auto" (or "tierwise-auto") the task is read as `tierwise.wrap` reads it;
    headers `x-tierwise-…` have the facts. Its answer has the decision in headers of the same kind. The
    caller's key goes on with the request, and is neither kept nor logged.
    """
    upstream = Upstream(timeout_s)
    api = APIRouter(lifespan=upstream.lifespan, include_in_schema=False)  # the format is the API's own
    passage = _Passage(get_service, upstream)
    api.add_api_route("/v1/messages", passage.messages, methods=["POST"], response_model=None)
    api.add_api_route("/v1/messages/count_tokens", passage.counts, methods=["POST"], response_model=None)
    api.add_api_route("/v1/models/{name}", passage.model, methods=["GET"], response_model=None)
    api.add_api_route("/v1/models", passage.models, methods=["GET"], response_model=None)
    for path in ("/v1/messages/batches", "/v1/messages/batches/{rest:path}"):
        api.add_api_route(path, passage.untouched, methods=["GET", "POST", "DELETE"], response_model=None)
    return api


class _Passage:
    """Of one application."""

    def __init__(self, get_service: Callable[[], Any], upstream: Upstream) -> None:
        self._get_service, self._upstream = get_service, upstream
        self._conversations, self._retired = Conversations(), Retired()

    async def messages(self, request: Request) -> Response:
        body = await request.body()
        asked = _auto(body)
        if asked is None:
            return await self._passed(request, body)
        routes = self._routes()
        try:
            facts = facts_from_headers(request.headers.items())
            scope = " ".join(request.headers.get(name, "") for name in _KEYS)
            routed = await beside(routes, lambda: routes.route(asked, facts, scope=scope))
        except (InvalidTask, InvalidRequest, NotInLog) as error:
            return error_response(400, str(error))
        except RecursionError:
            return error_response(400, "The request is nested too deeply.")
        return await RoutedAnswer(request, routes, routed, self._sent).response()

    async def counts(self, request: Request) -> Response:
        body = await request.body()
        asked = _auto(body)
        if asked is not None:
            routes = self._routes()
            try:
                facts = facts_from_headers(request.headers.items())
                counted = await beside(routes, lambda: routes.counted(asked, facts))
            except (InvalidTask, InvalidRequest) as error:
                return error_response(400, str(error))
            except RecursionError:
                return error_response(400, "The request is nested too deeply.")
            return await self._counted(request, counted)
        return await self._passed(request, body)

    async def _counted(self, request: Request, routed: Routed) -> Response:
        """Of the tier's model; where that is retired, of its successor."""
        found = await self._passed(request, json.dumps(routed.request).encode())
        successor = with_successor(routed) if found.status_code == 404 else None
        if successor is None:
            return found
        async for _ in found.body_iterator:  # type: ignore[attr-defined]
            pass  # to its end, so that the connection can be used again
        return await self._passed(request, json.dumps(successor.request).encode())

    async def model(self, request: Request, name: str) -> Response:
        if name not in AUTO_MODELS:
            return await self.untouched(request)
        return JsonAnswer(auto_model(name))

    async def models(self, request: Request) -> Response:
        """The API's, page by page; "auto" stands first on the first page."""
        if {"after_id", "before_id"} & request.query_params.keys():
            return await self.untouched(request)
        try:
            response = await while_waited_for(request, self._sent(request, b"", is_read=True))
            body = await while_waited_for(request, whole(response))
        except httpx2.HTTPError as error:
            return error_response(*meaning_of(error))
        except ClientLeft:
            return Response(status_code=LEFT)
        if response.status_code == 200:
            body = listed_first(body)
        answer = with_headers(Response(body, response.status_code), response)
        answer.headers["content-length"] = str(len(body))
        return answer

    async def untouched(self, request: Request) -> Response:
        if not _PLAIN_PATH.fullmatch(request.url.path) or ".." in request.url.path:
            return error_response(400, "This path is none of the API's.")
        return await self._passed(request, await request.body())

    async def _passed(self, request: Request, body: bytes) -> Response:
        """To the API and back, bytes as they are."""
        try:
            response = await while_waited_for(request, self._sent(request, body, is_read=False))
        except httpx2.HTTPError as error:
            return error_response(*meaning_of(error))
        except ClientLeft:
            return Response(status_code=LEFT)
        streams = is_stream(response)

        async def body_as_it_comes() -> Any:
            try:
                async for data in response.aiter_raw():
                    yield data
            except httpx2.HTTPError as error:
                if not streams:
                    raise  # the client must see that this is not all
                yield error_event(error)
            finally:
                await response.aclose()

        return with_headers(StreamingResponse(body_as_it_comes(), response.status_code), response)

    async def _sent(self, request: Request, body: bytes, *, is_read: bool) -> Any:
        base: str = self._get_service().settings.upstream_url
        query = f"?{request.url.query}" if request.url.query else ""
        url = base.rstrip("/") + request.url.path + query
        headers = sent_headers(request.headers.items(), is_read=is_read)
        return await self._upstream.send(request.method, url, headers, body)

    def _routes(self) -> Routes:
        return Routes(
            self._get_service().router, conversations=self._conversations, retired=self._retired
        )  # a swap changes the router


def _auto(body: bytes) -> Mapping[str, Any] | None:
    """The parsed request, where it is for us. What can't be read is for the API to judge."""
    if not any(f'"{name}"'.encode() in body for name in AUTO_MODELS):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and is_auto(found.get("model")) else None
