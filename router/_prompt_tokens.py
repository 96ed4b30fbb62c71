"""How many tokens a request's prompt has, roughly, without asking anybody."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ._plain import plain, read_of

BYTES_PER_TOKEN = 4.0  # of UTF-8, so that scripts with longer characters count more
IMAGE_TOKENS = 1_600  # of an image at the size to which the API scales larger ones
FILE_TOKENS = 3_000  # of a document that is only named: about two pages
PDF_BYTES_PER_TOKEN = 25.0  # a page is some 50 KB and some 2,000 tokens
_NOT_READ = {"type", "cache_control", "signature", "media_type", "encrypted_content", "id", "tool_use_id"}


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """Of system, tools and messages; at least 1."""
    read = read_of(request)
    return max(sum(math.ceil(_tokens(read[part])) for part in ("system", "tools", "messages")), 1)


def tokens_in(value: Any) -> int:
    return math.ceil(_tokens(plain(value)))


def _tokens(value: Any) -> float:
    if isinstance(value, str):
        return _bytes_of(value) / BYTES_PER_TOKEN
    if isinstance(value, list):
        return sum(map(_tokens, value))
    if isinstance(value, dict):
        kind, source = value.get("type"), value.get("source")
        if kind == "image":
            return IMAGE_TOKENS
        if kind == "document" and isinstance(source, dict):
            return _document_tokens(source) + _tokens([value.get("title"), value.get("context")])
        pairs = ((key, each) for key, each in value.items() if key not in _NOT_READ)
        return sum(len(key) / BYTES_PER_TOKEN + _tokens(each) for key, each in pairs)
    return 0.0 if value is None else 1.0


def _document_tokens(source: Mapping[str, Any]) -> float:
    kind, data = source.get("type"), source.get("data")
    if kind == "base64" and isinstance(data, str):
        return len(data) * 0.75 / PDF_BYTES_PER_TOKEN
    if kind == "text":
        return _tokens(data)
    return _tokens(source["content"]) if "content" in source else FILE_TOKENS


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
