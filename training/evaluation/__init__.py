"""What a model would have been worth on a log, and whether another one earned its place.

Needs the extra `train`.
"""

from ._checks import GateReport
from .compare import Comparison, compare
from .evaluate import Evaluation, evaluate
from .gate import gate

__all__ = ["Comparison", "Evaluation", "GateReport", "compare", "evaluate", "gate"]
