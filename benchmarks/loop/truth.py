"""What a choice per task truly comes to, by the world's own probabilities. Nothing is drawn."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tierwise import predict_tiers
from tierwise.classifier.model import TierModel
from tierwise.router.log import OutcomeLog
from tierwise.router.log._keeper import StateKeeper

from ..simulator.tasks import Types
from ..simulator.worlds import NODES, TIERS, WEIGHTS, Array, Integers, World
from .world import POLICY, Tasks

NOISE = 1e-9  # of floating point; what is above it is an increase


class Truth(NamedTuple):
    """Per task: expected cost in USD, corrections included; P(chosen tier fails, top passes); share moved."""

    cost_usd: float
    under_tiered: float


def truth(world: World, types: Types, work: Tasks, chosen: Integers) -> Truth:
    """chosen : (n,) tier of each task."""
    cost, under = per_tier(world, types, work)
    rows = np.arange(len(chosen))
    return Truth(float(cost[rows, chosen].mean()), float(under[rows, chosen].mean()))


def per_tier(world: World, types: Types, work: Tasks) -> tuple[Array, Array]:
    """(n, 3) each: expected cost, and P(this tier fails and the top passes); a task's v is shared."""
    logits = types.logits(work.type_ids, work.f)
    v = math.hypot(world.omega, world.mood) * NODES
    chance = (1.0 - world.epsilon) / (1.0 + np.exp(-(logits[:, :, None] + v)))
    weights = WEIGHTS / WEIGHTS.sum()
    under = ((1.0 - chance) * chance[:, -1:, :]) @ weights
    under[:, -1] = 0.0  # the top tier is never too low
    return world.cost(chance @ weights), under


def choices(model: TierModel, log: OutcomeLog, work: Tasks) -> Integers:
    """(n,): what this model would choose now, with what the log has taught of each type."""
    keeper = StateKeeper(model)
    kinds = {task.task_type for task in work.tasks if task.task_type is not None}
    found = {kind: keeper.state(log._database, kind) for kind in sorted(kinds)}
    known = {kind: state for kind, state in found.items() if state is not None}
    decided = predict_tiers(work.tasks, model=model, policy=POLICY, history=known)
    return np.array([TIERS.index(tier) for tier in decided.tiers])
