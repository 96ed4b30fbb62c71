"""The answer to one request that was routed, noted as it passes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from ....classifier.errors import CallError
from ...run import Usage
from ...run._faults import error_of_status
from ...wire import Routed, Routes, Seen, with_successor
from ._anthropic_errors import error_event, error_response, failed, meaning_of
from ._forward import LEFT, ClientLeft, is_stream, while_waited_for, whole, with_headers


class RoutedAnswer:
    """Of one request and its decision; the attempt is in the log when its answer has passed."""

    def __init__(self, request: Request, routes: Routes, routed: Routed, send: Callable[..., Any]) -> None:
        self._request, self._routes, self._routed, self._send = request, routes, routed, send
        self._n_requests = 1
        self._seen = Seen(is_stream=bool(routed.request.get("stream")))

    async def response(self) -> Response:
        try:
            response = await while_waited_for(self._request, self._asked())
            if is_stream(response):
                return self._told(StreamingResponse(self._events(response), response.status_code), response)
            body = await while_waited_for(self._request, whole(response))
        except httpx2.HTTPError as error:
            status, words = meaning_of(error)
            await self._note(error=failed(error, words))
            return error_response(status, words, decision_headers(self._routed))
        except ClientLeft:
            await self._note()
            return Response(status_code=LEFT)
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
        with_headers(answer, response)
        for name, value in decision_headers(self._routed).items():
            answer.headers[name] = value
        return answer

    async def _note(self, error: CallError | None = None) -> None:
        attempt = self._attempt(error)
        await beside(self._routes, lambda: self._routes.record(self._routed, attempt))

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
            self._routed,
            usage,
            stop_reason,
            n_requests=self._n_requests,
            is_whole=is_whole,
            is_exact=seen.is_at_list_price,
            error=error,
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


def _as_json(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


async def beside(routes: Routes, call: Callable[[], Any]) -> Any:
    """What may wait for a log waits beside the event loop."""
    return call() if routes.router.log is None else await asyncio.to_thread(call)
