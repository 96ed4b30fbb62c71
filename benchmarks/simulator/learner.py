"""The learner that ships, as a policy: its widths come from the training log, its beliefs from states.

python -m benchmarks.simulator --learner benchmarks.simulator.learner:served
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.belief.state import Seen, TypeState
from tierwise.classifier.task import Task
from tierwise.training.outcomes.calibrate import TypeEffects
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.outcomes.learner import STANDARD
from tierwise.training.outcomes.widths import fit_epsilon, fit_widths, type_likelihoods

from .policies import Training
from .tasks import SILENT
from .worlds import Array, Integers, World, gap_of

_WEEK_S = 7 * 86_400.0


class Learner:
    """Takes what the text says as the place, keeps a `TypeState` per type, and pays the least it expects."""

    def __init__(self, world: World, training: Training) -> None:
        self.world = world
        ratio = world.heard_corrected / world.heard_clean
        hazard = STANDARD.hazard if world.hazard else 0.0
        self.widths = replace(widths_from(training), heard_ratio=ratio, hazard=hazard)
        self.grid = effect_grid(3, self.widths)
        self.states: dict[int, TypeState] = {}

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """The tier of least expected cost by the states."""
        kinds = set(type_ids.tolist()) & self.states.keys()
        known = {kind: self.states[kind].effects(self.grid) for kind in kinds}
        believed = TypeEffects(self.grid, known, type_ids.tolist())
        return self.world.cheapest(believed.pass_(places_of(f)))

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Add the verdicts that were heard to the states of their types."""
        places = places_of(f)
        for kind in np.unique(type_ids[clean != SILENT]):
            rows = np.flatnonzero((type_ids == kind) & (clean != SILENT))
            seen = [
                Seen(week * _WEEK_S + turn, int(tiers[row]), bool(clean[row]), tuple(places[row]))
                for turn, row in enumerate(rows)
            ]
            state = self.states.get(int(kind), TypeState("simulator"))
            self.states[int(kind)] = state.observe(seen, self.grid)


def served(world: World, training: Training) -> Learner:
    """The factory that `--learner` takes."""
    return Learner(world, training)


def places_of(f: Array) -> Array:
    """(n, 3) level and gaps of (n, 3) logits by the text."""
    return np.column_stack([f[:, 0], gap_of(np.maximum(np.diff(f, axis=1), 1e-6))])


def widths_from(training: Training) -> Widths:
    """What `train` would estimate from this log, the texts being read rightly."""
    heard = training.clean != SILENT
    n = int(heard.sum())
    outcomes = Outcomes(
        (Task("a task of the simulator"),) * n,
        training.type_ids[heard],
        tuple(map(str, range(int(training.type_ids.max()) + 1))),
        training.tiers[heard],
        training.clean[heard] == 1,
        np.arange(n, dtype=float),
        ((),) * n,
        np.ones(n),
    )
    places = places_of(training.f[heard])
    widths = replace(STANDARD, epsilon=fit_epsilon(outcomes, places, STANDARD)[0])
    return fit_widths(type_likelihoods(outcomes, places, widths), 3, widths, STANDARD)
