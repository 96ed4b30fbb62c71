"""Answers as they come, for the OpenAPI document. A test holds them against the schemas."""

from __future__ import annotations

from typing import Any

DECISION_ID = "3f2a9c0e5b7d41f6a8c2e4d6b8f0a1c3"
TASK: dict[str, Any] = {
    "specification": "Write meta descriptions for 120 posts, max 155 characters, JSON out",
    "task_type": "meta-description",
    "items": 120,
    "verifiable": True,
}
OUTCOME = {"decision_id": DECISION_ID, "verdict": "corrected", "note": "too long"}
_BRIEF: dict[str, Any] = {
    "decision_id": DECISION_ID,
    "tier": "haiku",
    "model": "claude-haiku-5-5",
    "mode": "batch",
    "plan": ["haiku", "sonnet"],
    "confidence": 0.9955,
    "probabilities": {"haiku": 0.9955, "sonnet": 0.0044, "opus": 0.0001},
    "reason": "classifier",
    "reasons": ["classifier", "batch", "check_and_escalate"],
    "fallback": False,
    "return_to": None,
    "propensity": 1.0,
}
_ONE = {**_BRIEF, "logged": False}
_FULL: dict[str, Any] = {
    **_BRIEF,
    "pass_probabilities": {"haiku": 0.9559, "sonnet": 0.9652, "opus": 0.9654},
    "expected_cost_usd": {"haiku": 0.012, "sonnet": 0.24, "opus": 0.48},
    "expected_latency_ms": {"haiku": 400600.0, "sonnet": 686914.3, "opus": 962000.0},
    "batch_wait_ceiling_s": 86400.0,
    "versions": {"tierwise": "0.1.0", "ladder": "claude", "model": "70917b078047"},
    "logged": False,
}
_MANY = {"decisions": [_BRIEF], "logged": False}
_EXPLAINED = {
    "decision": _FULL,
    "explanation": "haiku (claude-haiku-5-5), batch, then sonnet where the check fails.\n\nWhy, …",
}
_RECORDED: dict[str, Any] = {
    "decision_id": DECISION_ID,
    "task_type": "meta-description",
    "tier": "haiku",
    "verdict": "corrected",
    "basis": "person",
    "at": "2026-11-29T19:25:51.249552+00:00",
    "recorded_at": "2026-11-29T19:25:51.249552+00:00",
    "note": "too long",
    "is_effective": True,
    "is_new": True,
    "replaced": None,
    "replaced_at": None,
}
_UNKNOWN = {"error": {"type": "not_found_error", "message": "The log holds no decision with the id '7'. …"}}
_RECORDED_MANY = {"outcomes": [_RECORDED, _UNKNOWN], "n_taken": 1, "n_refused": 1}
_HISTORY = {"task_type": "meta-description", "history": {"haiku": [41, 3], "sonnet": [12, 0]}}
_SERVING: dict[str, Any] = {
    "version": "70917b078047",
    "tiers": ["haiku", "sonnet", "opus"],
    "source": "models",
    "loaded_at": "2026-11-29T19:24:32+00:00",
    "n_swaps": 0,
    "trouble": None,
    "max_under_tier": 0.05,
    "lambda_down": 0.6,
    "lambda_up": 0.55,
    "challenger": None,
    "ladder": "claude",
    "log": "ok",
}
_READY = {"ready": True, "model": "ok", "log": "ok"}
ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("/v1/predict", "post"): {"one": _ONE, "full": _FULL, "many": _MANY},
    ("/v1/explain", "post"): {"task": _EXPLAINED},
    ("/v1/outcomes", "post"): {"one": _RECORDED, "many": _RECORDED_MANY},
    ("/v1/history/{task_type}", "get"): {"type": _HISTORY},
    ("/v1/model", "get"): {"serving": _SERVING},
    ("/healthz", "get"): {"ok": {"status": "ok"}},
    ("/readyz", "get"): {"ready": _READY},
}
_ERRORS = {
    400: ("invalid_request_error", "The body is not JSON: unexpected end of data at line 1, column 19."),
    401: ("authentication_error", "A token is needed: Authorization: Bearer TOKEN, …"),
    403: ("permission_error", "Requests of other sites' pages are not taken."),
    404: ("not_found_error", "The log holds no decision with the id '7'. …"),
    409: ("no_log", "This service keeps no log. Start it with --log, a path or a url."),
    413: ("request_too_large", "A body has at most 33,554,432 bytes. Send it in parts."),
    415: ("invalid_request_error", "Send JSON, with Content-Type: application/json."),
    422: ("invalid_task", "Unknown fact 'itmes' of a task; did you mean 'items'? …"),
    429: ("rate_limit_error", "Too many requests; the next is taken in 0.5 s."),
    503: (
        "unavailable_error",
        "The log can't be used: … Nothing that was acknowledged is lost; send it again.",
    ),
}


def failure(status: int) -> dict[str, Any] | None:
    """None for what is answered without a body."""
    if status not in _ERRORS:
        return None
    kind, message = _ERRORS[status]
    return {"type": "error", "error": {"type": kind, "message": message}}
