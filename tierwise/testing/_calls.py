"""What the server has served, and what that would have cost. Own arithmetic, so that it can check ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..router.ladder import Rung

CHARS_PER_TOKEN = 4


@dataclass(frozen=True)
class Call:
    """One request that reached the server.

    number : 1 for the first. endpoint : "messages", "batch_item", "count_tokens", "models", "batches".
    status : HTTP status; None where no response was sent (reset, or the client left).
    fault : kind of the injected fault, if any.
    stop_reason, usage : of the answer, as the API writes them; of a cut stream, what it announced.
    cost_usd : what is billed. is_delivered : False where the client can't have seen all of it.
    request : the parsed body.
    """

    number: int
    endpoint: str
    model: str | None
    status: int | None
    fault: str | None = None
    stop_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    cost_usd: float = 0.0
    is_delivered: bool = True
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)


def tokens_of_text(text: str) -> int:
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def tokens_in(request: Mapping[str, Any]) -> int:
    """Prompt tokens of a request: a quarter of the characters of system, messages and tools, at least 1."""
    chars = sum(_chars(request.get(part)) for part in ("system", "messages", "tools"))
    return max(math.ceil(chars / CHARS_PER_TOKEN), 1)


def _chars(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_chars(each) for key, each in value.items() if key not in ("type", "role"))
    if isinstance(value, Sequence):
        return sum(map(_chars, value))
    return 0


def billed_usd(rung: Rung, usage: Mapping[str, Any], *, batch: bool) -> float:
    """USD of one request with this usage; in a batch at the ladder's rates for batches, where it has any."""
    written = usage["cache_creation"]
    fresh, read = usage["input_tokens"], usage["cache_read_input_tokens"]
    write_5m, write_1h = written["ephemeral_5m_input_tokens"], written["ephemeral_1h_input_tokens"]
    prompt = fresh + read + write_5m + write_1h
    step = next(s for s in rung.prices if s.up_to_prompt_tokens is None or prompt <= s.up_to_prompt_tokens)
    dollars: float = fresh * step.input
    dollars += read * (step.input if step.cache_read is None else step.cache_read)
    dollars += write_5m * (step.input if step.cache_write_5m is None else step.cache_write_5m)
    dollars += write_1h * (step.input if step.cache_write_1h is None else step.cache_write_1h)
    output_rate = step.output
    if batch and step.batch_input is not None and step.batch_output is not None:
        dollars *= step.batch_input / step.input if step.input else 1.0
        output_rate = step.batch_output
    dollars += usage["output_tokens"] * output_rate
    return dollars / 1_000_000
