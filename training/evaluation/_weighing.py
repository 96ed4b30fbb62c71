"""Propensities: where the log chose by chance, tasks tried at a tier speak for those that were not.

Doubly robust (Dudík, Langford, Li 2011): the table of types, plus 1 / propensity times what the tasks at
that tier differ from it; right where either is. The log keeps the probability of the tier that it
chose, not of the others, so overlap is read from the weights: those of the tasks that were tried at
the tier must add up to (at least half of) the tasks for which it is wanted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._evidence import UNPROVED, WEIGHED, Evidence
from ._latent import clean_by_pattern
from ._units import Units
from ._world import World

Array = NDArray[np.float64]
Int = NDArray[np.int64]
MIN_OVERLAP = 0.5
MIN_MATCHES = 10


class Weighed(NamedTuple):
    """evidence : with weighed tasks filled in. weights : (n,), 1 / propensity where the tiers agree, else 0;
    NaN outside the overlap. effective : effective sample size of the overlap.
    """

    evidence: Evidence
    weights: Array
    effective: float


def weigh(units: Units, chosen: Int, world: World, evidence: Evidence) -> Weighed:
    """The evidence with propensities where they help: in groups that would else hold unproved tasks."""
    drawn = np.isfinite(units.propensity) & (units.propensity < 1.0) & units.fresh
    usual = _usual_tier(units, world.n_tiers)
    match = units.logged == chosen
    overlap = np.zeros(len(units), dtype=bool)
    for group in np.unique(np.column_stack([usual[drawn], chosen[drawn]]), axis=0):
        rows = drawn & (usual == group[0]) & (chosen == group[1])
        matching = rows & match
        covered = float((1.0 / units.propensity[matching]).sum()) / rows.sum()
        unproved = (evidence.status[rows] == UNPROVED).any()
        if unproved and covered >= MIN_OVERLAP and matching.sum() >= MIN_MATCHES:
            overlap |= rows
    weights = np.full(len(units), np.nan)
    if not overlap.any():
        return Weighed(evidence, weights, 0.0)
    off = np.where(match, 1.0 / np.where(drawn, units.propensity, 1.0), 0.0)
    weights[overlap] = off[overlap]
    some = weights[overlap]
    effective = float(some.sum() ** 2 / (some**2).sum())
    return Weighed(doubly_robust(units, chosen, world, evidence, overlap), weights, effective)


def doubly_robust(
    units: Units, chosen: Int, world: World, evidence: Evidence, some: NDArray[np.bool_]
) -> Evidence:
    """The evidence with these tasks weighed: their propensity is logged, and the choice had a chance."""
    some = some & (evidence.status != WEIGHED)  # of those it no longer says what was seen of the task itself
    off = np.where(units.logged == chosen, 1.0 / np.where(some, units.propensity, 1.0), 0.0)
    status, fail, under = evidence.status.copy(), evidence.fail.copy(), evidence.under.copy()
    status[some] = WEIGHED
    f, rescued = _by_table(units, chosen, world)
    seen_under = evidence.under[:, 0]
    fail[some] = (f + off * (~units.clean - f))[some, None]
    under[some] = (f * rescued + off * (seen_under - f * rescued))[some, None]
    return Evidence(status, fail, under, evidence.proved)


def drawn_between(units: Units, one: Int, other: Int) -> NDArray[np.bool_]:
    """(n,): chance decided between these two choices, as in a canary or a probe, whatever then came of it.

    The log has the propensity of what was served only; so a pair of tiers counts where each was served often
    enough, and where the weights of either add up to the tasks of the pair.
    """
    drawn = np.isfinite(units.propensity) & (units.propensity < 1.0) & units.fresh & (one != other)
    found = np.zeros(len(units), dtype=bool)
    for pair in np.unique(np.column_stack([one[drawn], other[drawn]]), axis=0):
        rows = drawn & (one == pair[0]) & (other == pair[1])
        served = [rows & (units.logged == tier) for tier in pair]
        sums = [float((1.0 / units.propensity[each]).sum()) for each in served]
        enough = all(each.sum() >= MIN_MATCHES for each in served)
        if enough and all(MIN_OVERLAP <= each / rows.sum() <= 1.0 / MIN_OVERLAP for each in sums):
            found |= rows
    return found


def _usual_tier(units: Units, n_tiers: int) -> Int:
    """(n,): the tier at which the log ran most tasks of the type."""
    counts = np.zeros((int(units.types.max(initial=0)) + 1, n_tiers))
    np.add.at(counts, (units.types, units.logged), 1)
    usual: Int = counts.argmax(axis=1)[units.types]
    return usual


def _by_table(units: Units, chosen: Int, world: World) -> tuple[Array, Array]:
    """(n,) P(fail) and P(the top is clean, where it fails), the task's own outcome left out."""
    likely = world.joints[0]
    clean = clean_by_pattern(world.n_tiers)
    mass = likely.patterns[units.types]
    fails = ~clean[:, chosen].T
    f = (mass * fails).sum(axis=1)
    rescued = (mass * (fails & clean[:, -1])).sum(axis=1) / f
    own = units.fresh & (units.logged == chosen)
    without = 1.0 - likely.left_out[units.types, chosen, (~units.clean).astype(np.int64)]
    return np.where(own, without, f), rescued
