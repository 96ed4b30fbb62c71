"""What a request costs. Prompt-length steps price the whole request, not only what exceeds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...classifier.errors import InvalidLadder, suggestion

PER = 1_000_000  # prices are USD per million units


@dataclass(frozen=True)
class PriceStep:
    """Rates, in USD per million tokens, of requests with at most this many prompt tokens."""

    input: float
    output: float
    up_to_prompt_tokens: int | None = None
    cache_read: float | None = None
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None
    batch_input: float | None = None
    batch_output: float | None = None

    @classmethod
    def parse_all(cls, tables: Sequence[dict[str, Any]], where: str) -> tuple[PriceStep, ...]:
        """Steps in order of their bound; the last must have none."""
        steps = tuple(cls._parse(table, where) for table in tables)
        bounds = [step.up_to_prompt_tokens for step in steps]
        inner = [bound for bound in bounds[:-1] if bound is not None]
        if bounds[-1] is not None or len(inner) < len(bounds) - 1 or inner != sorted(set(inner)):
            raise InvalidLadder(
                f"The price steps of {where} must rise in up_to_prompt_tokens, and the last must have "
                f"no bound; got {bounds}.",
                about=bounds,
            )
        return steps

    @classmethod
    def _parse(cls, table: dict[str, Any], where: str) -> PriceStep:
        known = cls.__dataclass_fields__
        for key in ("input", "output"):
            if key not in table:
                raise InvalidLadder(f"A price of {where} lacks {key!r} (USD per million tokens).", about=key)
        for key, value in table.items():
            if key not in known:
                raise InvalidLadder(
                    f"A price of {where} has an unknown rate {key!r}{suggestion(key, known)}", about=key
                )
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise InvalidLadder(f"{key} of {where} must be a number >= 0; got {value!r}.", about=value)
        return cls(**table)


def step_for(steps: Sequence[PriceStep], prompt_tokens: int) -> PriceStep:
    """The step that a request of this prompt length falls into."""
    for step in steps:
        if step.up_to_prompt_tokens is None or prompt_tokens <= step.up_to_prompt_tokens:
            return step
    return steps[-1]


def token_cost_usd(
    steps: Sequence[PriceStep],
    *,
    input_tokens: float,
    output_tokens: float,
    cached_tokens: float = 0,
    written_tokens: float = 0,
    requests: int = 1,
    batch: bool = False,
) -> float:
    """USD for a task of `requests` equal requests; all token counts are of the whole task.

    Cached tokens are part of `input_tokens` and billed at the cache-read rate, written ones are another
    part, billed at the rate of a five-minute write (both at the input rate where the rung has no other). A
    batch halves what it has batch rates for; the step is chosen by the prompt of one request, because the
    limit holds per request.
    """
    step = step_for(steps, math.ceil(input_tokens / requests))
    input_rate, output_rate = step.input, step.output
    cache_rate = step.cache_read if step.cache_read is not None else step.input
    write_rate = step.cache_write_5m if step.cache_write_5m is not None else step.input
    if batch and step.batch_input is not None and step.batch_output is not None:
        if step.input:
            cache_rate *= step.batch_input / step.input  # the batch discount stacks with the cache's
            write_rate *= step.batch_input / step.input
        input_rate, output_rate = step.batch_input, step.batch_output
    fresh_tokens = input_tokens - cached_tokens - written_tokens
    prompt = fresh_tokens * input_rate + cached_tokens * cache_rate + written_tokens * write_rate
    return (prompt + output_tokens * output_rate) / PER
