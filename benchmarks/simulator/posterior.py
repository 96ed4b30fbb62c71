"""The exact posterior over a type's effects, parameters known: what a learner can hope for at best."""

from __future__ import annotations

import itertools

import numpy as np

from .tasks import SILENT
from .worlds import Array, Integers, World

_N_LEVELS, _N_DEVIATIONS, _WIDEST = 25, 11, 3.5  # grid points, and standard deviations they span
_ROWS_AT_ONCE = 256


class Posterior:
    """Bayes' rule on a grid over (level, lower deviation, upper deviation), one grid per type.

    Each week a type turns with the world's hazard: posterior = (1 - h) * old + h * prior, which is
    exact for effects that are then drawn anew. Tasks without a verdict speak through the reporting
    rates; where those are believed to be 1, silence says nothing.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        level, prior_of_level = _points(_N_LEVELS, world.sigma)
        deviation, prior = _points(_N_DEVIATIONS, world.tau)
        self.effects = level[:, None, None], deviation[:, None], deviation
        self.prior = prior_of_level[:, None, None] * prior[:, None] * prior
        self.state = np.zeros((0, *self.prior.shape))  # per type, sums to 1
        self.week = 0

    def choose(self, f: Array, type_ids: Integers, week: int) -> Integers:
        """The tier of least expected cost."""
        return self.world.cheapest(self.expected_pass(f, type_ids, week))

    def expected_pass(self, f: Array, type_ids: Integers, week: int) -> Array:
        """P(clean) per tier (n, 3), averaged over what the type may be like."""
        self._meet(type_ids, week)
        keys, back = np.unique(np.column_stack([type_ids, f]), axis=0, return_inverse=True)
        expected = np.empty((len(keys), 3))
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            weights = self.state[keys[rows, 0].astype(np.int64)]
            logits = self._logits(keys[rows, 1:])
            for tier, unused in enumerate(((2, 3), (3,), ())):
                of_tier = weights.sum(axis=unused, keepdims=True)
                expected[rows, tier] = np.einsum("nabc,nabc->n", self.world.pass_(logits[tier]), of_tier)
        return expected[back]

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Multiply each type's grid by the likelihood of what was heard."""
        self._meet(type_ids, week)
        says = (clean != SILENT) | (self.world.heard_clean < 1)
        rows = np.column_stack([type_ids, tiers, clean, f])[says]
        keys, counts = np.unique(rows, axis=0, return_counts=True)
        kinds, where = np.unique(keys[:, 0].astype(np.int64), return_inverse=True)
        logs = np.log(self.state[kinds] + 1e-300)
        for tier, verdict in itertools.product(range(3), (1, 0, SILENT)):
            alike = np.flatnonzero((keys[:, 1] == tier) & (keys[:, 2] == verdict))
            for start in range(0, len(alike), _ROWS_AT_ONCE):
                rows = alike[start : start + _ROWS_AT_ONCE]
                gains = np.log(self._chance(keys[rows, 3:], tier, verdict))
                for row, gain in zip(rows, gains, strict=True):
                    logs[where[row]] += counts[row] * gain
        logs -= logs.max(axis=(1, 2, 3), keepdims=True)
        masses = np.exp(logs)
        self.state[kinds] = masses / masses.sum(axis=(1, 2, 3), keepdims=True)

    def _chance(self, f: Array, tier: int, verdict: int) -> Array:
        """Of this verdict, at each grid point, for each text."""
        pass_ = self.world.pass_(self._logits(f)[tier])
        if verdict == 1:
            return self.world.heard_clean * pass_
        if verdict == 0:
            return self.world.heard_corrected * (1 - pass_)
        return 1 - self.world.heard_clean * pass_ - self.world.heard_corrected * (1 - pass_)

    def _logits(self, f: Array) -> tuple[Array, Array, Array]:
        """Per tier on the grid, with as many points along its axes as the tier depends on."""
        return self.world.logits(f[:, None, None, None, :], *self.effects)

    def _meet(self, type_ids: Integers, week: int) -> None:
        """Give new types the prior; let a share of the old return to it each week."""
        new = type_ids.max(initial=-1) + 1 - len(self.state)
        if week > self.week:
            kept = (1 - self.world.hazard) ** (week - self.week)
            self.state = kept * self.state + (1 - kept) * self.prior
        if new > 0:
            self.state = np.concatenate([self.state, np.broadcast_to(self.prior, (new, *self.prior.shape))])
        self.week = week


class TextOnly(Posterior):
    """The same with deaf ears: what the text alone is worth."""

    def observe(self, f: Array, type_ids: Integers, tiers: Integers, clean: Integers, week: int) -> None:
        """Learn nothing."""


def _points(n_points: int, sd: float) -> tuple[Array, Array]:
    z = np.linspace(-_WIDEST, _WIDEST, n_points)
    density = np.exp(-0.5 * z**2)
    return sd * z, density / density.sum()
