"""Are the ladder's facts still true? Age, retirement, and prices against genai-prices."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...classifier.errors import MissingExtra
from .ladder import Ladder
from .rung import Rung

STALE_AFTER_DAYS = 90
RETIRES_SOON_DAYS = 60
_RATES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


class Finding(NamedTuple):
    """Something to look at: the tier, what kind ("stale", "retired", …), and one sentence."""

    tier: str
    kind: str
    message: str


def age_findings(ladder: Ladder, today: datetime.date) -> Iterator[Finding]:
    """Facts not checked for long; models retired or about to be."""
    for rung in ladder.rungs:
        days = (today - rung.checked_on).days
        if days > STALE_AFTER_DAYS:
            yield Finding(rung.tier, "stale", f"facts of {rung.model} were last checked {days} days ago")
        if rung.retires_on is not None:
            left = (rung.retires_on - today).days
            instead = f"; replace it with {rung.replaced_by}" if rung.replaced_by else ""
            if left < 0:
                yield Finding(rung.tier, "retired", f"{rung.model} was retired on {rung.retires_on}{instead}")
            elif left <= RETIRES_SOON_DAYS:
                yield Finding(rung.tier, "retiring", f"{rung.model} retires on {rung.retires_on}{instead}")
        yield from _deprecation(rung)


def _deprecation(rung: Rung) -> Iterator[Finding]:
    """What the Anthropic SDK, where it is installed, says of the model."""
    try:
        from anthropic._data.deprecated_models import (  # type: ignore[import-not-found, unused-ignore]
            DEPRECATED_MODELS,
        )
    except ImportError:
        return
    if rung.model in DEPRECATED_MODELS:
        when = DEPRECATED_MODELS[rung.model]
        yield Finding(rung.tier, "deprecated", f"the SDK calls {rung.model} deprecated, end of life {when}")


def price_findings(ladder: Ladder) -> Iterator[Finding]:
    """Rates that differ from genai-prices. Raises MissingExtra where that is not installed."""
    try:
        from genai_prices.data import providers
    except ImportError as error:
        raise MissingExtra("genai-prices") from error
    by_trust = sorted(
        providers, key=lambda provider: provider.id == "anthropic"
    )  # resellers before the maker
    known = {model.id: model for provider in by_trust for model in provider.models}
    for rung in ladder.rungs:
        theirs = known.get(rung.model)
        if theirs is None:
            yield Finding(rung.tier, "unknown", f"genai-prices does not know {rung.model}")
            continue
        for ours, name in _RATES.items():
            yield from _compare(rung, ours, _steps(getattr(theirs.prices, name, None)))
        yield from _compare_bounds(rung, getattr(theirs.prices, "input_mtok", None))


def _steps(price: Any) -> list[float] | None:
    """Rates of a price of genai-prices, by rising prompt length; None where it has none."""
    if price is None:
        return None
    if hasattr(price, "tiers"):
        return [float(price.base), *(float(tier.price) for tier in price.tiers)]
    return [float(price)]


def _compare(rung: Rung, rate: str, theirs: list[float] | None) -> Iterator[Finding]:
    ours = [getattr(step, rate) for step in rung.prices]
    if theirs is None or None in ours or len(set(theirs)) < len(theirs):
        return
    expected = theirs if len(theirs) == len(ours) else theirs * len(ours)
    if [float(value) for value in ours] != expected:
        yield Finding(rung.tier, "price", f"{rate} of {rung.model} is {ours}; genai-prices has {theirs}")


def _compare_bounds(rung: Rung, price: Any) -> Iterator[Finding]:
    """Where the steps end, if both have as many; another number of steps is a finding of their rates."""
    ours = [step.up_to_prompt_tokens for step in rung.prices[:-1]]
    theirs = [tier.start for tier in getattr(price, "tiers", ())]
    if len(ours) == len(theirs) and ours != theirs:
        yield Finding(
            rung.tier, "price", f"the price steps of {rung.model} end at {ours}; genai-prices has {theirs}"
        )
