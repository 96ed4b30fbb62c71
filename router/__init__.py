"""Turns pass probabilities into a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._decisions import Decisions
from .decision import Decision
from .ladder import Ladder
from .ladder.tier import Tier
from .policy import Policy
from .predict import predict_tier, predict_tiers

if TYPE_CHECKING:
    from .canary import Canary

__all__ = ["Canary", "Decision", "Decisions", "Ladder", "Policy", "Tier", "predict_tier", "predict_tiers"]


def __getattr__(name: str) -> Any:
    if name != "Canary":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .canary import Canary  # for those who try a challenger; a decision needs none

    globals()[name] = Canary
    return Canary
