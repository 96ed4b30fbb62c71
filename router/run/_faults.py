"""Errors of the SDK, told apart: which of ours it is, and whether trying again may help.

No message holds a key or a piece of the prompt: what the service says is left out where it quotes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from ...classifier.errors import (
    AccountRefused,
    CallError,
    DeadlineExceeded,
    ModelNotServed,
    NotReachable,
    RequestRefused,
    ServiceBusy,
    ServiceFailed,
)
from ._quoting import quotes_nothing, shown
from ._request import Request

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_STATUS_OF_TYPE = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504}
_TYPES = {
    *_STATUS_OF_TYPE,
    *("authentication_error", "billing_error", "conflict_error", "invalid_request_error"),
    *("not_found_error", "permission_error", "request_too_large"),
}
_MAY_PASS = {408, 409, 429}
_FIX_ACCOUNT = {
    401: "the key is wrong; check ANTHROPIC_API_KEY or what the client was given",
    402: "the account has no credit",
    403: "the key may not do this",
}


class Failure(NamedTuple):
    """may_pass : another try may succeed. may_be_billed : tokens may have been used unknown to us."""

    error: CallError
    may_pass: bool
    may_be_billed: bool = False


def failure_of(error: Exception, request: Request, timeout_s: float) -> Failure:
    """What an exception of the SDK, or of the HTTP library below it, means."""
    import anthropic

    model = request.kwargs["model"]
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, request)
    if isinstance(error, (anthropic.APITimeoutError, TimeoutError)):
        text = f"{model} gave no whole answer within {timeout_s:g} s. Raise Limits.timeout_s or deadline_s."
        return Failure(DeadlineExceeded(text, about=model), may_pass=True, may_be_billed=True)
    if isinstance(error, anthropic.APIConnectionError):
        return _of_connection(error, model)
    if isinstance(error, TypeError) and "authentication" in str(error):
        text = "There is no API key. Set ANTHROPIC_API_KEY, or make the client with api_key=..."
        return Failure(AccountRefused(text, about=model), may_pass=False)
    if isinstance(error, TypeError):  # a parameter that this version of the SDK doesn't know
        return Failure(
            RequestRefused(f"The SDK refuses the request: {shown(str(error), request.kwargs)}", about=model),
            may_pass=False,
        )
    text = f"The answer of {model} broke off or can't be read ({type(error).__name__})."
    return Failure(ServiceFailed(text, about=model), may_pass=True, may_be_billed=True)


def broken_off(request: Request) -> Failure:
    """An answer that ended without a stop reason, or a stream without a message."""
    model = request.kwargs["model"]
    text = f"The answer of {model} broke off. If each one does: is base_url that of the Messages API?"
    return Failure(ServiceFailed(text, about=model), may_pass=True, may_be_billed=True)


def not_a_message(request: Request, wrong: str) -> Failure:
    """An answer with status 200 that is none of the Messages API. wrong : of `wrong_in`."""
    text = (
        f"The service answered, but not with a message: {wrong}. Is base_url that of the Messages API, and "
        "is there a proxy that changes answers?"
    )
    return Failure(ServiceFailed(text, about=request.kwargs["model"]), may_pass=False, may_be_billed=True)


def _of_connection(error: Any, model: str) -> Failure:
    import httpx2

    cause = error.__cause__
    key = error.request.headers.get("x-api-key", error.request.headers.get("authorization", "key"))
    if isinstance(cause, httpx2.LocalProtocolError) and not (
        key.strip() == key and key.isprintable() and key
    ):
        text = "The API key is empty, or has a space or line end at its end. Check ANTHROPIC_API_KEY."
        return Failure(AccountRefused(text, about=model), may_pass=False)
    url = error.request.url
    if url.scheme not in ("http", "https") or not url.host:
        return Failure(NotReachable(_no_address(url), about=model), may_pass=False)
    connected = isinstance(cause, httpx2.TransportError) and not isinstance(
        cause, (httpx2.ConnectError, httpx2.ConnectTimeout)
    )
    what = "The connection broke" if connected else "No connection"
    where = f"{url.scheme}://{url.host}:{url.port or 443}"
    text = f"{what}: {where} ({type(cause).__name__}). Check base_url and network."
    never = isinstance(cause, httpx2.LocalProtocolError)
    return Failure(NotReachable(text, about=model), may_pass=not never, may_be_billed=connected and not never)


def _no_address(url: Any) -> str:
    """Without name, password and query, which may be secret, and without what may be a key in its place."""
    first = url.path.removesuffix("/v1/messages").strip("/").partition("/")[0]  # the SDK repeats it
    if url.host or url.scheme in ("http", "https"):
        found = f"{url.scheme}://{url.host}"
    else:
        found = f"{url.scheme}:{first}" if url.scheme else first
    said = "a text that may be a key" if "sk-" in found or len(found) > 100 else repr(found)
    return (
        f"base_url is no address: {said}. It must begin with https:// or http:// and name a host, such as "
        "https://api.anthropic.com. Give the client another base_url, or check ANTHROPIC_BASE_URL."
    )


def _of_status(error: Any, request: Request) -> Failure:
    model = request.kwargs["model"]
    status = error.status_code
    if status < 400:  # an error event inside a stream that had begun
        status = _STATUS_OF_TYPE.get(str(error.type), 500)
    headers = error.request.headers
    secrets = [headers[name] for name in ("x-api-key", "authorization") if name in headers]
    said_type, request_id = (_name(each, request, secrets) for each in (error.type, error.request_id))
    said = error.api_message if isinstance(error.api_message, str) else "(no message)"
    kind, text = _meaning(status, said, request, secrets)
    asked = error.response.headers.get("x-should-retry")
    may_pass = status in _MAY_PASS or status >= 500
    if asked in ("true", "false"):
        may_pass = asked == "true"
    raised = kind(
        f"{text} (HTTP {status}, {said_type or 'no type'}, request {request_id or 'without id'})",
        about=model,
        status=status,
        error_type=said_type,
        request_id=request_id,
        retry_after_s=retry_after_s(error.response.headers, datetime.now(UTC)),
    )
    return Failure(raised, may_pass, may_be_billed=error.status_code < 400)


def error_of_status(status: int, model: str) -> CallError:
    """What an answer with this HTTP status means, without the service's words."""
    kind, text = _meaning(status, "", Request({"model": model}, False, ()))
    return kind(f"{text} (HTTP {status})", about=model, status=status)


def _name(said: object, request: Request, secrets: Sequence[str]) -> str | None:
    """A type of error or an id, unless it is no name, or could be a piece of the request."""
    if not isinstance(said, str) or not _NAME.fullmatch(said):
        return None
    return said if said in _TYPES or quotes_nothing(said, request.kwargs, secrets) else None


def _meaning(
    status: int, said: str, request: Request, secrets: Sequence[str] = ()
) -> tuple[type[CallError], str]:
    model = request.kwargs["model"]
    if status in _FIX_ACCOUNT:
        return AccountRefused, f"The service refuses the account: {_FIX_ACCOUNT[status]}"
    if status == 404:
        return ModelNotServed, (
            f"{model} is not served: retired, unknown, or base_url is wrong. Name its successor in the "
            "ladder (model, or replaced_by)"
        )
    if status in (429, 503, 529):
        return ServiceBusy, f"The service is busy, or the rate limit for {model} is reached"
    if status in (408, 504):
        return ServiceFailed, f"The service gave up on {model}"
    if status < 500 and status != 409:
        return (
            RequestRefused,
            f"The service refuses the request to {model}: {shown(said, request.kwargs, secrets)}",
        )
    return ServiceFailed, f"The service failed on {model}"


def retry_after_s(headers: Any, now: datetime) -> float | None:
    """Seconds that the service asks to wait; None where it doesn't say, or says nothing sensible."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _seconds_until(value, now)
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _seconds_until(date: str, now: datetime) -> float:
    try:
        return max((parsedate_to_datetime(date) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return -1.0
