"""What the classifier believes about one task, laid out on the ladder in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Beliefs(NamedTuple):
    """Inputs of the decision that come from a model; all per rung of the ladder, lowest first.

    needed : P(needed tier = rung), sums to 1.
    passes : P(clean | rung), never falls up the ladder; or what works it out: few decisions need it.
    guard : reason code of a guard that found the text unreadable, else None.
    history : outcomes of the task type went in.
    lambda_down, lambda_up : the thresholds in force.
    min_pass : below this even the top tier does not suffice.
    all_fail : rung indices -> P(all of them fail this very task); None without a model.
    top_passes : whether the top rung suffices, where that is known for less than all of `passes`.
    """

    needed: tuple[float, ...]
    passes: tuple[float, ...] | Callable[[], tuple[float, ...]]
    guard: str | None
    history: bool
    lambda_down: float
    lambda_up: float
    min_pass: float
    all_fail: Callable[[tuple[int, ...]], float] | None
    top_passes: Callable[[], bool] | None = None

    @property
    def pass_(self) -> tuple[float, ...]:
        """P(clean | rung)."""
        return self.passes if isinstance(self.passes, tuple) else self.passes()

    @property
    def top_suffices(self) -> bool:
        """Whether the top rung is expected to pass at least `min_pass`."""
        return self.pass_[-1] >= self.min_pass if self.top_passes is None else self.top_passes()
