"""Turns pass probabilities into a decision."""

from .canary import Canary
from .decision import Decision
from .ladder import Ladder
from .policy import Policy
from .predict import Decisions, predict_tier, predict_tiers
from .tier import Tier

__all__ = ["Canary", "Decision", "Decisions", "Ladder", "Policy", "Tier", "predict_tier", "predict_tiers"]
