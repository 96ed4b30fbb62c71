"""From a task and a rung to a request in the shape that the rung's model accepts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ...classifier.errors import InvalidRequest, suggestion
from ...classifier.task import Task
from ..ladder import Rung
from ._given import or_default

DEFAULT_MAX_TOKENS = 8_192
MAX_TOKENS_WITHOUT_STREAM = 21_333  # above, the SDK refuses to wait without a stream (10 minutes at most)
MIN_THINKING_TOKENS = 1_024  # the API's minimum of budget_tokens
EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING = ("adaptive", "disabled", "between_tools", "enabled")
PASSED_ON = (
    *("cache_control", "container", "diagnostics", "inference_geo", "metadata", "service_tier", "speed"),
    *("stop_sequences", "tool_choice", "tools", "user_profile_id", "workspace_id"),
    *("extra_headers", "extra_query", "extra_body"),
)
_BESIDE_THE_BODY = ("extra_headers", "extra_query", "user_profile_id", "workspace_id")
_OUR_OWN = {"model": "the decision's", "stream": "decided by max_tokens; see Options.stream"}


@dataclass(frozen=True)
class Options:
    """What a request says beyond the task's specification.

        Options(system="You write for a bakery.", effort="low", output_schema={"type": "object", ...})

    Parameters
    ----------
    system, messages : as `messages.create` takes them; the default message is the task's specification.
    max_tokens : where the output ends (default: twice the task's output_tokens, at least 8,192), never
        above the model's cap. It is raised where an answer was cut off; see `Limits`.
    effort : "low" to "max". thinking : a type ("adaptive", "disabled", "between_tools"), or a mapping such as
        {"type": "enabled", "budget_tokens": 4000}.
    output_schema : a JSON schema that the answer must fit.
    stream : True: always in a stream, so that tokens of an answer that breaks off are known.
    other : all else that `messages.create` takes, unchanged: tools, stop_sequences, metadata, ...

    What a model doesn't accept is translated or left out (see `Request.left_out`), so that a change of tier
    never breaks a call. Raises InvalidRequest for names and values that no model takes.
    """

    system: str | Sequence[Mapping[str, Any]] | None = None
    messages: Sequence[Mapping[str, Any]] | None = None
    max_tokens: int | None = None
    effort: str | None = None
    thinking: str | Mapping[str, Any] | None = None
    output_schema: Mapping[str, Any] | None = None
    stream: bool = False
    other: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.effort is not None and self.effort not in EFFORTS:
            _refuse("effort", self.effort, EFFORTS)
        kind = self.thinking.get("type") if isinstance(self.thinking, Mapping) else self.thinking
        if kind is not None and kind not in THINKING:
            _refuse("thinking", kind, THINKING)
        budget = self.thinking.get("budget_tokens") if isinstance(self.thinking, Mapping) else None
        if kind == "enabled" and not isinstance(budget, int):
            raise InvalidRequest(
                'thinking of type "enabled" needs budget_tokens, a whole number: '
                '{"type": "enabled", "budget_tokens": 4000}. Or give "adaptive".',
                about="thinking",
            )
        tokens = self.max_tokens
        if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
            raise InvalidRequest(
                f"max_tokens must be a whole number >= 1; got {tokens!r}.", about="max_tokens"
            )
        if self.messages is not None and not self.messages:
            raise InvalidRequest(
                "messages is empty; leave it out to send the specification.", about="messages"
            )
        for name in self.other:
            if name not in PASSED_ON:
                own = _OUR_OWN.get(name)
                why = f" ({own})." if own else suggestion(name, PASSED_ON)
                raise InvalidRequest(f"{name!r} can't be passed on{why} {_allowed()}", about=name)

    @property
    def beside_the_body(self) -> str | None:
        """What is sent beside the body of a request: no item of a batch can have it."""
        return next((name for name in self.other if name in _BESIDE_THE_BODY), None)

    def with_max_tokens(self, max_tokens: int) -> Options:
        return replace(self, max_tokens=max_tokens)


class Request(NamedTuple):
    """Keyword arguments of `messages.create`, and how to send them.

    left_out : names of options that this model doesn't accept.
    """

    kwargs: dict[str, Any]
    stream: bool
    left_out: tuple[str, ...]

    @property
    def max_tokens(self) -> int:
        return int(self.kwargs["max_tokens"])


def build_request(task: Task, rung: Rung, options: Options | None = None) -> Request:
    """The request for this task in the shape of this rung.

    >>> from tierwise import Ladder, Task
    >>> haiku = Ladder.load().rungs[0]
    >>> build_request(Task("Tag these tickets"), haiku).kwargs["model"]
    'claude-haiku-5-5'
    """
    options = or_default(options, Options)
    left_out: list[str] = []
    max_tokens = max_tokens_of(task, rung, options)
    messages = options.messages
    if messages is None:
        messages = [{"role": "user", "content": task.specification}]
    kwargs = {**options.other, "model": rung.model, "max_tokens": max_tokens, "messages": list(messages)}
    system = options.system
    output: dict[str, Any] = {}
    if options.effort is not None:
        if "effort" in rung.accepts:
            output["effort"] = options.effort
        else:
            left_out.append("effort")
    if options.output_schema is not None:
        if "structured_outputs" in rung.accepts:
            output["format"] = {"type": "json_schema", "schema": dict(options.output_schema)}
        else:
            system = _asking_for(options.output_schema, system)
            left_out.append("output_schema")
    if output:
        kwargs["output_config"] = output
    thinking = _thinking_of(options.thinking, rung, max_tokens, left_out)
    if thinking is not None:
        kwargs["thinking"] = thinking
    if system is not None:
        kwargs["system"] = system
    return Request(kwargs, options.stream or max_tokens > MAX_TOKENS_WITHOUT_STREAM, tuple(left_out))


def max_tokens_of(task: Task, rung: Rung, options: Options) -> int:
    """The caller's, else twice what the task is expected to write; never above the rung's cap."""
    wanted = options.max_tokens
    if wanted is None:
        wanted = max(DEFAULT_MAX_TOKENS, 2 * (task.output_tokens or 0))
    return wanted if rung.max_output_tokens is None else min(wanted, rung.max_output_tokens)


def _thinking_of(
    wanted: str | Mapping[str, Any] | None, rung: Rung, max_tokens: int, left_out: list[str]
) -> dict[str, Any] | None:
    """A fixed budget becomes adaptive where only that is accepted; a budget stays below max_tokens."""
    if wanted is None:
        return None
    config = {"type": wanted} if isinstance(wanted, str) else dict(wanted)
    if config["type"] == "disabled":
        return config
    if config["type"] == "enabled":
        if "thinking_budget" in rung.accepts and max_tokens > MIN_THINKING_TOKENS:
            budget = max(MIN_THINKING_TOKENS, min(config["budget_tokens"], max_tokens - 1))
            return {**config, "budget_tokens": budget}
        left_out.append("thinking.budget_tokens")
        config = {"type": "adaptive"}
    if "thinking" in rung.accepts:
        return config
    left_out.append("thinking")
    return None


def _asking_for(
    schema: Mapping[str, Any], system: str | Sequence[Mapping[str, Any]] | None
) -> str | list[Mapping[str, Any]]:
    """The system prompt, with the schema in words for models that can't be bound to one."""
    asked = f"Answer with one JSON value and nothing else. It must fit this JSON schema: {json.dumps(schema)}"
    if system is None:
        return asked
    if isinstance(system, str):
        return f"{system}\n\n{asked}"
    return [*system, {"type": "text", "text": asked}]


def _refuse(name: str, value: object, allowed: Sequence[str]) -> None:
    raise InvalidRequest(
        f"{name} must be one of {', '.join(allowed)}; got {value!r}{suggestion(value, allowed)}", about=name
    )


def _allowed() -> str:
    return f"Passed on unchanged: {', '.join(PASSED_ON)}."
