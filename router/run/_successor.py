"""What stands in for a model that is served no more."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..ladder import Ladder, Rung


class Successor(NamedTuple):
    """A rung to call in place of the retired one. is_priced : its own prices are known, by the ladder."""

    rung: Rung
    is_priced: bool


def successor_of(rung: Rung, ladder: Ladder) -> Successor | None:
    """The one that the rung names: with the shape, limits and prices of the ladder's own rung of that model,
    else with those of the retired one."""
    model = rung.replaced_by
    if model is None or model == rung.model:
        return None
    known = next((each for each in ladder.rungs if each.model == model), None)
    return Successor(known or replace(rung, model=model), known is not None)
