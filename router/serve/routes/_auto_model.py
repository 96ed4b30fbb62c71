"""The model "auto" as the API describes models, so that a client that looks for it finds it."""

from __future__ import annotations

from typing import Any

import orjson

from ...wire._facts import AUTO_MODELS

_DESCRIBED: dict[str, Any] = {
    "type": "model",
    "display_name": "tierwise: the tier that each task needs",
    "created_at": "2026-01-01T00:00:00Z",
    "lifecycle": "active",
    # these depend on the tier:
    **dict.fromkeys(("line", "capabilities", "max_input_tokens", "max_tokens")),
    **dict.fromkeys(("deprecated_at", "retires_at")),
}


def auto_model(name: str) -> bytes:
    """A ModelInfo of ours."""
    return orjson.dumps({"id": name, **_DESCRIBED})


def listed_first(body: bytes) -> bytes:
    """The first page of the API's models with ours before them; as it was where it is no such page.

    `first_id`, `last_id` and `has_more` stay the API's: the next page is asked for with them.
    """
    try:
        page = orjson.loads(body)
        page["data"] = [{"id": AUTO_MODELS[0], **_DESCRIBED}] + page["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body
    return orjson.dumps(page)
