"""The Messages API as a drop-in: `model: "auto"` is routed, all else is passed on untouched."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ....classifier.errors import CallError, InvalidRequest, InvalidTask, NotInLog
from ...run import Usage
from ...run._faults import error_of_status
from ...wire import Conversations, Routed, Routes, Seen, facts_from_headers, is_auto, with_successor
from ...wire._facts import AUTO_MODELS
from ._anthropic_errors import error_event, error_response, failed, meaning_of
from ._forward import TIMEOUT_S, ClientLeft, Upstream, returned_headers, sent_headers, while_waited_for

_LEFT = 499  # nobody reads it; the log of requests says so
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
    for path in ("/v1/models", "/v1/messages/batches", "/v1/messages/batches/{rest:path}"):
        api.add_api_route(path, passage.untouched, methods=["GET", "POST", "DELETE"], response_model=None)
    return api


class _Passage:
    """Of one application."""

    def __init__(self, get_service: Callable[[], Any], upstream: Upstream) -> None:
        self._get_service, self._upstream = get_service, upstream
        self._conversations = Conversations()

    async def messages(self, request: Request) -> Response:
        body = await request.body()
        asked = _auto(body)
        if asked is None:
            return await self._passed(request, body)
        routes = self._routes()
        try:
            facts = facts_from_headers(request.headers.items())
            scope = " ".join(request.headers.get(name, "") for name in _KEYS)
            routed = await _beside(routes, lambda: routes.route(asked, facts, scope=scope))
        except (InvalidTask, InvalidRequest, NotInLog) as error:
            return error_response(400, str(error))
        except RecursionError:
            return error_response(400, "The request is nested too deeply.")
        return await _Answer(request, routes, routed, self._sent).response()

    async def counts(self, request: Request) -> Response:
        body = await request.body()
        asked = _auto(body)
        if asked is not None:
            routes = self._routes()
            try:
                facts = facts_from_headers(request.headers.items())
                counted = await _beside(routes, lambda: routes.counted(asked, facts))
            except (InvalidTask, InvalidRequest) as error:
                return error_response(400, str(error))
            except RecursionError:
                return error_response(400, "The request is nested too deeply.")
            body = json.dumps(counted).encode()
        return await self._passed(request, body)

    async def model(self, request: Request, name: str) -> Response:
        if name not in AUTO_MODELS:
            return await self.untouched(request)
        found = {
            "id": name,
            "type": "model",
            "display_name": "tierwise: the tier that each task needs",
            "created_at": "2026-01-01T00:00:00Z",
        }
        return Response(json.dumps(found), media_type="application/json")

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
            return Response(status_code=_LEFT)
        is_stream = _is_stream(response)

        async def body_as_it_comes() -> Any:
            try:
                async for data in response.aiter_raw():
                    yield data
            except httpx2.HTTPError as error:
                if not is_stream:
                    raise  # the client must see that this is not all
                yield error_event(error)
            finally:
                await response.aclose()

        return _with_headers(StreamingResponse(body_as_it_comes(), response.status_code), response)

    async def _sent(self, request: Request, body: bytes, *, is_read: bool) -> Any:
        base: str = self._get_service().settings.upstream_url
        query = f"?{request.url.query}" if request.url.query else ""
        url = base.rstrip("/") + request.url.path + query
        headers = sent_headers(request.headers.items(), is_read=is_read)
        return await self._upstream.send(request.method, url, headers, body)

    def _routes(self) -> Routes:
        return Routes(
            self._get_service().router, conversations=self._conversations
        )  # a swap changes the router


class _Answer:
    """The answer to one routed request, noted as it passes."""

    def __init__(self, request: Request, routes: Routes, routed: Routed, send: Callable[..., Any]) -> None:
        self._request, self._routes, self._routed, self._send = request, routes, routed, send
        self._n_requests = 1
        self._seen = Seen(is_stream=bool(routed.request.get("stream")))

    async def response(self) -> Response:
        try:
            response = await while_waited_for(self._request, self._asked())
            if _is_stream(response):
                return self._told(StreamingResponse(self._events(response), response.status_code), response)
            body = await while_waited_for(self._request, _whole(response))
        except httpx2.HTTPError as error:
            status, words = meaning_of(error)
            await self._note(error=failed(error, words))
            return error_response(status, words, decision_headers(self._routed))
        except ClientLeft:
            await self._note()
            return Response(status_code=_LEFT)
        if response.status_code == 200:
            self._seen.feed(body)
            self._seen.end()
            await self._note()
        else:
            await self._note(error=error_of_status(response.status_code, self._routed.request["model"]))
        return self._told(Response(body, response.status_code), response)

    async def _asked(self) -> Any:
        """Of the tier's model; where that is retired, of the successor that the ladder names."""
        response = await self._send(self._request, _as_json(self._routed.request), is_read=True)
        successor = with_successor(self._routed) if response.status_code == 404 else None
        if successor is not None:
            await response.aclose()
            self._routed, self._n_requests = successor, 2
            response = await self._send(self._request, _as_json(self._routed.request), is_read=True)
        return response

    async def _events(self, response: Any) -> Any:
        try:
            async for data in response.aiter_raw():
                self._seen.feed(data)
                yield data
            self._seen.end()
            await self._note()
        except httpx2.HTTPError as error:
            await self._note()
            yield error_event(error)
        except (asyncio.CancelledError, GeneratorExit):  # the client left: nothing may be awaited
            self._note_later()
            raise
        finally:
            await response.aclose()

    def _told(self, answer: Response, response: Any) -> Response:
        _with_headers(answer, response)
        for name, value in decision_headers(self._routed).items():
            answer.headers[name] = value
        return answer

    async def _note(self, error: CallError | None = None) -> None:
        attempt = self._attempt(error)
        await _beside(self._routes, lambda: self._routes.record(self._routed, attempt))

    def _note_later(self) -> None:
        self._routes.record_later(self._routed, self._attempt(None))

    def _attempt(self, error: CallError | None) -> Any:
        seen, is_whole = self._seen, self._seen.is_whole and not self._seen.has_error
        if error is not None:
            is_whole = error.status not in (502, 504)  # there the API may have worked for nothing
            usage, stop_reason = Usage(), None
        else:
            usage, stop_reason = seen.usage, seen.stop_reason
        return self._routes.attempt(
            self._routed, usage, stop_reason, n_requests=self._n_requests, is_whole=is_whole, error=error
        )


def decision_headers(routed: Routed) -> dict[str, str]:
    """What was decided and why, as headers can hold it."""
    decision = routed.decision
    said = {
        "tier": str(decision.tier),
        "model": routed.request["model"],
        "decision-id": decision.decision_id,
        "reason": decision.reason,
        "reasons": ",".join(decision.reasons),
        "confidence": f"{decision.confidence:.4f}",
        "left-out": ",".join(routed.left_out),
    }
    return {f"x-tierwise-{name}": quote(value, safe=" ,:._-/") for name, value in said.items() if value}


def _auto(body: bytes) -> Mapping[str, Any] | None:
    """The parsed request, where it is for us. What can't be read is for the API to judge."""
    if not any(f'"{name}"'.encode() in body for name in AUTO_MODELS):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and is_auto(found.get("model")) else None


def _as_json(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


async def _whole(response: Any) -> bytes:
    try:
        return b"".join([data async for data in response.aiter_raw()])
    finally:
        await response.aclose()


def _is_stream(response: Any) -> bool:
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


def _with_headers(answer: Response, response: Any) -> Response:
    """The API's own in place of those that the framework has set."""
    answer.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in returned_headers(response)
    ]
    return answer


async def _beside(routes: Routes, call: Callable[[], Any]) -> Any:
    """What may wait for a log waits beside the event loop."""
    return call() if routes.router.log is None else await asyncio.to_thread(call)
