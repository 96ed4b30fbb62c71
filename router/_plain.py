"""Requests as Python callers write them: objects of the SDK, tuples and iterators among plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_LISTS = ("messages", "system", "tools")


def listed(request: Mapping[str, Any]) -> dict[str, Any]:
    """The same request; what can be read only once has become a list. Everything else is the caller's own."""
    found = {name: _as_list(value) if name in _LISTS else value for name, value in request.items()}
    messages = found.get("messages")
    if isinstance(messages, list):
        found["messages"] = [
            {**message, "content": _as_list(message["content"])}
            if isinstance(message, Mapping) and isinstance(message.get("content"), Iterator)
            else message
            for message in messages
        ]
    return found


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


def plain(value: Any) -> Any:
    """Dicts, lists and scalars, to be read only; what is neither stands as its type's name."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "to_dict"):  # a block or message of the SDK
        return plain(value.to_dict())
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        return type(value).__name__
    return [plain(each) for each in value]


class Read(dict[str, Any]):
    """What is read of a request, plain already: a long conversation is not walked again and again."""


def read_of(request: Mapping[str, Any]) -> Read:
    if isinstance(request, Read):
        return request
    return Read((name, plain(request.get(name))) for name in ("cache_control", *_LISTS))


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Content as blocks; a text is one block, and what is no block is left out."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
