"""Worlds: how likely each tier is to do a task well, what it costs, and which verdicts are heard.

P(clean | task i of type j, tier t) = (1 - epsilon) * sigmoid(f_t + effects of j + v_i), v shared by
all attempts at a task. The text gives f; what it does not say is a level per type and a deviation
per boundary. `first` is the learner's own model; `additive` adds the deviations to the tiers and
keeps order by a running maximum; `broken` has heavy tails, tiers that are worse than the one below
them, and a reviewer whose mood moves all verdicts of a type and week.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

TIERS = ("haiku", "sonnet", "opus")
_LARGEST_LOGIT, _STEPS_PER_LOGIT = 25, 1000  # P(clean) is looked up, exact to 2e-4
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


@dataclass(frozen=True)
class World:
    """Parameters, on the logit scale unless they are shares or prices.

    The text's means and spreads are chosen so that each tier is best for a fair share of types (over
    a quarter) and that best constant, table and posterior come near the regrets in the design.
    """

    name: str = "first"
    additive: bool = False
    sigma: float = 1.2  # of a type's level
    tau: float = 0.8  # of a type's deviation per boundary
    omega: float = 1.0  # of a single task, shared by its attempts
    epsilon: float = 0.03  # outcomes that no tier avoids
    text_mean: tuple[float, float, float] = (1.5, 2.0, 3.0)  # Haiku's logit, and each gap before softplus
    text_sd: tuple[float, float, float] = (2.5, 1.0, 1.0)
    within: float = 0.0  # of tasks about the text of their type
    text_noise: float = 0.0  # of what the router reads about what the text means
    degrees: float = math.inf  # of freedom, of the type effects' Student t
    non_monotone: float = 0.0  # share of types with a tier that is worse than the one below it
    mood: float = 0.0  # of what all verdicts of a type and week share
    hazard: float = 0.0  # a week: the type turns, its effects are drawn anew
    heard_clean: float = 1.0  # share of clean passes that somebody reports
    heard_corrected: float = 1.0
    prices: tuple[float, float, float] = (1.0, 3.0, 5.0)
    correction: float = 15.0

    def cost(self, pass_: Array) -> Array:
        """Expected cost per tier: its price, and the correction where it fails."""
        return np.asarray(self.prices) + self.correction * (1 - pass_)

    def cheapest(self, pass_: Array) -> Integers:
        """The tier of least expected cost."""
        tiers: Integers = self.cost(pass_).argmin(axis=1)
        return tiers

    def pass_(self, logits: Array) -> Array:
        """P(clean) with the task's residual, and the week's mood, integrated out."""
        table = _pass_table(self.epsilon, math.hypot(self.omega, self.mood))
        steps = logits * _STEPS_PER_LOGIT
        steps += _LARGEST_LOGIT * _STEPS_PER_LOGIT + 0.5
        return table.take(steps.astype(np.int32), mode="clip")

    def logits(self, f: Array, level: Array, lower: Array, upper: Array) -> tuple[Array, Array, Array]:
        """Of each tier, for texts `f` (..., 3) and effects that broadcast against f[..., 0].

        Haiku's has the shape of the level, Sonnet's that of level and lower deviation: on a grid over
        the effects only Opus needs every point.
        """
        haiku = f[..., 0] + level
        if self.additive:
            sonnet = np.maximum(haiku, f[..., 1] + level + lower)
            return haiku, sonnet, np.maximum(sonnet, f[..., 2] + level + upper)
        sonnet = haiku + np.logaddexp(0, gap_of(f[..., 1] - f[..., 0]) + lower)
        return haiku, sonnet, sonnet + np.logaddexp(0, gap_of(f[..., 2] - f[..., 1]) + upper)

    def reported(self, pass_: Array) -> Array:
        """The share of clean passes among the verdicts that are heard."""
        clean, corrected = self.heard_clean * pass_, self.heard_corrected * (1 - pass_)
        return clean / (clean + corrected)


def gap_of(difference: Array) -> Array:
    """The gap whose softplus is this difference of two tiers' logits."""
    return difference + np.log(-np.expm1(-difference))


@lru_cache
def _pass_table(epsilon: float, spread: float) -> Array:
    logits = np.arange(-_LARGEST_LOGIT * _STEPS_PER_LOGIT, _LARGEST_LOGIT * _STEPS_PER_LOGIT + 1)
    given_residual = 1 / (1 + np.exp(-(logits[:, None] / _STEPS_PER_LOGIT + spread * NODES)))
    table: Array = (1 - epsilon) * given_residual @ (WEIGHTS / WEIGHTS.sum())
    return table


WORLDS = {
    "first": World(),
    "additive": World(name="additive", additive=True),
    "broken": World(name="broken", degrees=3, non_monotone=0.15, mood=0.8),
}
