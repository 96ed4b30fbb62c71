"""The features of a task besides its words: what the caller knows about it.

Only facts that describe the *work* are features. Facts that describe the caller or the session
(role, live, budgets, context used) are rules of the router: a constant of the caller must never
sway the classifier.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..task import Task

FACT_FEATURES = ("items_known", "log_items", "items_over_ten")


def fact_features(task: Task) -> NDArray[np.float32] | None:
    """(n_facts,) values in the order of FACT_FEATURES; None where no fact is known."""
    if task.items is None:
        return None
    items = task.items
    return np.array([1.0, min(math.log1p(items), 7.0) / 7.0, float(items > 10)], dtype=np.float32)
