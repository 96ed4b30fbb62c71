"""A verdict is taken from our own page only: by its origin, and by a token.

The token is in a cookie that other sites' requests don't carry (SameSite=Strict) and that scripts can't read,
and in the form; both must agree. It is in no memory of ours, so any replica can check it.
"""

from __future__ import annotations

import secrets

from fastapi import Request, Response

from ..access._access import is_cross_site

COOKIE, FIELD = "tierwise_form", "form_token"
_N_BYTES = 24


def token_for(request: Request) -> str:
    """The one that the browser has, or a new one."""
    found = request.cookies.get(COOKIE, "")
    return found if _is_token(found) else secrets.token_urlsafe(_N_BYTES)


def send_token(response: Response, token: str, *, secure: bool) -> None:
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")


def is_same_site(request: Request, given: str) -> bool:
    """Whether this form was sent by a page of ours."""
    if is_cross_site(dict(request.headers.raw)):
        return False
    cookie = request.cookies.get(COOKIE, "")
    return _is_token(cookie) and secrets.compare_digest(cookie.encode(), given.encode())


def _is_token(value: str) -> bool:
    return len(value) == len(secrets.token_urlsafe(_N_BYTES)) and value.isascii()
