"""Who may ask: Host, token, and whether another site's page is behind it. Pure: headers in, a verdict out."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..settings import LOOPBACK, Settings
from ._tokens import PREFIX, TokenFile

OPEN_PATHS = ("/healthz", "/readyz")  # for those who watch over the process; they tell no more than that
TOKEN_HEADER = b"x-tierwise-token"
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_PREFIX = PREFIX.encode()
_HOST = re.compile(rb"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]*)?", re.IGNORECASE)
Headers = Iterable[tuple[bytes, bytes]]


class Denied(NamedTuple):
    """Why a request is not taken, and what is said in the headers of that answer."""

    status: int
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def host_denied(host: bytes, settings: Settings) -> Denied | None:
    """A page of another site must not reach a loopback service under a name of its own (DNS rebinding)."""
    if settings.tokens is not None and not settings.allowed_hosts:
        return None
    found = _HOST.fullmatch(host)
    name = "" if found is None else (found[1] or found[2]).decode().lower()
    if name in LOOPBACK or name in settings.allowed_hosts:
        return None
    return Denied(403, "This Host is not served here. Name it with --allow-host if it should be.")


def cross_site_denied(method: str, headers: Mapping[bytes, bytes], path: str) -> Denied | None:
    """Nothing that changes something is taken from another site's page.

    Browsers say where a request comes from; JSON can't be sent across sites without asking, and we don't
    answer such questions. The form of Review has a token besides.
    """
    if method not in _CHANGING:
        return None
    if is_cross_site(headers):
        return Denied(403, "Requests of other sites' pages are not taken.")
    if path.startswith("/v1/") and _has_body(headers):
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json" and not kind.endswith(b"+json"):
            return Denied(415, "Send JSON, with Content-Type: application/json.")
    return None


def is_cross_site(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser says that another site's page asks; what is no browser says nothing.

    An older browser only says whose page it is. The name in Host is ours unless a proxy has put in its own.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower()


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def caller(headers: Headers, tokens: TokenFile) -> tuple[str | None, list[tuple[bytes, bytes]]]:
    """Whose token the request carries, and the headers without it: it must not travel further.

    It is taken from X-Tierwise-Token, from Authorization: Bearer, and from Basic as the password, so that
    browsers can give it. Others' keys, which /v1/messages forwards, don't begin as ours do.
    """
    found, kept = None, []
    for name, value in headers:
        token = _token_in(name, value)
        if token is None:
            kept.append((name, value))
        else:
            found = tokens.name_of(token) or found
    return found, kept


def _token_in(name: bytes, value: bytes) -> bytes | None:
    if name == TOKEN_HEADER:
        return value.strip()
    if name == b"x-api-key" and value.startswith(_PREFIX):
        return value.strip()
    if name != b"authorization":
        return None
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() == b"bearer" and rest.strip().startswith(_PREFIX):
        return rest.strip()
    if scheme.lower() == b"basic":
        try:
            password = base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
        return password
    return None
