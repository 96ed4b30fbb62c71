"""Answers in the API's wire format: a message, and the same message as server-sent events."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..router.ladder import Rung
from ._answers import ERROR_TYPES, Answer
from ._calls import CHARS_PER_TOKEN, tokens_in, tokens_of_text

_PIECE_CHARS = 200


def error_body(status: int, message: str) -> dict[str, Any]:
    kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": new_id("req")}


def new_id(kind: str) -> str:
    return f"{kind}_01{os.urandom(11).hex()}"


def message_of(
    request: Mapping[str, Any], answer: Answer, rung: Rung, *, batch: bool = False
) -> dict[str, Any]:
    """The answer under the request's limits: cut at max_tokens, or where the window is full."""
    input_tokens = tokens_in(request) if answer.input_tokens is None else answer.input_tokens
    cached = answer.cache_read_tokens + answer.cache_write_5m_tokens + answer.cache_write_1h_tokens
    text, stop_reason = answer.text, answer.stop_reason
    output_tokens = answer.output_tokens
    if output_tokens is None:
        output_tokens = max(tokens_of_text(text), 1) + answer.thinking_tokens
    room = (rung.context_window_tokens or 10**12) - input_tokens - cached
    limit = min(request["max_tokens"], room)
    if output_tokens > limit:
        text, output_tokens = text[: max(limit - answer.thinking_tokens, 0) * CHARS_PER_TOKEN], limit
        stop_reason = "max_tokens" if limit == request["max_tokens"] else "model_context_window_exceeded"
    refused = stop_reason == "refusal"
    content = answer.content if answer.content is not None else [{"type": "text", "text": text}] * bool(text)
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [dict(block) for block in content],
        "stop_reason": stop_reason or "end_turn",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": None} if refused else None,
        "usage": {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cache_read_input_tokens": answer.cache_read_tokens,
            "cache_creation_input_tokens": answer.cache_write_5m_tokens + answer.cache_write_1h_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": answer.cache_write_5m_tokens,
                "ephemeral_1h_input_tokens": answer.cache_write_1h_tokens,
            },
            "output_tokens_details": {"thinking_tokens": answer.thinking_tokens},
            "service_tier": "batch" if batch else "standard",
        },
    }


def announced(message: Mapping[str, Any]) -> dict[str, Any]:
    """The usage that a stream announces when it begins."""
    return {**message["usage"], "output_tokens": 1}


def events(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The message as a stream, event by event."""
    start = {**message, "content": [], "stop_reason": None, "stop_details": None, "usage": announced(message)}
    yield _event("message_start", {"message": start})
    yield _event("ping", {})
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    delta = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    kept = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    usage = {key: message["usage"][key] for key in (*kept, "output_tokens_details")}
    yield _event("message_delta", {"delta": delta, "usage": usage})
    yield _event("message_stop", {})


def _block_events(index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
    text = block.get("text")
    if text is None:  # blocks of other kinds arrive whole
        yield _event("content_block_start", {"index": index, "content_block": dict(block)})
    else:
        yield _event("content_block_start", {"index": index, "content_block": {**block, "text": ""}})
        for start in range(0, len(text), _PIECE_CHARS):
            piece = {"type": "text_delta", "text": text[start : start + _PIECE_CHARS]}
            yield _event("content_block_delta", {"index": index, "delta": piece})
    yield _event("content_block_stop", {"index": index})


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
