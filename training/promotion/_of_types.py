"""What a model makes of its own training outcomes, in the order in which they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._effects import effect_grid
from ...classifier.belief.state import Seen, TypeState
from ...classifier.model import TierModel
from ...router.ladder import Ladder
from ..outcomes.calibrate import MOST_ROWS, TypeEffects, effects_by_type
from ..outcomes.frame import Outcomes
from ..promise.thresholds import path, served

Array = NDArray[np.float64]
EARLIER = (0, 1, 2, 4, 8, 16, 32, 64)  # a group of the learning curve begins at each
MOST_LEARNED = 1_500  # outcomes of the learning curve: each costs about a millisecond
MOST_MOVED, TASKS_A_TYPE = 25, 20


class Late(NamedTuple):
    """The latest outcomes, seen with their types' earlier ones. pass_, needed : (n, n_tiers).

    predicted : (n,), P(clean | heard) at the tier that ran: what their verdicts can be held against.
    """

    outcomes: Outcomes
    pass_: Array
    needed: Array
    predicted: Array


class Movement(NamedTuple):
    """Mean needed tier (0 is the lowest) of a type's tasks, without its outcomes and with them."""

    task_type: str
    n_outcomes: int
    by_text: float
    by_outcomes: float


def late_view(model: TierModel, outcomes: Outcomes, share: float) -> Late:
    """The latest `share`; type effects come from those before it."""
    rows = np.arange(len(outcomes))
    n_early = len(outcomes) - int(len(outcomes) * share)
    early, late = outcomes.take(rows[:n_early]), outcomes.take(rows[n_early:][-MOST_ROWS:])
    known = effects_by_type(early, np.array(model.places(early.tasks)), model.widths)
    effects = TypeEffects(effect_grid(len(model.tiers), model.widths), known, late.types.tolist())
    places = np.array(model.places(late.tasks))
    passes = effects.pass_(places)
    ran = passes[np.arange(len(late)), late.tiers]
    return Late(late, passes, effects.needed(places), model.grid.curve.heard(ran))


def cost_quality_points(
    late: Late, prices: Array
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(cost, expected share clean) along the thresholds' path, and for each tier alone."""
    rows = np.arange(len(late.outcomes))
    chosen = [served(late.needed, *step) for step in path()]
    curve = [(float(prices[c].mean()), float(late.pass_[rows, c].mean())) for c in chosen]
    alone = [(float(price), float(late.pass_[:, tier].mean())) for tier, price in enumerate(prices)]
    return curve, alone


def relative_prices(tiers: tuple[str, ...], ladder: Ladder) -> Array | None:
    """Output-token price of each tier, the middle one 1; None where the ladder doesn't price them all."""
    if not set(tiers) <= set(ladder.names):
        return None
    prices = np.array([ladder.rungs[ladder.names.index(tier)].prices[0].output for tier in tiers])
    return np.asarray(prices / prices[len(prices) // 2])


def movements(model: TierModel, outcomes: Outcomes, states: Mapping[str, TypeState]) -> list[Movement]:
    """The types that their outcomes moved most, the most moved first."""
    tiers = np.arange(len(model.tiers))
    found = []
    for kind, name in enumerate(outcomes.type_names):
        rows = np.flatnonzero(outcomes.types == kind)
        if not len(rows):
            continue
        tasks = [outcomes.tasks[i] for i in rows[:TASKS_A_TYPE]]
        by_text, told = (model.needed_probabilities(tasks, h) for h in (None, {name: states[name]}))
        means = [float((needed @ tiers).mean()) for needed in (by_text, told)]
        found.append(Movement(name, len(rows), *means))
    found.sort(key=lambda m: (-abs(m.by_outcomes - m.by_text), m.task_type))
    return found[:MOST_MOVED]


def learning(model: TierModel, outcomes: Outcomes) -> tuple[list[float], list[int]]:
    """Log loss and number of outcomes by how many of the type came before; see EARLIER."""
    losses: list[list[float]] = [[] for _ in EARLIER]
    n_left = MOST_LEARNED
    for kind in np.unique(outcomes.types):
        rows = np.flatnonzero(outcomes.types == kind)[: max(0, min(n_left, 2 * EARLIER[-1]))]
        n_left -= len(rows)
        state: TypeState | None = None
        for seen, i in enumerate(rows):
            task, tier, clean = outcomes.tasks[i], int(outcomes.tiers[i]), bool(outcomes.clean[i])
            heard = float(model.grid.curve.heard(np.array(model.posterior(task, state).pass_[tier])))
            found = min(max(heard, 1e-9), 1 - 1e-9)
            group = int(np.searchsorted(EARLIER, seen, side="right")) - 1
            losses[group].append(-float(np.log(found if clean else 1 - found)))
            (place,) = model.places([task])
            at, weight = float(outcomes.at[i]), float(outcomes.weights[i])
            outcome = Seen(at, tier, clean, place, outcomes.failed[i], weight)
            state = model.observe(state, [outcome])
    return [float(np.mean(each)) if each else float("nan") for each in losses], [len(e) for e in losses]
