"""What every request passes first: access, rate, size; and what every answer gets: safe headers.

Plain ASGI: a middleware that builds requests and tasks of its own would cost more than a decision.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from .._answers import SAFE_HEADERS, Refused, error_body
from ..service import Service
from ._access import OPEN_PATHS, TOKEN_HEADER, Denied, caller, cross_site_denied, host_denied
from ._rate import Rate

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
_CHALLENGE = b'Basic realm="tierwise", charset="UTF-8"'
_WRONG_TOKENS_PER_S, _WRONG_TOKENS_AT_ONCE = 1.0, 20
_MAX_HOSTS = 100
_SAFE, _SAFE_NAMES = list(SAFE_HEADERS), frozenset(name for name, _ in SAFE_HEADERS)


class Guard:
    """Around the routes of one service."""

    def __init__(self, app: App, service: Service) -> None:
        self._app, self._service = app, service
        self._settings, self._metrics = service.settings, service.metrics
        per_s = self._settings.requests_per_s
        self._rate = None if per_s is None else Rate(per_s, self._settings.burst)
        self._wrong_tokens = Rate(_WRONG_TOKENS_PER_S, _WRONG_TOKENS_AT_ONCE)
        self._good_hosts: set[bytes] = set()  # as they were written; few, since others are denied

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # none is served
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        if scope["method"] == "HEAD":  # the server, which holds the old scope, sends the head alone
            scope = {**scope, "method": "GET"}

        async def safe_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_safe(list(message.get("headers", ())))
            await send(message)

        try:
            headers = dict(scope["headers"])
            denied = self._look(scope, headers)
            if denied is not None:
                await _deny(safe_send, denied)
            else:
                await self._app(scope, self._limited(receive, headers), safe_send)
        finally:
            self._metrics.request(_route_of(scope), status, time.perf_counter() - started)

    def _look(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> Denied | None:
        """None where the request may go on."""
        path = scope["path"]
        if len(headers) < len(scope["headers"]) and [n for n, _ in scope["headers"]].count(b"host") > 1:
            return Denied(400, "A request has one Host.")
        if path in OPEN_PATHS:
            return None
        host = headers.get(b"host")
        if host is None and scope["http_version"] == "1.1":
            return Denied(400, "A request in HTTP/1.1 has a Host.")
        if host is not None and (denied := self._host_denied(host)) is not None:  # every browser sends one
            return denied
        address = (scope.get("client") or ("local",))[0]
        who, tokens = address, self._service.tokens
        if tokens is not None:
            name, scope["headers"] = caller(scope["headers"], tokens)
            if name is None:
                return self._without_token(address)
            who = f"token {name}"
        elif TOKEN_HEADER in headers:  # not asked for, and no fact of a task either
            scope["headers"] = [each for each in scope["headers"] if each[0] != TOKEN_HEADER]
        if self._rate is not None:
            wait_s = self._rate.wait_s(who, time.monotonic())
            if wait_s > 0.0:
                return _too_many(wait_s)
        denied = cross_site_denied(scope["method"], headers, path)
        if denied is None and _length(headers) > self._settings.max_body_bytes:
            denied = Denied(413, self._too_large)
        return denied

    def _host_denied(self, host: bytes) -> Denied | None:
        if host in self._good_hosts:
            return None
        denied = host_denied(host, self._settings)
        if denied is None and len(self._good_hosts) < _MAX_HOSTS:
            self._good_hosts.add(host)
        return denied

    def _without_token(self, address: str) -> Denied:
        wait_s = self._wrong_tokens.wait_s(address, time.monotonic())
        if wait_s > 0.0:
            return _too_many(wait_s)
        told = (
            "A token is needed: Authorization: Bearer TOKEN, X-Tierwise-Token: TOKEN, or the password of a "
            "browser's login. Whoever runs the service makes one with `tierwise token new`."
        )
        return Denied(401, told, ((b"www-authenticate", _CHALLENGE),))

    def _limited(self, receive: Receive, headers: Mapping[bytes, bytes]) -> Receive:
        """The body, no larger than allowed; no more of it comes than the head says, where it does."""
        most = left = self._settings.max_body_bytes
        if b"transfer-encoding" not in headers and 0 < _length(headers) <= most:
            return receive

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise Refused(413, self._too_large, headers={"Connection": "close"})
            return message

        return limited

    @property
    def _too_large(self) -> str:
        return f"A body has at most {self._settings.max_body_bytes:,} bytes. Send it in parts."


def _length(headers: Mapping[bytes, bytes]) -> int:
    given = headers.get(b"content-length", b"0")
    return int(given) if given.isdigit() else 0


def _too_many(wait_s: float) -> Denied:
    after = str(max(math.ceil(wait_s), 1)).encode()
    told = f"Too many requests; the next is taken in {wait_s:.2g} s."
    return Denied(429, told, ((b"retry-after", after),))


def _with_safe(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Pages have stricter ones of their own, which stay."""
    if len(headers) <= 2:
        return headers + _SAFE
    given = {name.lower() for name, _ in headers}
    if given.isdisjoint(_SAFE_NAMES):
        return headers + _SAFE
    return headers + [each for each in _SAFE if each[0] not in given]


async def _deny(send: Send, denied: Denied) -> None:
    body = error_body(denied.status, denied.message)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # whatever of its body is still coming is not read
        *denied.headers,
    ]
    await send({"type": "http.response.start", "status": denied.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _route_of(scope: MutableMapping[str, Any]) -> str:
    """The route's pattern, not the path: task types must not become labels."""
    route = scope.get("route")
    return "other" if route is None else str(getattr(route, "path", "other"))
