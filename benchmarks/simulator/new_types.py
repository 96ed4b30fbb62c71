"""Regret on new types after n outcomes of each: how fast a policy learns what the text does not say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .policies import Oracle, Policy, Training, line_up
from .tasks import Outcomes, Types, draw_outcomes
from .worlds import Array, Integers, World

BUDGETS = (0, 10, 20, 30, 100)
LOGGINGS = ("mix", "own")
_BATCH = 10  # outcomes of a type that share a reviewer's mood
_OWN_STEP = 5  # outcomes after which a policy that logs its own choices may choose anew

LineUp = Callable[[World, Training], dict[str, Policy]]


def run(world: World, seed: int, n_types: int, policies: LineUp = line_up) -> dict[str, dict[str, Array]]:
    """Expected cost of each choice above the oracle's: per logging and policy (n_budgets, n_types).

    `mix` logs Haiku, Sonnet and Opus in turn, the same for every policy; `own` logs what the policy
    itself chooses. The key "oracle's cost" holds what the regret is a share of.
    """
    rng = np.random.default_rng((seed, 0))
    training = draw_training(world, n_types, rng)
    types = Types.draw(world, n_types, rng)
    pass_ = types.pass_()
    ids, turns = np.repeat(np.arange(n_types), BUDGETS[-1]), np.tile(np.arange(BUDGETS[-1]), n_types)
    batches = ids * (BUDGETS[-1] // _BATCH) + turns // _BATCH
    fates = draw_outcomes(types, ids, types.f[ids], batches, rng)
    verdicts = fates.verdicts.reshape(n_types, BUDGETS[-1], 3)
    costs = world.cost(pass_)
    found: dict[str, dict[str, Array]] = {}
    for logging in LOGGINGS:
        found[logging] = {"oracle's cost": np.tile(costs.min(axis=1), (len(BUDGETS), 1))}
        for name, policy in policies(world, training).items():
            if isinstance(policy, Oracle):
                policy.reveal(pass_)
            chosen = _choices(policy, types.f, verdicts, own=logging == "own")
            paid = np.take_along_axis(costs, chosen.T, axis=1).T
            found[logging][name] = paid - costs.min(axis=1)
    return found


def _choices(policy: Policy, f: Array, verdicts: Integers, *, own: bool) -> Integers:
    """The tier for each type after each number of outcomes, (n_budgets, n_types)."""
    types = np.arange(len(f))
    chosen = [policy.choose(f, types, 0)]
    for start in range(0, BUDGETS[-1], _OWN_STEP):
        turns = np.arange(start, start + _OWN_STEP)
        ids, turn = np.repeat(types, len(turns)), np.tile(turns, len(types))
        tiers = np.repeat(policy.choose(f, types, 0), len(turns)) if own else turn % 3
        policy.observe(f[ids], ids, tiers, verdicts[ids, turn, tiers], 0)
        if start + _OWN_STEP in BUDGETS:
            chosen.append(policy.choose(f, types, 0))
    return np.array(chosen)


def draw_training(world: World, n_types: int, rng: np.random.Generator) -> Training:
    """Types to take a policy's constants from, 30 tasks each, at the three tiers in turn."""
    types = Types.draw(world, n_types, rng)
    ids, turns = np.repeat(np.arange(n_types), 30), np.tile(np.arange(30), n_types)
    fates: Outcomes = draw_outcomes(types, ids, types.f[ids], ids * 3 + turns // _BATCH, rng)
    tiers = turns % 3
    return Training(types.f[ids], ids, tiers, fates.verdicts[np.arange(len(ids)), tiers], types.pass_())
