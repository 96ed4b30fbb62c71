"""What each endpoint answers. Runs in the server's one thread; its record may be read from any."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..router.ladder import Rung
from . import _batches as batches
from ._answers import Answer, Fault, Playbook
from ._calls import Call, billed_usd, tokens_in
from ._http import Received, Reply
from ._models import model_info, page
from ._validate import refusal
from ._wire import announced, error_body, events, message_of, new_id

_PIECES_OF_A_CUT_STREAM = 4  # message_start, ping, content_block_start and one delta
_POLL_S = 0.05
_NOTHING: dict[str, Any] = {}


class Service:
    """Routes requests to endpoints, plays the script, keeps the record."""

    def __init__(
        self, rungs: Mapping[str, Rung], retired: set[str], playbook: Playbook, key: str, polls: int
    ) -> None:
        self.rungs, self.retired, self.playbook, self.key = rungs, retired, playbook, key
        self.batches = batches.Batches(self._batch_item, polls)
        self.calls: list[Call] = []
        self.url = ""

    async def respond(self, received: Received) -> Reply:
        """The reply to any request."""
        address = urlsplit(received.target)
        path = tuple(part for part in address.path.split("/") if part)
        sent = received.headers.get("x-api-key"), received.headers.get("authorization")
        if sent[0] != self.key and sent[1] != f"Bearer {self.key}":
            return self._failed(path, 401, "invalid x-api-key")
        if "anthropic-version" not in received.headers:
            return self._failed(path, 400, "anthropic-version: header is required")
        try:
            body = json.loads(received.body) if received.body else None
        except (ValueError, RecursionError):
            return self._failed(path, 400, "The request body is not valid JSON")
        query = parse_qs(address.query)
        match received.method, *path:
            case "POST", "v1", "messages":
                return await self._messages(body, received)
            case "POST", "v1", "messages", "count_tokens":
                return self._count(body)
            case "GET", "v1", "models", *rest:
                return self._models(rest, query)
            case method, "v1", "messages", "batches", *rest:
                return self._batches(method, rest, body, received, query)
            case _:
                return self._failed(path, 404, "Not found")

    def _record(self, endpoint: str, status: int | None, **facts: Any) -> None:
        model = facts.pop("model", facts.get("request", _NOTHING).get("model"))
        self.calls.append(Call(len(self.calls) + 1, endpoint, model, status, **facts))

    def _failed(self, path: tuple[str, ...], status: int, message: str) -> Reply:
        names = [name for name in ("batches", "count_tokens", "models", "messages") if name in path]
        self._record(names[0] if names else "/".join(path), status)
        return _reply(error_body(status, message), status)

    def _served(self) -> dict[str, Rung]:
        return {model: rung for model, rung in self.rungs.items() if model not in self.retired}

    async def _messages(self, request: Any, received: Received) -> Reply:
        wrong = refusal(request, self._served())
        if wrong is not None:
            self._record("messages", wrong[0], request=request if isinstance(request, dict) else _NOTHING)
            return _reply(error_body(*wrong), wrong[0])
        answer = self.playbook.play(request)
        if not await _waited(answer.delay_s, received):
            fault = answer.kind if isinstance(answer, Fault) else None
            self._record("messages", None, fault=fault, request=request, is_delivered=False)
            return Reply(ending="reset")
        if isinstance(answer, Fault):
            return self._fault(answer, request)
        message = message_of(request, answer, self.rungs[request["model"]])
        self._bill(message, request)
        return _streamed(message) if request.get("stream") else _reply(message)

    def _fault(self, fault: Fault, request: dict[str, Any]) -> Reply:
        if fault.kind == "reset":
            self._record("messages", None, fault="reset", request=request, is_delivered=False)
            return Reply(ending="reset")
        if fault.kind == "body":
            self._record("messages", fault.status, fault="body", request=request, is_delivered=False)
            return Reply(fault.status, fault.message.encode(), content_type=fault.content_type)
        if fault.kind != "cut":
            self._record("messages", fault.status, fault=fault.kind, request=request)
            headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
            return _reply(error_body(fault.status, fault.message), fault.status, headers)
        message = message_of(request, Answer("This answer breaks off. " * 20), self.rungs[request["model"]])
        streamed = bool(request.get("stream"))
        if streamed:
            message = {**message, "usage": announced(message)}
        self._bill(message, request, fault="cut", is_delivered=False)
        if not streamed:
            return Reply(
                200, json.dumps(message).encode(), headers={"request-id": new_id("req")}, ending="cut"
            )
        return Reply(200, pieces=list(events(message))[:_PIECES_OF_A_CUT_STREAM], **_SSE, ending="cut")

    def _bill(self, message: dict[str, Any], request: dict[str, Any], **facts: Any) -> None:
        batch = facts.pop("batch", False)
        cost = billed_usd(self.rungs[request["model"]], message["usage"], batch=batch)
        kept = {"stop_reason": message["stop_reason"], "usage": message["usage"], "cost_usd": cost}
        self._record("batch_item" if batch else "messages", 200, request=request, **kept, **facts)

    def _batch_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """The result of one item of a batch."""
        wrong = refusal(request, self._served())
        if wrong is not None:
            self._record("batch_item", wrong[0], request=request)
            return batches.errored(*wrong)
        answer = self.playbook.play(request)
        if isinstance(answer, Fault):
            self._record("batch_item", answer.status, fault=answer.kind, request=request)
            if answer.kind == "expired":
                return {"type": "expired"}
            if answer.kind == "body":
                return {"type": "succeeded", "message": json.loads(answer.message)}
            return batches.errored(answer.status, answer.message)
        message = message_of(request, answer, self.rungs[request["model"]], batch=True)
        self._bill(message, request, batch=True)
        return {"type": "succeeded", "message": message}

    def _count(self, request: Any) -> Reply:
        wrong = refusal(request, self._served(), counting=True)
        self._record("count_tokens", 200 if wrong is None else wrong[0], request=request or _NOTHING)
        if wrong is not None:
            return _reply(error_body(*wrong), wrong[0])
        return _reply({"input_tokens": tokens_in(request)})

    def _models(self, rest: list[str], query: dict[str, list[str]]) -> Reply:
        wanted = query.get("lifecycle", query.get("lifecycle[]", ["active", "deprecated"]))
        infos = [model_info(rung, retired=model in self.retired) for model, rung in self.rungs.items()]
        if not rest:
            self._record("models", 200)
            return _reply(page([each for each in infos if each["lifecycle"] in wanted], query))
        found = next((each for each in infos if each["id"] == rest[0]), None)
        if found is None:
            return self._failed(("v1", "models"), 404, f"model: {rest[0]}")
        self._record("models", 200, model=rest[0])
        return _reply(found)

    def _batches(
        self, method: str, rest: list[str], body: Any, received: Received, query: dict[str, list[str]]
    ) -> Reply:
        requests = body.get("requests") if isinstance(body, dict) else None
        if (method, rest) == ("POST", []):
            wrong = batches.refused(requests, len(received.body))
            if wrong is not None:
                return self._failed(("v1", "batches"), *wrong)
            self._record(
                "batches", 200, request={"custom_ids": [each["custom_id"] for each in requests or ()]}
            )
            return self._batch(self.batches.create(requests or []))
        if (method, rest) == ("GET", []):
            self._record("batches", 200)
            return _reply(
                page([batches.as_json(each, self.url) for each in self.batches.newest_first()], query)
            )
        batch = self.batches.get(rest[0]) if rest else None
        if batch is None:
            return self._failed(("v1", "batches"), 404, "batch not found")
        self._record("batches", 200)
        match method, *rest[1:]:
            case ("GET",):
                self.batches.poll(batch)
                return self._batch(batch)
            case "POST", "cancel":
                self.batches.cancel(batch)
                return self._batch(batch)
            case ("DELETE",) if batch.ended_at is not None:
                self.batches.delete(batch)
                return _reply({"id": batch.id, "type": "message_batch_deleted"})
            case "GET", "results" if batch.ended_at is not None:
                return Reply(200, batches.results_lines(batch), content_type="application/x-jsonl")
            case _:
                return _reply(error_body(400, "not possible while the batch is in progress"), 400)

    def _batch(self, batch: batches.Batch) -> Reply:
        return _reply(batches.as_json(batch, self.url))


_SSE: dict[str, Any] = {"content_type": "text/event-stream; charset=utf-8"}


def _reply(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    request_id = body.get("request_id") or new_id("req")
    return Reply(status, json.dumps(body).encode(), headers={"request-id": request_id, **(headers or {})})


def _streamed(message: dict[str, Any]) -> Reply:
    return Reply(200, pieces=events(message), headers={"request-id": new_id("req")}, **_SSE)


async def _waited(seconds: float, received: Received) -> bool:
    """False where the client left before the time was over."""
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, _POLL_S))
        if received.has_left():
            return False
    return True
