"""The rival: counts per task type and tier, shrunk to the tier's rate, as they stood at each decision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifier.errors import ContradictoryTask, NoTierFits
from ...classifier.task import Task
from ...router.ladder import Ladder
from ...router.policy import Policy
from ...router.rules._beliefs import Beliefs
from ...router.rules._decide import decide
from ._replay import NOT_ROUTED
from ._rows import Rows

Array = NDArray[np.float64]
Int = NDArray[np.int64]
_STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def table_rates(rows: Rows, n_tiers: int, judged: Int) -> Array:
    """(n, n_tiers): P(clean) by the table before each row.

    Its strength is the one that predicts the rows `judged` best, seen afterwards: an advantage that the
    model which it is compared with does not have.
    """
    counts = _as_of(rows, n_tiers)
    overall = _as_of_all(rows, n_tiers)
    here, tiers = judged, rows.outcomes.tiers[judged]
    losses = []
    for strength in _STRENGTHS:
        found = _shrunk(counts, overall, strength)[here, tiers]
        losses.append(-np.log(np.where(rows.outcomes.clean[here], found, 1.0 - found)).mean())
    return _shrunk(counts, overall, _STRENGTHS[int(np.argmin(losses))])


def table_choices(
    rates: Array, tasks: Sequence[Task], policy: Policy, ladder: Ladder, min_pass: float, tolerance: float
) -> Int:
    """(n,): the lowest tier whose rate suffices, or where corrections are priced the cheapest; under the
    rules that the model's choices are under.
    """
    rising = np.maximum.accumulate(rates, axis=1)
    enough = rising >= np.maximum(min_pass, (1.0 - tolerance) * rising[:, -1:])
    needed = np.where(enough.any(axis=1), enough.argmax(axis=1), rates.shape[1] - 1)
    out = np.full(len(tasks), NOT_ROUTED)
    for row, task in enumerate(tasks):
        mass = tuple(float(tier == needed[row]) for tier in range(rates.shape[1]))
        beliefs = Beliefs(mass, tuple(rising[row].tolist()), None, True, 0.6, 0.5, min_pass, None)
        try:
            choice = decide(task, beliefs, policy, ladder)
        except (NoTierFits, ContradictoryTask):
            continue
        out[row] = choice.rung
    return out


def _shrunk(counts: Array, overall: Array, strength: float) -> Array:
    return np.asarray((counts[..., 0] + strength * overall) / (counts.sum(axis=-1) + strength))


def _as_of(rows: Rows, n_tiers: int) -> Array:
    """(n, n_tiers, 2), clean and not, of the row's type."""
    out = np.zeros((len(rows), n_tiers, 2))
    order = np.argsort(rows.outcomes.types, kind="stable")
    for of_type in np.split(order, np.flatnonzero(np.diff(rows.outcomes.types[order])) + 1):
        out[of_type] = rows.earlier[rows.outcomes.types[of_type[0]]] + _known(rows, of_type, n_tiers)
    return out


def _as_of_all(rows: Rows, n_tiers: int) -> Array:
    """(n, n_tiers): each tier's rate over all types; a half while it has no outcome."""
    counts = _known(rows, np.arange(len(rows)), n_tiers) + rows.earlier.sum(axis=0)
    return np.asarray((counts[..., 0] + 1.0) / (counts.sum(axis=-1) + 2.0))


def _known(rows: Rows, some: Int, n_tiers: int) -> Array:
    """(len(some), n_tiers, 2): outcomes among `some` recorded before each one's decision."""
    out = np.zeros((len(some), n_tiers, 2))
    tiers, clean = rows.outcomes.tiers[some], rows.outcomes.clean[some]
    for tier in np.unique(tiers):
        for column, wanted in enumerate((clean, ~clean)):
            times = np.sort(rows.recorded[some][(tiers == tier) & wanted])
            out[:, tier, column] = np.searchsorted(times, rows.decided[some], side="left")
    return out
