"""What the classifier believes about one task, laid out on the ladder in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Beliefs(NamedTuple):
    """Inputs of the decision that come from a model; all per rung of the ladder, lowest first.

    needed : P(needed tier = rung), sums to 1.
    pass_ : P(clean | rung), never falls up the ladder.
    guard : reason code of a guard that found the text unreadable, else None.
    history : outcomes of the task type went in.
    lambda_down, lambda_up : the thresholds in force.
    min_pass : below this even the top tier does not suffice.
    all_fail : rung indices -> P(all of them fail this very task); None without a model.
    """

    needed: tuple[float, ...]
    pass_: tuple[float, ...]
    guard: str | None
    history: bool
    lambda_down: float
    lambda_up: float
    min_pass: float
    all_fail: Callable[[tuple[int, ...]], float] | None
