"""Messages of a conversation: turns, texts, and the tokens they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..classifier.errors import InvalidTask
from ._prompt_tokens import tokens_in

Message = Mapping[str, Any]


def checked_messages(given: Iterable[Message]) -> tuple[Message, ...]:
    """Raises InvalidTask for what `messages.create` takes no message for; what it says is never quoted."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidTask(
            f"messages must be a list, as messages.create takes it; got {type(given).__name__}.",
            about="messages",
        )
    messages = tuple(given)
    for place, message in enumerate(messages):
        wrong = _wrong_in(message)
        if wrong:
            raise InvalidTask(
                f"messages[{place}] must be a mapping with a role and a content, a text or a list of blocks; "
                f"{wrong}.",
                about="messages",
            )
    return messages


def _wrong_in(message: object) -> str | None:
    if not isinstance(message, Mapping):
        return f"got {type(message).__name__}"
    if not isinstance(message.get("role"), str):
        return "it has no role"
    if "content" not in message:
        return "it has no content"
    content = message["content"]
    return None if isinstance(content, str | list | tuple) else f"its content is {type(content).__name__}"


def is_question(message: Message) -> bool:
    """A turn of the user's own; the result of a tool can't stand without the call before it."""
    content = message["content"]
    blocks = [] if isinstance(content, str) else content
    return message["role"] == "user" and all(block.get("type") != "tool_result" for block in blocks)


def user_turn(text: str) -> Message:
    return {"role": "user", "content": text}


def tokens_of(messages: Iterable[Message]) -> int:
    """An estimate, as of what a request holds: of an image its size counts, and not its letters."""
    return sum(tokens_in(message.get("content", "")) for message in messages)


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def used_tokens(message: Any) -> int | None:
    """Tokens of the context after this answer, as the service counted them."""
    usage = getattr(message, "usage", None)
    if usage is None:
        return None
    return int(usage.input_tokens + cached_tokens(message) + usage.output_tokens)


def cached_tokens(message: Any) -> int:
    """Tokens of the context that are in the prompt cache after this answer."""
    usage = getattr(message, "usage", None)
    if usage is None:
        return 0
    return int((usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0))
