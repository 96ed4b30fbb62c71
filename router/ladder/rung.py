"""One rung of the ladder."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property

from .prices import PriceStep

ROLES = ("volume", "production", "strategy")


@dataclass(frozen=True)
class Rung:
    """One tier: what it is called, what it costs and what it can hold."""

    tier: str
    model: str
    prices: tuple[PriceStep, ...]
    checked_on: datetime.date
    source: str
    role: str | None = None
    line: str | None = None
    enabled: bool = True
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    output_tokens_per_second: float | None = None
    first_token_ms: float = 0.0
    accepts: tuple[str, ...] = ()
    retires_on: datetime.date | None = None
    replaced_by: str | None = None

    @cached_property
    def has_batch(self) -> bool:
        return all(None not in (step.batch_input, step.batch_output) for step in self.prices)
