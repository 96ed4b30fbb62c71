"""Everything between a task and its pass probabilities. Imports nothing else of tierwise."""

from .belief.posterior import Posterior
from .errors import TierwiseError
from .model import TierModel
from .task import Task

__all__ = ["Posterior", "Task", "TierModel", "TierwiseError"]
