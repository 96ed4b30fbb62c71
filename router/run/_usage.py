"""Tokens that a response reports, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..ladder import Rung
from ..ladder.prices import PER, step_for


class Usage(NamedTuple):
    """Tokens of one response. The prompt is input + cache reads + cache writes; output includes thinking."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    thinking_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    def __add__(self, other: object) -> Usage:
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(*(mine + its for mine, its in zip(self, other, strict=True)))


NO_USAGE = Usage()


def usage_of(message: Any) -> Usage:
    """Usage of an `anthropic.types.Message`."""
    usage = message.usage
    written, kinds = usage.cache_creation_input_tokens or 0, usage.cache_creation
    written_1h = 0 if kinds is None else kinds.ephemeral_1h_input_tokens
    details = usage.output_tokens_details
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens or 0,
        max(written - written_1h, 0),
        written_1h,
        0 if details is None else details.thinking_tokens or 0,
    )


def is_at_list_price(usage: Any) -> bool:
    """Whether a ladder's prices are all that this usage cost, an object of the SDK or a mapping.

    They are not for fast mode, for a priority tier, for inference in the US alone, and for web searches.
    """
    searches = _said(_said(usage, "server_tool_use"), "web_search_requests")
    return (
        not searches
        and _said(usage, "speed") != "fast"
        and _said(usage, "service_tier") != "priority"
        and _said(usage, "inference_geo") != "us"
    )


def _said(of: Any, name: str) -> Any:
    return of.get(name) if isinstance(of, Mapping) else getattr(of, name, None)


def usage_cost_usd(rung: Rung, usage: Usage, *, batch: bool = False) -> float:
    """USD of one request. The step is chosen by its whole prompt; a missing cache rate is the input rate.

    A batch rate applies where the rung has one; its discount on input holds for cached tokens too.
    """
    step = step_for(rung.prices, usage.prompt_tokens)
    read, write_5m, write_1h = (
        step.input if rate is None else rate
        for rate in (step.cache_read, step.cache_write_5m, step.cache_write_1h)
    )
    prompt = (
        usage.input_tokens * step.input
        + usage.cache_read_tokens * read
        + usage.cache_write_5m_tokens * write_5m
        + usage.cache_write_1h_tokens * write_1h
    )
    output_rate = step.output
    if batch and step.batch_input is not None and step.batch_output is not None:
        prompt *= step.batch_input / step.input if step.input else 1.0
        output_rate = step.batch_output
    return (prompt + usage.output_tokens * output_rate) / PER
