"""Half a year of weeks: tasks come, a policy chooses, some verdicts are heard, types turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .new_types import LineUp, draw_training
from .policies import Oracle, Policy, line_up
from .tasks import Outcomes, Types, draw_outcomes
from .worlds import TIERS, Array, Integers, World

FIGURES = ("cost", "regret", "under_tiered", "haiku", "opus")


@dataclass(frozen=True)
class Months:
    """How much comes, for how long, and what a world of months adds to one of new types."""

    weeks: int = 26
    first_types: int = 60
    new_types: int = 8  # each week
    tasks: float = 5.0  # a week and type, median; a long tail above it
    tail: float = 1.2  # sd of the log of a type's tasks a week
    within: float = 0.5
    hazard: float = 0.01
    heard_clean: float = 0.2
    heard_corrected: float = 0.9
    training_types: int = 400

    def world(self, world: World) -> World:
        """That world, with drift, texts that vary within a type, and verdicts missing not at random."""
        return replace(
            world,
            within=self.within,
            hazard=self.hazard,
            heard_clean=self.heard_clean,
            heard_corrected=self.heard_corrected,
        )


class Week(NamedTuple):
    """A week's tasks: what the router reads, and what would happen at each tier."""

    number: int
    f: Array
    type_ids: Integers
    fates: Outcomes


def run(world: World, seed: int, months: Months, policies: LineUp = line_up) -> dict[str, Array]:
    """What each policy does in the same weeks: per policy (n_weeks, n_figures), sums over tasks.

    "tasks" holds their number and "oracle's cost" what the regret is a share of. Cost and regret are
    expected ones; under-tiered are the tasks that the chosen tier failed and Opus would have passed.
    """
    world = months.world(world)
    training = draw_training(world, months.training_types, np.random.default_rng((seed, 1)))
    weeks = list(stream(world, seed, months))
    found = {name: _live_through(policy, world, weeks) for name, policy in policies(world, training).items()}
    found["tasks"] = np.array([len(week.f) for week in weeks])
    found["oracle's cost"] = np.array([world.cost(week.fates.pass_).min(axis=1).sum() for week in weeks])
    return found


def stream(world: World, seed: int, months: Months) -> Iterator[Week]:
    """The weeks, the same for every policy."""
    rng = np.random.default_rng((seed, 2))
    n_types = months.first_types + months.new_types * (months.weeks - 1)
    types = Types.draw(world, n_types, rng)
    weekly = months.tasks * np.exp(months.tail * rng.normal(size=n_types))
    for number in range(months.weeks):
        if number:
            types = types.a_week_later(rng)
        present = months.first_types + months.new_types * number
        ids = rng.permutation(np.repeat(np.arange(present), rng.poisson(weekly[:present])))
        f = types.f[ids] + rng.normal(0, world.within, (len(ids), 1))
        fates = draw_outcomes(types, ids, f, ids, rng)
        yield Week(number, f + rng.normal(0, world.text_noise, (len(ids), 1)), ids, fates)


def rates(world: World, seed: int, months: Months) -> dict[str, float]:
    """How the world looks to those who try all tiers: to compare with public outcomes."""
    fates = [week.fates for week in stream(months.world(world), seed, months)]
    every = Outcomes(*(np.concatenate(parts) for parts in zip(*fates, strict=True)))
    haiku, sonnet, opus = every.clean.T
    best = np.bincount(world.cheapest(every.pass_), minlength=3) / len(every.pass_)
    return {
        **{f"best_at_{tier}": share for tier, share in zip(TIERS, best, strict=True)},
        "clean_at_haiku": haiku.mean(),
        "clean_at_sonnet": sonnet.mean(),
        "clean_at_opus": opus.mean(),
        "sonnet_passes_where_haiku_failed": sonnet[~haiku].mean(),
        "opus_passes_where_sonnet_failed": opus[~sonnet].mean(),
        "upset": every.upsets(),
    }


def _live_through(policy: Policy, world: World, weeks: list[Week]) -> Array:
    figures = np.empty((len(weeks), len(FIGURES)))
    for week in weeks:
        if isinstance(policy, Oracle):
            policy.reveal(week.fates.pass_)
        tiers = policy.choose(week.f, week.type_ids, week.number)
        rows = np.arange(len(tiers))
        costs = world.cost(week.fates.pass_)
        clean = week.fates.clean
        figures[week.number] = (
            costs[rows, tiers].sum(),
            (costs[rows, tiers] - costs.min(axis=1)).sum(),
            (~clean[rows, tiers] & clean[:, -1]).sum(),
            (tiers == 0).sum(),
            (tiers == len(world.prices) - 1).sum(),
        )
        verdicts = week.fates.verdicts[rows, tiers]
        policy.observe(week.f, week.type_ids, tiers, verdicts, week.number)
    return figures
