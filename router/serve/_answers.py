"""Answers as JSON, and errors in one form: {"type": "error", "error": {"type": …, "message": …}}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from ...classifier.errors import InvalidOutcome, InvalidTask, LogError, LogUnavailable, NotInLog

RETRY_AFTER_S = 5
_NOT_SERVED = "Nothing is served under this path. /openapi.json has what is; the pages are under /."
SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_JSON = (b"content-type", b"application/json")
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "unavailable_error",
}


class Refused(HTTPException):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        about: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.kind, self.about = kind, about


class JsonAnswer(Response):
    """JSON that is written already; its headers need no working out."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON]


def answer(values: Any, status: int = 200) -> Response:
    return JsonAnswer(orjson.dumps(values), status)


def error_body(status: int, message: str, *, kind: str | None = None, about: str | None = None) -> bytes:
    kind = kind or _TYPES.get(status) or "invalid_request_error"
    found = {"type": kind, "message": message}
    if about is not None:
        found["about"] = about
    return orjson.dumps({"type": "error", "error": found})


def as_refused(error: Exception) -> Refused:
    """What an error of ours is over HTTP; whatever is not listed here is a bug, and stays one."""
    about = getattr(error, "about", None)
    named = about if isinstance(about, str) and len(about) <= 100 else None
    match error:
        case InvalidTask():
            return Refused(422, str(error), kind="invalid_task", about=named)
        case InvalidOutcome():
            return Refused(422, str(error), kind="invalid_outcome", about=named)
        case NotInLog():
            return Refused(404, str(error), about=named)
        case LogUnavailable():
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            message = f"{error} Nothing that was acknowledged is lost; send it again."
            return Refused(503, message, headers=retry)
        case LogError():
            return Refused(409, str(error), kind="log_error")
    raise error


def refusal(error: HTTPException) -> Response:
    """An error as an answer."""
    if isinstance(error, Refused):
        body = error_body(error.status_code, error.detail, kind=error.kind, about=error.about)
    else:
        said = error.detail or HTTPStatus(error.status_code).phrase
        body = error_body(error.status_code, said)
    return Response(body, error.status_code, error.headers, "application/json")


async def _on_ours(_: Request, error: Exception) -> Response:
    return refusal(as_refused(error))


def answer_errors(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Every error in that form; `routes` say what a path takes."""

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and not isinstance(error, Refused):
            return refusal(Refused(404, _NOT_SERVED))
        if error.status_code == 405:
            return refusal(_not_allowed(request, routes))
        return refusal(error)

    app.add_exception_handler(HTTPException, on_http)
    for kind in (InvalidTask, InvalidOutcome, LogError):
        app.add_exception_handler(kind, _on_ours)


def _not_allowed(request: Request, routes: Sequence[BaseRoute]) -> Refused:
    """With the methods of all routes of this path: each of them knows its own only."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= set(route.methods or ())
    allowed = sorted(found | {"HEAD"} if "GET" in found else found)
    told = f"This path takes {' and '.join(allowed)}. /openapi.json has what is served."
    return Refused(405, told, headers={"Allow": ", ".join(allowed)})
