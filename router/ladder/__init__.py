"""The ladder: tiers as data, with prices, limits and the date and source of each fact."""

from .ladder import Ladder, default_ladder
from .rung import Rung

__all__ = ["Ladder", "Rung", "default_ladder"]
