"""Types, and what would happen to their tasks at each tier: the same dice for every policy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .worlds import Array, Integers, World

SILENT = -1  # a verdict that nobody gave


@dataclass
class Types:
    """Kinds of task. f (n, 3) is what their text says; effects (n, 3) and upside_down nobody sees."""

    world: World
    f: Array
    effects: Array
    upside_down: Integers  # the tier that is worse than the one below it, or -1

    @classmethod
    def draw(cls, world: World, n_types: int, rng: np.random.Generator) -> Types:
        """New types of this world."""
        parts = np.asarray(world.text_mean) + np.asarray(world.text_sd) * rng.normal(size=(n_types, 3))
        parts[:, 1:] = np.logaddexp(0, parts[:, 1:])
        effects = draw_effects(world, n_types, rng)
        worse = np.where(rng.random(n_types) < world.non_monotone, rng.integers(1, 3, n_types), -1)
        return cls(world, parts.cumsum(axis=1), effects, worse)

    def a_week_later(self, rng: np.random.Generator) -> Types:
        """The same types, some of which have turned harder or easier."""
        turned = rng.random(len(self.f)) < self.world.hazard
        anew = draw_effects(self.world, len(self.f), rng)
        return Types(self.world, self.f, np.where(turned[:, None], anew, self.effects), self.upside_down)

    def logits(self, ids: Integers, f: Array) -> Array:
        """Per tier, of tasks of types `ids` with texts `f`."""
        level, lower, upper = self.effects[ids].T
        logits = np.stack(self.world.logits(f, level, lower, upper), axis=1)
        for tier in (1, 2):
            rows = np.flatnonzero(self.upside_down[ids] == tier)
            gains = logits[rows, tier] - logits[rows, tier - 1]
            logits[rows, tier:] -= 1.5 * gains[:, None]  # worse by half of what it would gain
        return logits

    def pass_(self) -> Array:
        """Each type's pass probabilities (n, 3), for a task whose text is its type's."""
        return self.world.pass_(self.logits(np.arange(len(self.f)), self.f))


class Outcomes(NamedTuple):
    """What would happen to tasks at each tier, (n_tasks, 3)."""

    pass_: Array
    clean: NDArray[np.bool_]
    verdicts: Integers  # 1 clean, 0 corrected, SILENT

    def upsets(self) -> float:
        """Share of tasks that a tier passes and a bigger one does not."""
        falls = self.clean[:, :-1] & ~self.clean[:, 1:]
        return float((falls.any(axis=1) | (self.clean[:, 0] & ~self.clean[:, 2])).mean())


def draw_outcomes(
    types: Types, ids: Integers, f: Array, batches: Integers, rng: np.random.Generator
) -> Outcomes:
    """Of tasks of types `ids` with texts `f`; the tasks of one batch share a mood."""
    world = types.world
    logits = types.logits(ids, f)
    moods = rng.normal(0, world.mood, batches.max(initial=0) + 1)
    residuals = rng.normal(0, world.omega, len(ids)) + moods[batches]
    chance = (1 - world.epsilon) / (1 + np.exp(-(logits + residuals[:, None])))
    clean = rng.random((len(ids), 3)) < chance
    heard = rng.random((len(ids), 1)) < np.where(clean, world.heard_clean, world.heard_corrected)
    return Outcomes(world.pass_(logits), clean, np.where(heard, clean.astype(np.int64), SILENT))


def draw_effects(world: World, n_types: int, rng: np.random.Generator) -> Array:
    scale = np.array([world.sigma, world.tau, world.tau])
    if math.isinf(world.degrees):
        return scale * rng.normal(size=(n_types, 3))
    return scale * rng.standard_t(world.degrees, size=(n_types, 3))
