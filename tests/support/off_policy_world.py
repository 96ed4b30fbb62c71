"""A world of the simulator as finished tasks, with the truth about every tier beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.simulator.tasks import Outcomes, Types, draw_outcomes
from benchmarks.simulator.worlds import WORLDS
from tierwise.training.evaluation._latent import Joint
from tierwise.training.evaluation._units import Units
from tierwise.training.evaluation._world import Retries, World, world_of

# one type on a ladder of two: P(neither clean), only the lower, only the top, both
PATTERNS = np.array([[0.10, 0.05, 0.25, 0.60]])


class Logged(NamedTuple):
    """choices : rung of every task by a policy that reads the text with an error of this spread."""

    units: Units
    world: World
    fates: Outcomes
    cost: np.ndarray  # (n, 3), true expected
    choices: object


def logged(seed: int, *, name: str = "first", n_types: int = 60, explore: float = 0.0) -> Logged:
    """Tasks of one policy, which with probability `explore` takes another tier; half of failures are retried."""
    truth = replace(WORLDS[name], within=0.5)
    chance = np.random.default_rng(seed)
    types = Types.draw(truth, n_types, chance)
    sizes = np.maximum(2, chance.poisson(20 * np.exp(0.5 * chance.normal(size=n_types))))
    ids = chance.permutation(np.repeat(np.arange(n_types), sizes))
    every = np.arange(len(ids))
    f = types.f[ids] + chance.normal(0, 0.5, (len(ids), 1))
    fates = draw_outcomes(types, ids, f, ids, chance)

    def choices(error: float) -> np.ndarray:
        read = types.f + chance.normal(0, error, (n_types, 1))
        zero = np.zeros(n_types)
        return truth.cheapest(truth.pass_(np.stack(truth.logits(read, zero, zero, zero), axis=1)))[ids]

    base = choices(1.0)
    drawn = chance.random(len(ids)) < explore
    tiers = np.where(drawn, (base + chance.integers(1, 3, len(ids))) % 3, base)
    propensity = np.where(drawn, explore / 2, 1 - explore) if explore else np.ones(len(ids))
    clean = fates.clean[every, tiers]
    known = np.full((len(ids), 3), -1, dtype=np.int8)
    known[every, tiers] = clean
    again = np.flatnonzero(~clean & (tiers < 2) & (chance.random(len(ids)) < 0.5))
    above = tiers[again] + 1
    known[again, above] = fates.clean[again, above]
    one = np.ones(len(ids))
    units = Units(
        every,
        ids,
        tiers,
        clean,
        known,
        one > 0,
        propensity,
        one,
        np.tile(truth.prices, (len(ids), 1)),
        truth.correction * one,
    )
    retries = Retries(ids[again], tiers[again], above, fates.clean[again, above])
    return Logged(units, world_of(units, retries, n_types, 3), fates, truth.cost(fates.pass_), choices)


def by_hand(patterns=PATTERNS) -> World:
    """What is believed of that type: its rates, and what all tiers would do with one of its tasks."""
    joint = Joint(patterns, np.array([[0.65, 0.85]]), np.full((1, 2, 2), 0.7))
    return World((joint, joint, joint), {"rate": 0.05, "low": 0.05, "high": 0.05, "retries": 0, "source": ""})


def tasks(known, *, propensity=1.0, fresh=True) -> Units:
    """Of one type on a ladder of two, by hand: per tier 1, it was clean; 0, it failed; -1, it was not tried."""
    known = np.array(known, dtype=np.int8)
    n = len(known)
    tried = np.array([np.flatnonzero(row >= 0)[0] for row in known])
    return Units(
        np.arange(n),
        np.zeros(n, dtype=np.int64),
        tried,
        known[np.arange(n), tried] == 1,
        known,
        np.full(n, fresh),
        np.full(n, propensity),
        np.ones(n),
        np.tile([1.0, 3.0], (n, 1)),
        np.full(n, 10.0),
    )
