"""What the OpenAPI document says of each route, with examples."""

from __future__ import annotations

from typing import Any

from fastapi.responses import PlainTextResponse

from . import _examples as examples
from . import _shapes as shapes

_HISTORY = {
    "type": ["object", "null"],
    "description": "Outcomes of the type, tier -> [clean, not clean]; replaces what the log knows.",
    "additionalProperties": {
        "type": "array",
        "items": {"type": "number", "minimum": 0},
        "minItems": 2,
        "maxItems": 2,
    },
}
_FOLLOWS = {
    "type": ["string", "null"],
    "description": "Id of the decision that failed at this task.",
}
_WHAT = {
    400: "The body is not JSON.",
    401: "A token is needed.",
    403: "This Host, or another site's page.",
    404: "Unknown id.",
    408: "The body came too slowly.",
    409: "No log is kept here, or it can't do this.",
    413: "The body is too large.",
    415: "Not application/json.",
    422: "What was sent makes no sense; the message says what is allowed.",
    429: "Too many requests; see Retry-After.",
    503: "The log is away; see Retry-After. Nothing that was acknowledged is lost.",
}
_ALWAYS = (401, 403, 429)
_OF_BODIES = (400, 408, 413, 415, 422)
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}


def _route(summary: str, answer: Any, *errors: int, **more: Any) -> dict[str, Any]:
    return {
        "summary": summary,
        "response_model": None,
        "responses": {
            200: {"model": answer, "description": "Done."},
            **{status: _failure(status) for status in (*_ALWAYS, *errors)},
        },
        "openapi_extra": more or None,
    }


def _failure(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _WHAT[status]}
    if (example := examples.failure(status)) is not None:
        found |= {"model": shapes.Failure, "content": {"application/json": {"example": example}}}
    if status in (429, 503):
        found["headers"] = _RETRY
    return found


def _body(*forms: dict[str, Any], **shown: Any) -> dict[str, Any]:
    content = {
        "schema": {"anyOf": list(forms)},
        "examples": {name: {"value": value} for name, value in shown.items()},
    }
    return {"required": True, "content": {"application/json": content}}


def _task_with(**more: Any) -> dict[str, Any]:
    schema = shapes.task_schema()
    return {**schema, "properties": {**schema["properties"], **more}}


def _list_of(name: str, item: dict[str, Any]) -> dict[str, Any]:
    properties = {name: {"type": "array", "items": item}}
    return {"type": "object", "required": [name], "properties": properties, "additionalProperties": False}


def _asked(name: str, values: list[str], meaning: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": values, "default": values[0]}
    return {"name": name, "in": "query", "required": False, "description": meaning, "schema": schema}


_BY_ID = {
    "type": "object",
    "required": ["decision_id"],
    "properties": {"decision_id": {"type": "string"}},
    "additionalProperties": False,
}
PREDICT = _route(
    "Decide about one task, or many",
    shapes.One | shapes.Full | shapes.Many,
    *_OF_BODIES,
    404,
    409,
    503,
    parameters=[
        _asked("detail", ["brief", "full"], "What is acted on, or all that a decision knows, costs too."),
        _asked("wait_for_log", ["false", "true"], "Answer once the decisions are in the log."),
    ],
    requestBody=_body(
        _task_with(history=_HISTORY, follows=_FOLLOWS),
        _list_of("tasks", {"anyOf": [shapes.task_schema(), {"type": "string"}]}),
        one=examples.TASK,
        retry={**examples.TASK, "follows": examples.OUTCOME["decision_id"]},
        many={"tasks": [examples.TASK, "Draft the launch email"]},
    ),
)
EXPLAIN = _route(
    "Explain a decision, made now or earlier, in words",
    shapes.Explained,
    *_OF_BODIES,
    404,
    409,
    503,
    requestBody=_body(
        _task_with(history=_HISTORY),
        _BY_ID,
        task=examples.TASK,
        earlier={"decision_id": examples.OUTCOME["decision_id"]},
    ),
)
OUTCOMES = _route(
    "Report what became of decisions; the same call again records nothing",
    shapes.Verdict | shapes.Verdicts,
    *_OF_BODIES,
    404,
    409,
    503,
    requestBody=_body(
        shapes.outcome_schema(),
        _list_of("outcomes", shapes.outcome_schema()),
        one=examples.OUTCOME,
        many={"outcomes": [examples.OUTCOME]},
    ),
)
HISTORY = _route(
    "Outcomes of a task type, by tier",
    shapes.History,
    *(404, 409, 422, 503),
)
MODEL = _route(
    "What serves, and whether what should serve can't",
    shapes.Serving,
)
_OPEN: dict[str, Any] = {"security": []}  # asked by what watches over the process, without a token
HEALTH: dict[str, Any] = {
    "summary": "Whether the process answers",
    "responses": {200: {"model": shapes.Health}},
    "openapi_extra": _OPEN,
}
READY: dict[str, Any] = {
    "summary": "Whether requests should be sent here",
    "responses": {
        200: {"model": shapes.Ready},
        503: {"model": shapes.Ready, "description": "Not yet."},
    },
    "openapi_extra": _OPEN,
}
METRICS: dict[str, Any] = {
    "summary": "For Prometheus",
    "response_class": PlainTextResponse,
    "responses": {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics."},
        **{status: _failure(status) for status in _ALWAYS},
    },
}
for _each in (HEALTH, READY, METRICS):
    _each["response_model"] = None
for _status in _ALWAYS:  # a model's answer would be described as text, as the route's own is
    _told = METRICS["responses"][_status]
    _told["content"]["application/json"]["schema"] = {
        "$ref": f"#/components/schemas/{_told.pop('model').__name__}"
    }
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `tierwise token new`."},
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Tierwise-Token",
        "description": "The same, where Authorization has a key for someone else.",
    },
    "browser": {"type": "http", "scheme": "basic", "description": "Any name, the token as password."},
}


def completed(document: dict[str, Any], *, needs_token: bool) -> dict[str, Any]:
    """The document with examples of answers, in which FastAPI leaves no null, and how to give a token."""
    for (path, method), answers in examples.ANSWERS.items():
        content = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in answers.items()}
    if needs_token:
        document["components"]["securitySchemes"] = _SECURITY_SCHEMES
        document["security"] = [{name: []} for name in _SECURITY_SCHEMES]
    return document
