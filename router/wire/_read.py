"""From a request to the task in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...classifier.errors import InvalidTask
from ...classifier.task import MAX_SPECIFICATION_CHARS, Task
from .._plain import blocks_of, read_of
from .._prompt_tokens import prompt_tokens
from ._facts import FOLLOWS, check_facts

_CUT = "\n[...]\n"


def specification_of(request: Mapping[str, Any], *, with_system: bool = False) -> str:
    """The text of the last user message that has any.

    A message of tool results alone goes on with the task before it. Images, documents and tool results are
    material and not the instruction: they count as tokens only. The system prompt is read `with_system`.
    """
    read = read_of(request)
    messages: list[Any] = read["messages"] if isinstance(read["messages"], list) else []
    said = ""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            said = _text(message.get("content"))
            if said.strip():
                break
    if with_system:
        said = "\n\n".join(part for part in (_text(read["system"]), said) if part.strip())
    return _routable(said)


def task_of_request(
    request: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    *,
    known: Mapping[str, Any] | None = None,
    with_system: bool = False,
) -> Task:
    """The task, its input tokens estimated; what the caller says goes before what is `known`.

    facts : of `Task`, and `specification` where the caller says better what is asked. A cap (`max_tokens`) is
    no expectation, so output tokens are only what the caller says.

    Raises InvalidTask.
    """
    given = {name: value for name, value in (facts or {}).items() if name != FOLLOWS}
    check_facts(given)
    if given.get("deterministic"):
        raise InvalidTask(
            "deterministic=True says that no model is needed, but one is asked here. Leave the call out, or "
            "the fact.",
            about="deterministic",
        )
    found: dict[str, Any] = {"deterministic": False, **(known or {})}
    if "input_tokens" not in found:
        found["input_tokens"] = prompt_tokens(request)
    if {
        "input_tokens",
        "cached_tokens",
        "session_tier",
    } & given.keys():  # then its own are not mixed with ours
        found.pop("cached_tokens", None)
        found.pop("session_tier", None)
    found.update(given)
    if "specification" not in found:
        found["specification"] = specification_of(request, with_system=with_system)
    return Task(**found)


def _text(content: Any) -> str:
    texts = [block.get("text") for block in blocks_of(content) if block.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _routable(text: str) -> str:
    """What the API takes and a task refuses is left out of what is routed: the request keeps it."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    text = text.replace("\x00", " ")
    if len(text) > MAX_SPECIFICATION_CHARS:  # instructions stand at the ends
        half = (MAX_SPECIFICATION_CHARS - len(_CUT)) // 2
        text = text[:half] + _CUT + text[-half:]
    return text
