"""The slot for routers, and what every fitted router is asked.

A router learns from a frame with one row a finished task (specification, task_type, tier, verdict) and
answers for a frame of specification and task_type. To measure another one, add it to ROUTERS in
`__main__`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._outcomes import TIERS

Array = NDArray[np.float64]
Rungs = tuple[int, ...]
PLANS: tuple[Rungs, ...] = tuple(
    rungs for size in range(1, len(TIERS) + 1) for rungs in combinations(range(len(TIERS)), size)
)


@dataclass(frozen=True)
class Beliefs:
    """What a router believes of n tasks.

    pass_ : (n, n_tiers).
    fail_together : (n, n_plans): P(every rung of the plan fails this task), in the order of PLANS.
    """

    pass_: Array
    fail_together: Array

    @classmethod
    def independent(cls, pass_: Array) -> Beliefs:
        """Tiers fail independently of one another, for all that the router knows."""
        return cls(pass_, np.stack([np.prod(1 - pass_[:, list(rungs)], axis=1) for rungs in PLANS], axis=1))

    @classmethod
    def pieced(cls, parts: Sequence[tuple[NDArray[np.int64], Beliefs]], n_tasks: int) -> Beliefs:
        """Beliefs of all tasks from those of each fold."""
        pass_, fail = np.empty((n_tasks, len(TIERS))), np.empty((n_tasks, len(PLANS)))
        for rows, part in parts:
            pass_[rows], fail[rows] = part.pass_, part.fail_together
        return cls(pass_, fail)


class Fitted(Protocol):
    """A fitted router."""

    def beliefs(self, test: pd.DataFrame) -> Beliefs:
        """Of tasks that it has not seen: rows of specification and task_type."""


class Router(Protocol):
    """Anything that learns from logged outcomes."""

    def fit(self, train: pd.DataFrame) -> Fitted:
        """Learn from rows of specification, task_type, tier, verdict."""
