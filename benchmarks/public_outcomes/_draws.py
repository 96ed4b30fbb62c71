"""One draw: which tier was logged for each task, and which tasks a fit may see.

Every fold is predicted by a router fitted to the others, so each draw judges all tasks. A draw's folds
and logged tiers both come from its seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from ._outcomes import TIERS, Outcomes
from ._slot import Beliefs, Router

LOGGED_SHARE = (0.3, 0.5, 0.2)
N_FOLDS = 5


def logged_tiers(n_tasks: int, seed: int) -> NDArray[np.int64]:
    """(n_tasks,): the one tier whose outcome the log holds."""
    return np.random.default_rng([seed, 0]).choice(len(TIERS), n_tasks, p=LOGGED_SHARE)


def folds_by_task(n_tasks: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 1]).permutation(n_tasks) % N_FOLDS


def folds_by(column: pd.Series, seed: int) -> NDArray[np.int64]:
    """(n_tasks,): whole types, or whole sources, held out together; at most N_FOLDS groups of them."""
    codes, values = pd.factorize(column)
    return folds_by_task(len(values), seed)[codes]


def log_of(outcomes: Outcomes, logged: NDArray[np.int64]) -> pd.DataFrame:
    """The log that a router learns from: a row a task, the outcome of one tier."""
    passed = outcomes.passed[np.arange(len(outcomes)), logged]
    return pd.DataFrame(
        {
            "specification": outcomes.tasks["specification"],
            "task_type": outcomes.tasks["task_type"],
            "tier": np.array(TIERS)[logged],
            "verdict": np.where(passed, "clean", "failed"),
        }
    )


def drawn(
    pool: Executor, router: Router, outcomes: Outcomes, splits: Sequence[NDArray[np.int64]], title: str
) -> list[Beliefs]:
    """Beliefs of every draw, by its folds; the draws' numbers are their seeds."""
    runs = pool.map(partial(cross_fitted, router, outcomes), splits, range(len(splits)))
    return list(tqdm(runs, total=len(splits), desc=title, leave=False))


def cross_fitted(router: Router, outcomes: Outcomes, folds: NDArray[np.int64], seed: int) -> Beliefs:
    """Beliefs about every task, each from a fit that has not seen its fold.

    A log's order is its time, which these outcomes do not have: in the files' order the latest rows would
    be those of one source. So the rows of a fit come in a random one.
    """
    log = log_of(outcomes, logged_tiers(len(outcomes), seed))
    parts = []
    for fold in np.unique(folds):
        held_out = np.flatnonzero(folds == fold)
        train = log[folds != fold].sample(frac=1.0, random_state=seed)
        fitted = router.fit(train.reset_index(drop=True))
        shown = log.loc[held_out, ["specification", "task_type"]].reset_index(drop=True)
        parts.append((held_out, fitted.beliefs(shown)))
    return Beliefs.pieced(parts, len(outcomes))
