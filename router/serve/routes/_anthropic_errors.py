"""Errors as the Messages API words them, so that its clients understand them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2
from fastapi import Response

from ....classifier.errors import CallError, DeadlineExceeded, NotReachable

_TYPES = {400: "invalid_request_error", 502: "api_error", 504: "timeout_error"}


def error_body(status: int, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": _TYPES[status], "message": message}, "request_id": None}


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(error_body(status, message))
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")


def error_event(error: httpx2.HTTPError) -> bytes:
    """The end of a stream that broke off above us."""
    return f"event: error\ndata: {json.dumps(error_body(*meaning_of(error)))}\n\n".encode()


def meaning_of(error: httpx2.HTTPError) -> tuple[int, str]:
    """Status and words, without address or key."""
    if isinstance(error, httpx2.TimeoutException):
        return 504, f"tierwise: the API did not answer in time ({type(error).__name__})."
    return 502, f"tierwise: the API can't be reached, or its answer broke off ({type(error).__name__})."


def failed(error: httpx2.HTTPError, words: str) -> CallError:
    """The same for the log."""
    kind = DeadlineExceeded if isinstance(error, httpx2.TimeoutException) else NotReachable
    return kind(words, status=meaning_of(error)[0])
