"""Which task types are ready to go down, which must go up, on what evidence, and what it would save."""

from ._movement import Movement, Movements
from ._movements import WORTH_USD_PER_MONTH, movements
from ._work import Judged, Recurring, Work

__all__ = ["WORTH_USD_PER_MONTH", "Judged", "Movement", "Movements", "Recurring", "Work", "movements"]
