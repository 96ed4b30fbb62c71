"""What a choice per task comes to: money, under-tiering, and how much of it is known."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._estimate import Estimate, mean, plain
from ._evidence import IMPUTED, NAMES, OBSERVED, UNPROVED, WEIGHED, Evidence, evidence_of
from ._units import Units
from ._weighing import weigh
from ._world import World

Array = NDArray[np.float64]
Int = NDArray[np.int64]


class Account(NamedTuple):
    """A choice per task and the evidence about it. off : weights of the overlap, NaN outside it."""

    chosen: Int
    evidence: Evidence
    off: Array
    effective: float


def account(units: Units, chosen: Int, world: World, *, weighing: bool = True) -> Account:
    evidence = evidence_of(units, chosen, world)
    if not weighing:
        return Account(chosen, evidence, np.full(len(units), np.nan), 0.0)
    found = weigh(units, chosen, world, evidence)
    return Account(chosen, found.evidence, found.weights, found.effective)


def costs(units: Units, each: Account) -> Array:
    """(n, n_joints): USD of tokens, and of a correction where it is not clean."""
    tokens = units.token_usd[np.arange(len(units)), each.chosen]
    return np.asarray(each.evidence.fail * units.correction_usd[:, None] + tokens[:, None])


def cost_bounds(units: Units, each: Account) -> tuple[Array, Array]:
    """(n,) each: what it costs at least and at most, if the unproved may be anything."""
    tokens = units.token_usd[np.arange(len(units)), each.chosen]
    unproved = each.evidence.status == UNPROVED
    likely = costs(units, each)[:, 0]
    return np.where(unproved, tokens, likely), np.where(unproved, tokens + units.correction_usd, likely)


def under_bounds(units: Units, each: Account) -> tuple[Array, Array]:
    """(n,) each: under-tiering that retries prove; everything below the top that is not clean."""
    top = units.known.shape[1] - 1
    upper = np.where(each.evidence.status == UNPROVED, 1.0, each.evidence.fail[:, 0])
    return each.evidence.proved.astype(float), np.where(each.chosen == top, 0.0, upper)


class Summary(NamedTuple):
    """Per task. cost_usd, under_tiered : likely. worst_usd, under_interval : what the ends may be."""

    name: str
    cost_usd: Estimate
    worst_usd: tuple[float, float]
    token_usd: float
    under_tiered: Estimate
    under_interval: tuple[float, float]
    mix: dict[str, float]
    shares: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cost_usd": self.cost_usd.to_dict(),
            "worst_usd": [plain(value) for value in self.worst_usd],
            "token_usd": plain(self.token_usd),
            "under_tiered": self.under_tiered.to_dict(),
            "under_interval": [plain(value) for value in self.under_interval],
            "mix": self.mix,
            "shares": self.shares,
        }


def summary(name: str, units: Units, each: Account, tiers: tuple[str, ...]) -> Summary:
    """Likely figures with their 90 % intervals, and outer ends that hold whatever the unproved are."""
    low, high = cost_bounds(units, each)
    proved, possible = under_bounds(units, each)
    tokens = units.token_usd[np.arange(len(units)), each.chosen]
    at = (units.weights, units.types)
    share = np.bincount(each.chosen, weights=units.weights, minlength=len(tiers)) / units.weights.sum()
    return Summary(
        name,
        mean(costs(units, each), *at),
        (mean(low, *at).low, mean(high, *at).high),
        float(tokens @ units.weights / units.weights.sum()),
        mean(each.evidence.under, *at),
        (max(0.0, mean(proved, *at).low), mean(possible, *at).high),
        {tier: round(float(value), 4) for tier, value in zip(tiers, share, strict=True)},
        status_shares(each.evidence.status, units.weights),
    )


def status_shares(status: Int, weights: Array) -> dict[str, float]:
    total = weights.sum()
    return {
        NAMES[kind]: round(float(weights[status == kind].sum() / total), 4)
        for kind in (OBSERVED, IMPUTED, WEIGHED, UNPROVED)
    }


def oracle_usd(units: Units) -> Estimate:
    """Hindsight, of tasks with a clean verdict: the cheapest tier that is known to have done it; of others
    all that is known is that the logged one did not.
    """
    clean = np.where(units.known == 1, units.token_usd, np.inf).min(axis=1)
    some = np.isfinite(clean)
    return mean(clean[some], units.weights[some], units.types[some])
