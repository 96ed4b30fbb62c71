"""The router: five pages, one form, and the files they load. Nothing inline, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ....classifier.errors import InvalidOutcome, LogError, NotInLog
from ..._percent import percent
from ...log import OutcomeLog
from . import _counts
from ._cached import Cached
from ._model import decision_page, model_page
from ._now import now_page
from ._review import KEYS, give_verdict, review_page
from ._same_site import FIELD, is_same_site, send_token, token_for
from ._state import State
from ._types import types_page
from ._words import as_fact, as_words, rate, share, usd

_HERE = Path(__file__).parent
_FILES = {"tierwise.css": "text/css", "review.js": "text/javascript", "icon.svg": "image/svg+xml"}
_MOST_FORM_BYTES = 16_384
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
NO_LOG = "No outcome log is kept here. Start the service with --log PATH, and decisions and verdicts show up."


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20) if body.count(b"&") < 20 else {}
    return {name: values[-1] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(_form)]


def pages_router(get_state: Callable[[], State]) -> APIRouter:
    """The pages /, /types, /review, /decisions/ID, /model, and /static.

    get_state : asked at every request, so that a model that was swapped shows at once.
    """
    return _Pages(get_state).router()


class _Pages:
    def __init__(self, get_state: Callable[[], State]) -> None:
        self._state, self._cached = get_state, Cached()
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "usd": usd,
            "rate": rate,
            "share": share,
            "as_fact": as_fact,
            "as_words": as_words,
            "percent": percent,
        }
        for name in self._templates.list_templates(["html"]):
            self._templates.get_template(name)  # read and compiled before somebody waits for it
        _counts.prepare()

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
        router.get("/")(self.now)
        router.get("/types")(self.types)
        router.get("/review")(self.review)
        router.post("/review")(self.judge)
        router.get("/decisions/{decision_id:path}")(self.decision)
        router.get("/model")(self.model)
        router.get("/static/{name}")(self.file)
        return router

    def now(self, request: Request) -> Response:
        return self._counted(request, "now", now_page)

    def types(self, request: Request) -> Response:
        return self._counted(request, "types", types_page)

    def review(self, request: Request) -> Response:
        token = token_for(request)
        response = self._counted(request, "review", review_page, token=token, field=FIELD)
        send_token(response, token, secure=request.url.scheme == "https")
        return response

    def judge(self, request: Request, form: Form) -> Response:
        """Take a verdict, and go on to the next."""
        if not is_same_site(request, form.get(FIELD, "")):
            why = "This form was not sent by a page of this service, or its cookie is gone. Reload Review."
            return self._message(request, 403, "Not taken", why)
        decision_id, verdict = form.get("decision_id", ""), form.get("verdict", "")
        if verdict not in KEYS:
            return self._message(request, 400, "Not taken", f"A verdict is one of {', '.join(KEYS)}.")
        try:
            give_verdict(self._state(), decision_id, verdict, form.get("note", "").strip() or None)
        except InvalidOutcome as error:
            return self._message(request, 400, "Not taken", str(error))
        except NotInLog as error:
            return self._message(request, 404, "Not taken", str(error))
        except LogError as error:
            return self._away(request, error)
        asked = {"done": decision_id, "said": verdict}
        if form.get("after"):
            asked["after"] = form["after"]
        return RedirectResponse(f"{_root(request)}/review?{urlencode(asked)}", 303, headers=_HEADERS)

    def decision(self, request: Request, decision_id: str) -> Response:
        state = self._state()
        if state.log is None:
            return self._message(request, 404, "Decision", NO_LOG)
        try:
            with _briefly(state.log):
                found = decision_page(state, decision_id)
        except NotInLog as error:
            return self._message(request, 404, "Unknown decision", str(error))
        except LogError as error:
            return self._away(request, error)
        token = token_for(request)
        form = {"token": token, "field": FIELD, "keys": KEYS}
        response = self._page(request, "decision", {**found, **form})
        send_token(response, token, secure=request.url.scheme == "https")
        return response

    def model(self, request: Request) -> Response:
        state = self._state()
        try:
            with nullcontext() if state.log is None else _briefly(state.log):
                return self._page(request, "model", model_page(state, self._cached))
        except LogError as error:
            return self._away(request, error)

    def file(self, request: Request, name: str) -> Response:
        if name not in _FILES:
            return self._message(request, 404, "Not found", "There is no such file.")
        headers = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}
        return FileResponse(_HERE / "static" / name, media_type=_FILES[name], headers=headers)

    def _counted(self, request: Request, name: str, values: Callable[..., Any], **more: Any) -> Response:
        state = self._state()
        if state.log is None:
            return self._message(request, 200, name.capitalize(), NO_LOG, at=name)
        try:
            with _briefly(state.log):
                found = values(state, self._cached, dict(request.query_params))
        except LogError as error:
            return self._away(request, error)
        if found is None:
            wait = "The log is being counted; this page reloads by itself."
            return self._message(request, 200, name.capitalize(), wait, at=name, reload=True)
        return self._page(request, name, {**found, **more})

    def _away(self, request: Request, error: LogError) -> Response:
        response = self._message(request, 503, "The log is away", f"{error} Nothing was lost; try again.")
        response.headers["Retry-After"] = "5"
        return response

    def _message(
        self, request: Request, status: int, title: str, text: str, *, at: str = "", reload: bool = False
    ) -> Response:
        values = {"title": title, "text": text, "reload": reload}
        return self._page(request, "message", values, status=status, at=at)

    def _page(
        self, request: Request, name: str, values: dict[str, Any], *, status: int = 200, at: str | None = None
    ) -> Response:
        base = str(request.base_url).rstrip("/")
        about = {"root": _root(request), "base": base, "at": name if at is None else at}
        html = self._templates.get_template(f"{name}.html").render(**about, **values)
        return HTMLResponse(html, status, headers=_HEADERS)


def _briefly(log: OutcomeLog) -> AbstractContextManager[None]:
    """A page that waits for a database that hangs would keep a thread from all others; what takes long is
    counted in a thread of its own.
    """
    return log._database.brief(0.0)


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")
