"""What a log says of its types and tiers, whatever policy is judged by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._latent import MIN_RETRIES, Counts, Joint, fit, joint, upset_patterns
from ._units import Units

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Retries:
    """Tasks that failed at `before` and were then tried at `after`: (n,) each."""

    types: Int
    before: Int
    after: Int
    clean: NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """joints : as is likeliest, at both ends of what retries leave open of omega, and with other gaps.

    upsets : a lower tier passes a task that a higher one fails; share of tasks, with its 90 % interval.
    """

    joints: tuple[Joint, ...]
    upsets: dict[str, Any]

    @property
    def n_tiers(self) -> int:
        return int(self.joints[0].rates.shape[1])


def world_of(
    units: Units, retries: Retries, n_types: int, n_tiers: int, *, heard_ratio: float = 1.0
) -> World:
    counts = counts_of(units, retries, n_types, n_tiers, heard_ratio=heard_ratio)
    joints = tuple(joint(counts, parameters) for parameters in fit(counts))
    size = counts.first.sum(axis=(1, 2))
    upset = upset_patterns(n_tiers)
    rates = [float(size @ each.patterns[:, upset].sum(axis=1) / size.sum()) for each in joints]
    n = len(retries.types)
    source = f"{n} retries"
    if n < MIN_RETRIES:
        source += f", of {MIN_RETRIES} that are needed to tell: what tasks are usually like"
    upsets = {
        "rate": round(rates[0], 4),
        "low": round(min(rates), 4),
        "high": round(max(rates), 4),
        "retries": n,
        "source": source,
    }
    return World(joints, upsets)


def counts_of(units: Units, retries: Retries, n_types: int, n_tiers: int, *, heard_ratio: float) -> Counts:
    first = np.zeros((n_types, n_tiers, 2))
    some = units.fresh
    np.add.at(first, (units.types[some], units.logged[some], (~units.clean[some]).astype(np.int64)), 1.0)
    again = np.zeros((n_types, n_tiers, n_tiers, 2))
    up = retries.before <= retries.after
    at = retries.types[up], retries.before[up], retries.after[up], (~retries.clean[up]).astype(np.int64)
    np.add.at(again, at, 1.0)
    return Counts(first, again, first.sum(axis=2).argmax(axis=1), heard_ratio)
