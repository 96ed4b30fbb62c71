"""Policies: what chooses a tier, and what a learner has to be compared with.

The slot for a learner is `Policy`; a `Factory` makes one from the world's prices and a log of other
types, and `python -m benchmarks.simulator --learner module:factory` runs it beside the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .posterior import Posterior, TextOnly
from .tasks import SILENT
from .worlds import Array, Integers, World


class Policy(Protocol):
    """Chooses a tier per task and hears what became of it. One object lives through one run.

    f : (n, 3), what the text says: the logit of a clean pass per tier, rising up the ladder.
    type_ids : (n,), from 0; new ones come at any time.
    tiers : (n,), 0 is Haiku, 2 is Opus.
    clean : (n,), 1 clean, 0 corrected, -1 no verdict.
    week : never falls from call to call; types may have turned since the last one.
    """

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """The tier for each task."""

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Hear of tasks that ran at these tiers, silent ones included."""


@dataclass(frozen=True)
class Training:
    """Types of the same world that no policy is judged on, with what hindsight knows of them."""

    f: Array
    type_ids: Integers
    tiers: Integers
    clean: Integers
    pass_: Array  # (n_types, 3), the truth, of which the baselines take their constants


WIDE = 2.5  # times the spread of the effects: what it takes to be no worse than the table in the broken world

Factory = Callable[[World, Training], Policy]


class Constant:
    """The same tier for everything."""

    def __init__(self, tier: int) -> None:
        self.tier = tier

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """That tier."""
        return np.full(len(f), self.tier)

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Learn nothing."""


class Oracle(Constant):
    """Knows each type's pass probabilities: the run reveals them before each choice."""

    def __init__(self, world: World) -> None:
        super().__init__(tier=1)
        self.world = world

    def reveal(self, pass_: Array) -> None:
        """Take the truth about the tasks that come next."""
        self.cheapest = self.world.cheapest(pass_)

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """The tier of least expected cost."""
        return self.cheapest


class Table:
    """Clean passes and corrections per type and tier, shrunk to the tier's rate (beta-binomial).

    The prior of each tier has the mean and the variance that the training types' rates have. Where
    the reporting rates are known, corrections are counted up by theirs and the rest of the tasks,
    silence included, counts as clean; at face value the table counts what is reported and no more.
    """

    def __init__(self, world: World, training: Training, *, face_value: bool = False) -> None:
        self.world, self.face_value = world, face_value
        rates = world.reported(training.pass_) if face_value else training.pass_
        self.mean = rates.mean(axis=0)
        self.strength = self.mean * (1 - self.mean) / rates.var(axis=0) - 1
        self.tried, self.failed = np.zeros((0, 3)), np.zeros((0, 3))
        self.week = 0

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """The tier of least expected cost by the shrunk rates."""
        self._meet(type_ids, week)
        failed = self.failed[type_ids] + self.strength * (1 - self.mean)
        rate = 1 - failed / (self.tried[type_ids] + self.strength)
        return self.world.cheapest(rate)

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Count."""
        self._meet(type_ids, week)
        counted = clean != SILENT if self.face_value else np.full(len(clean), True)
        np.add.at(self.tried, (type_ids[counted], tiers[counted]), 1)
        weight = 1 if self.face_value else 1 / self.world.heard_corrected
        np.add.at(self.failed, (type_ids[clean == 0], tiers[clean == 0]), weight)

    def _meet(self, type_ids: Integers, week: int) -> None:
        """Make room for new types; let old counts fade at the pace at which types turn."""
        new = type_ids.max(initial=-1) + 1 - len(self.tried)
        if new > 0:
            self.tried, self.failed = (np.pad(a, ((0, new), (0, 0))) for a in (self.tried, self.failed))
        fading = (1 - self.world.hazard) ** (week - self.week)
        self.tried, self.failed, self.week = self.tried * fading, self.failed * fading, week


def line_up(world: World, training: Training) -> dict[str, Policy]:
    """Every policy of this file, fresh, for one run in this world.

    `posterior` knows the true parameters where the learner's model has them; in a broken world it
    believes in those of the first. Its twin with wide effects lets text count for less. They and the
    table know how verdicts go missing; the two "at face value" do not.
    """
    believed = replace(world, degrees=float("inf"), non_monotone=0.0, mood=0.0)
    wide = replace(believed, sigma=WIDE * world.sigma, tau=WIDE * world.tau)
    costs = world.cost(training.pass_).mean(axis=0)
    policies: dict[str, Policy] = {
        "always sonnet": Constant(1),
        "best constant": Constant(int(costs.argmin())),
        "table": Table(world, training),
        "text only": TextOnly(believed),
        "posterior": Posterior(believed),
        "posterior, wide effects": Posterior(wide),
        "oracle": Oracle(world),
    }
    if world.additive:
        policies["posterior of the first world"] = Posterior(replace(believed, additive=False))
    if world.heard_clean < 1:
        policies["table, face value"] = Table(world, training, face_value=True)
        policies["posterior, face value"] = Posterior(replace(believed, heard_clean=1.0, heard_corrected=1.0))
    return policies
