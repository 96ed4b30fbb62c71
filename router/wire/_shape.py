"""The request for a rung: the caller's own, but for what the rung's model doesn't accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...classifier.task import Task
from ..ladder import Rung
from ..run import Options, build_request
from ..run._request import EFFORTS, THINKING

_SAMPLING = ("temperature", "top_p", "top_k")
_ANY_TASK = Task.of_text("")


class Shaped(NamedTuple):
    """A request as the model takes it.

    needs_stream : the SDK refuses to wait so long for this many tokens without a stream.
    left_out : names of parameters that this model doesn't accept.
    """

    request: dict[str, Any]
    needs_stream: bool
    left_out: tuple[str, ...]


def reshaped(request: Mapping[str, Any], rung: Rung) -> Shaped:
    """For this rung's model. What we don't know, and values that the API will refuse, stay as they are."""
    output = _mapping(request.get("output_config"))
    options = Options(
        system=request.get("system"),
        messages=[{}],  # not read
        max_tokens=_count(request.get("max_tokens")),
        effort=output.get("effort") if output.get("effort") in EFFORTS else None,
        thinking=_known_thinking(request.get("thinking")),
        output_schema=_schema(output.get("format")),
    )
    built = build_request(_ANY_TASK, rung, options)
    found = {**request, "model": rung.model}
    if options.max_tokens is not None:
        found["max_tokens"] = built.max_tokens
    if options.effort is not None or options.output_schema is not None:
        rest = {key: each for key, each in output.items() if key not in _read_keys(options)}
        _put(found, "output_config", {**rest, **built.kwargs.get("output_config", {})})
    if options.thinking is not None:
        _put(found, "thinking", built.kwargs.get("thinking"))
    if "output_schema" in built.left_out:
        found["system"] = built.kwargs["system"]
    left_out = list(built.left_out)
    for name in _SAMPLING:
        if name in found and "sampling" not in rung.accepts:
            del found[name]
            left_out.append(name)
    return Shaped(found, built.stream and options.max_tokens is not None, tuple(left_out))


def _put(found: dict[str, Any], name: str, value: Mapping[str, Any] | None) -> None:
    if value:
        found[name] = value
    else:
        found.pop(name, None)


def _read_keys(options: Options) -> set[str]:
    read = {"effort"} if options.effort is not None else set()
    return read | {"format"} if options.output_schema is not None else read


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _known_thinking(value: Any) -> Mapping[str, Any] | None:
    kind = _mapping(value).get("type")
    if kind not in THINKING or (kind == "enabled" and _count(value.get("budget_tokens")) is None):
        return None
    return dict(value)


def _schema(value: Any) -> Mapping[str, Any] | None:
    form = _mapping(value)
    schema = form.get("schema")
    if (
        form.get("type") != "json_schema"
        or not isinstance(schema, Mapping)
        or form.keys() - {"type", "schema"}
    ):
        return None
    return schema
