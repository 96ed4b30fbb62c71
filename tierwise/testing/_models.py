"""The models endpoint: the ladder's rungs as the API describes models."""

from __future__ import annotations

from typing import Any

from ..router.ladder import Rung
from ._validate import EFFORTS

_OTHERS = ("citations", "code_execution", "image_input", "pdf_input")


def model_info(rung: Rung, *, retired: bool) -> dict[str, Any]:
    """A ModelInfo, with what the rung says about limits and accepted parameters."""
    effort, thinking = "effort" in rung.accepts, "thinking" in rung.accepts
    types = {
        "adaptive": thinking,
        "between_tools": thinking,
        "disabled": True,
        "enabled": "thinking_budget" in rung.accepts,
    }
    capabilities: dict[str, Any] = {name: _supported(False) for name in _OTHERS}
    capabilities["batch"] = _supported(rung.has_batch)
    capabilities["structured_outputs"] = _supported("structured_outputs" in rung.accepts)
    capabilities["effort"] = {"supported": effort, **{level: _supported(effort) for level in EFFORTS}}
    capabilities["thinking"] = {
        "supported": thinking,
        "types": {name: _supported(value) for name, value in types.items()},
    }
    capabilities["context_management"] = {"supported": False}
    capabilities["server_tools"] = {"supported": False, "code_execution": _supported(False)}
    return {
        "id": rung.model,
        "type": "model",
        "display_name": rung.model.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "deprecated_at": None,
        "lifecycle": "retired" if retired else "active",
        "line": rung.line,
        "max_input_tokens": rung.context_window_tokens,
        "max_tokens": rung.max_output_tokens,
        "retires_at": rung.retires_on.isoformat() + "T00:00:00Z" if rung.retires_on else None,
        "capabilities": capabilities,
    }


def page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """A page of a list, as all of the API's lists are cut: limit, after_id, before_id."""
    ids = [each["id"] for each in items]
    limit = int(query.get("limit", ["20"])[0])
    after, before = query.get("after_id", [None])[0], query.get("before_id", [None])[0]
    if after in ids:
        items = items[ids.index(after) + 1 :]
    elif before in ids:
        items = items[max(ids.index(before) - limit, 0) : ids.index(before)]
    shown = items[:limit]
    return {
        "data": shown,
        "has_more": len(items) > limit,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _supported(value: bool) -> dict[str, bool]:
    return {"supported": value}
