"""What the API refuses with 400 or 404, per model. The words are close to the API's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..router.ladder import Rung
from ._calls import tokens_in

_SAMPLING = {"temperature", "top_p", "top_k"}
_KNOWN = {
    *("max_tokens", "messages", "model", "cache_control", "container", "diagnostics", "inference_geo"),
    *("metadata", "output_config", "service_tier", "speed", "stop_sequences", "stream", "system"),
    *("thinking", "tool_choice", "tools", "user_profile_id"),
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
_THINKING = ("enabled", "disabled", "adaptive", "between_tools")
_COUNTED = {
    *("messages", "model", "system", "thinking", "tool_choice", "tools", "output_config", "cache_control"),
}


def refusal(request: object, rungs: Mapping[str, Rung], *, counting: bool = False) -> tuple[int, str] | None:
    """Status and message, where the API would not take this request."""
    if not isinstance(request, dict):
        return 400, "The request body is not a JSON object."
    model = request.get("model")
    if not isinstance(model, str):
        return 400, "model: Field required"
    if model not in rungs:
        return 404, f"model: {model}"
    problem = next(_problems(request, rungs[model], counting=counting), None)
    return None if problem is None else (400, problem)


def _problems(request: dict[str, Any], rung: Rung, *, counting: bool) -> Iterator[str]:
    known = _COUNTED if counting else _KNOWN
    for key in request:
        if key in _SAMPLING:
            if "sampling" not in rung.accepts:
                yield f"{key}: `{key}` is not supported by {rung.model}."
        elif key not in known:
            yield f"{key}: Extra inputs are not permitted"
    if not counting:
        yield from _max_tokens_problems(request.get("max_tokens"), rung)
    yield from _message_problems(request.get("messages"))
    yield from _output_problems(request.get("output_config"), rung)
    yield from _thinking_problems(request.get("thinking"), request.get("max_tokens", 0), rung)
    window = rung.context_window_tokens
    if window is not None and tokens_in(request) > window:
        yield f"prompt is too long: {tokens_in(request)} tokens > {window} maximum"


def _max_tokens_problems(value: object, rung: Rung) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield "max_tokens: Field required"
    elif value < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    elif rung.max_output_tokens is not None and value > rung.max_output_tokens:
        yield (
            f"max_tokens: {value} > {rung.max_output_tokens}, which is the maximum allowed number of "
            f"output tokens for {rung.model}"
        )


def _message_problems(messages: object) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            yield f"messages.{place}.role: Input should be 'user' or 'assistant'"
            return
        content = message.get("content")
        blocks = isinstance(content, list) and all(isinstance(b, dict) and "type" in b for b in content)
        if not (isinstance(content, str) or blocks) or not content:
            yield f"messages.{place}: all messages must have non-empty content"
            return
    if messages[0]["role"] != "user":
        yield "messages: first message must use the user role"
    yield from _block_problems([_blocks(message) for message in messages])


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return content if isinstance(content, list) else []


def _block_problems(turns: list[list[dict[str, Any]]]) -> Iterator[str]:
    """A result of a tool stands in the turn after its use, and nowhere else."""
    if any(block["type"] == "text" and block.get("text") == "" for turn in turns for block in turn):
        yield "messages: text content blocks must be non-empty"
    uses = [_ids(turn, "tool_use", "id") for turn in turns]
    results = [_ids(turn, "tool_result", "tool_use_id") for turn in turns]
    for place in range(len(turns)):
        if results[place] - (uses[place - 1] if place else set()):
            yield f"messages.{place}: `tool_result` without its `tool_use` block in the previous message"
        if place + 1 < len(turns) and uses[place] - results[place + 1]:
            yield f"messages.{place}: `tool_use` without its `tool_result` block in the next message"


def _ids(turn: list[dict[str, Any]], kind: str, name: str) -> set[Any]:
    return {str(block.get(name)) for block in turn if block["type"] == kind}


def _output_problems(config: object, rung: Rung) -> Iterator[str]:
    if config is None:
        return
    if not isinstance(config, dict) or not config.keys() <= {"effort", "format"}:
        yield "output_config: Extra inputs are not permitted"
        return
    effort, form = config.get("effort"), config.get("format")
    if effort is not None and effort not in EFFORTS:
        yield f"output_config.effort: Input should be one of {', '.join(EFFORTS)}"
    if effort is not None and "effort" not in rung.accepts:
        yield "This model does not support the effort parameter."
    if form is not None and "structured_outputs" not in rung.accepts:
        yield f"output_config.format: structured outputs are not supported by {rung.model}."
    if form is not None and (form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict)):
        yield "output_config.format: Input should have type 'json_schema' and a schema"


def _thinking_problems(thinking: object, max_tokens: object, rung: Rung) -> Iterator[str]:
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if not isinstance(thinking, dict) or kind not in _THINKING:
        yield f"thinking.type: Input should be one of {', '.join(_THINKING)}"
    elif kind in ("adaptive", "between_tools") and "thinking" not in rung.accepts:
        yield f"thinking.type.{kind} is not supported for this model."
    elif kind == "enabled":
        budget = thinking.get("budget_tokens")
        if "thinking_budget" not in rung.accepts:
            yield '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".'
        elif not isinstance(budget, int) or budget < 1024:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        elif isinstance(max_tokens, int) and budget >= max_tokens:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
