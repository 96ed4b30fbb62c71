"""Finished tasks, one row each whatever the number of attempts, with what each tier costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import InvalidTraining
from ...classifier.task import Task
from ...router.ladder import Ladder
from ...router.policy import Policy
from ...router.rules._limits import tokens_of
from ...router.rules._request_cost import rung_cost_usd
from ._retries import known_outcomes
from ._rows import Rows

Array = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
DEFAULT_CORRECTION_USD = 5.0  # five minutes of a person at 60 USD an hour, where nobody says otherwise


@dataclass(frozen=True)
class Units:
    """Tasks. rows : of `Rows`. logged : the tier of the first attempt. clean : its verdict.

    known : (n, n_tiers), 1 clean, 0 not, -1 unknown. fresh : decided on the first attempt that is in the
    log; else the log begins with a later attempt, which says nothing about how the first was chosen.
    token_usd : (n, n_tiers), sync. correction_usd : (n,).
    weights : how many tasks each stands for, those included whose verdict nobody gave.
    """

    rows: Int
    types: Int
    logged: Int
    clean: Bool
    known: NDArray[np.int8]
    fresh: Bool
    propensity: Array
    weights: Array
    token_usd: Array
    correction_usd: Array

    def __len__(self) -> int:
        return int(self.rows.size)

    def take(self, some: NDArray[np.bool_]) -> Units:
        return Units(*(getattr(self, name)[some] for name in self.__dataclass_fields__))


def units_of(
    rows: Rows,
    policy: Policy,
    ladder: Ladder,
    correction_usd: float | Mapping[str, float] | None,
    *,
    heard_ratio: float,
) -> Units:
    """The first attempts, with prices. correction_usd : of one correction, or by task type.

    heard_ratio : how many times likelier a correction is to be heard than a clean pass. A clean one that
        was heard then stands for so many times more tasks; in all they stand for what was heard.
    """
    first, known = known_outcomes(rows.outcomes, rows.answers, len(ladder.rungs))
    outcomes = rows.outcomes
    tasks = [outcomes.tasks[row] for row in first]
    return Units(
        first,
        outcomes.types[first],
        outcomes.tiers[first],
        outcomes.clean[first],
        known,
        np.array([not outcomes.failed[row] for row in first], dtype=bool),
        rows.propensity[first],
        _as_if_all_heard(rows.weights[first], outcomes.clean[first], heard_ratio),
        np.array([_token_usd(task, policy, ladder) for task in tasks]),
        np.array([correction_of(task.task_type, policy, correction_usd) for task in tasks]),
    )


def _as_if_all_heard(weights: Array, clean: Bool, heard_ratio: float) -> Array:
    if heard_ratio == 1.0:
        return weights
    raised = weights * np.where(clean, heard_ratio, 1.0)
    return np.asarray(raised * (weights.sum() / raised.sum()))


def correction_of(task_type: str | None, policy: Policy, given: float | Mapping[str, float] | None) -> float:
    """USD of a correction: what the caller says, else the policy, else DEFAULT_CORRECTION_USD."""
    if isinstance(given, Mapping):
        given = given.get(task_type or "")
    if given is None:
        given = policy.correction_cost_usd(task_type)
    return DEFAULT_CORRECTION_USD if given is None else float(given)


def check_correction(given: float | Mapping[str, float] | None) -> None:
    """Raises InvalidTraining for a price that is none."""
    prices = given.items() if isinstance(given, Mapping) else [("correction_usd", given)]
    for name, price in prices:
        wrong = isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 <= price < np.inf
        if price is not None and wrong:
            raise InvalidTraining(
                f"The price of a correction ({name}) must be a number of USD >= 0; got {price!r}.",
                about=price,
            )


def _token_usd(task: Task, policy: Policy, ladder: Ladder) -> list[float]:
    tokens = tokens_of(task, policy, ladder.unit)
    return [rung_cost_usd(rung, tokens, task, batch=False) for rung in ladder.rungs]
