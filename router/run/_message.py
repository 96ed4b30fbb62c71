"""Whether an answer is what the Messages API promises, looked at before anything of it is read.

The SDK takes any JSON for a message; a proxy, a gateway or a wrong base_url can answer with status 200, too.
"""

from __future__ import annotations

from typing import Any

_MAX_TOKENS = 2**31 - 1
_MAX_STOP_REASON_CHARS = 100
_COUNTS = ("input_tokens", "output_tokens")
_OPTIONAL_COUNTS = ("cache_read_input_tokens", "cache_creation_input_tokens")
_PARTS = (("cache_creation", "ephemeral_1h_input_tokens"), ("output_tokens_details", "thinking_tokens"))


def wrong_in(message: Any) -> str | None:
    """What isn't as the API writes it, in words that quote nothing; None for a message.

    A stop reason may be missing: then the answer broke off.
    """
    if not all(hasattr(message, name) for name in ("content", "usage", "stop_reason")):
        return f"it is {_named(message)}"
    return _wrong_in_content(message.content) or wrong_in_usage(message.usage) or _wrong_in_stop(message)


def wrong_in_usage(usage: Any) -> str | None:
    """The same of a message's usage: whole numbers of tokens, none below 0."""
    if not all(hasattr(usage, name) for name in (*_COUNTS, *_OPTIONAL_COUNTS)):
        return f"usage is {_named(usage)}"
    for name in (*_COUNTS, *_OPTIONAL_COUNTS):
        count = getattr(usage, name)
        if not (_is_count(count) or (count is None and name in _OPTIONAL_COUNTS)):
            return f"usage.{name} is {_named(count)}"
    for part, name in _PARTS:
        details = getattr(usage, part, None)
        count = getattr(details, name, None)
        if details is not None and count is not None and not _is_count(count):
            return f"usage.{part}.{name} is {_named(count)}"
        if details is not None and not hasattr(details, name):
            return f"usage.{part} is {_named(details)}"
    return None


def _wrong_in_content(content: Any) -> str | None:
    if not isinstance(content, list):
        return f"content is {_named(content)}"
    for place, block in enumerate(content):
        kind = getattr(block, "type", None)
        if not isinstance(kind, str):
            return f"content.{place} has no type"
        if kind == "text" and not isinstance(getattr(block, "text", None), str):
            return f"content.{place}.text is {_named(getattr(block, 'text', None))}"
    return None


def _wrong_in_stop(message: Any) -> str | None:
    reason = message.stop_reason
    if reason is None:
        return None
    if not isinstance(reason, str):
        return f"stop_reason is {_named(reason)}"
    fine = reason.isprintable() and len(reason) <= _MAX_STOP_REASON_CHARS
    return None if fine else "stop_reason is no name"


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MAX_TOKENS


def _named(value: Any) -> str:
    """What a value is, without its text."""
    if value is None:
        return "missing"
    return f"the number {value:g}" if type(value) in (int, float) else f"of type {type(value).__name__}"
