"""The likelihood of outcomes and its gradient, vectorised over rows.

Places and effects give each row's scores; a verdict at a tier is a Bernoulli draw from the pass
curve there. Where tiers had failed at the very task before, it is the draw given those failures,
with the residual that all attempts share integrated out: the failed attempts are rows of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..classifier._passing import PassCurve, _sigmoid

Array = NDArray[np.float64]


def scores_of(places: Array, effects: Array) -> tuple[Array, Array]:
    """(n, n_tiers) scores, and the (n, n_gaps) derivative of each step by its gap.

    places : (n, n_tiers), level and gaps. effects : (n, n_tiers), level and deviations of the row's type.
    """
    moved = places + effects
    steps = np.logaddexp(0.0, moved[:, 1:])
    return np.cumsum(np.column_stack([moved[:, 0], steps]), axis=1), _sigmoid(moved[:, 1:])


def by_place(by_score: Array, step_slopes: Array) -> Array:
    """The gradient by level and gaps from the gradient by scores, both (n, n_tiers)."""
    from_here_up = np.cumsum(by_score[:, ::-1], axis=1)[:, ::-1]
    return np.column_stack([from_here_up[:, 0], from_here_up[:, 1:] * step_slopes])


def outcome_likelihood(
    curve: PassCurve,
    scores: Array,
    tiers: NDArray[np.int64],
    clean: NDArray[np.bool_],
    failed: Sequence[tuple[int, ...]] | None,
) -> tuple[Array, Array]:
    """Per row log P(verdict), (n,), and its gradient by the row's scores, (n, n_tiers).

    failed : per row the tiers that had failed at the very task before; None where there are none.
    """
    rows = np.arange(len(scores))
    at = np.clip(scores[rows, tiers], curve.scores[0], curve.scores[-1])
    passes, slope = curve.of(at), np.interp(at, curve.scores, curve.slopes)
    found = np.where(clean, passes, 1.0 - passes)
    gradient = np.zeros_like(scores)
    gradient[rows, tiers] = np.where(clean, slope, -slope) / found
    log_likelihood = np.log(found)
    for (tier, before), some in _tried_again(tiers, failed or ()).items():
        log_likelihood[some], gradient[some] = _after_failures(curve, scores[some], tier, clean[some], before)
    return _as_heard(log_likelihood, gradient, clean, curve.widths.heard_ratio)


def _as_heard(
    log_likelihood: Array, gradient: Array, clean: NDArray[np.bool_], ratio: float
) -> tuple[Array, Array]:
    """The same for verdicts of which corrections are reported `ratio` times as often as clean passes."""
    if ratio == 1.0:
        return log_likelihood, gradient
    found, sign = np.exp(log_likelihood), np.where(clean, 1.0, -1.0)
    passes = np.where(clean, found, 1.0 - found)
    heard = passes + ratio * (1.0 - passes)
    by_passes = gradient * (sign * found * (1.0 - ratio) / heard)[:, None]
    return log_likelihood + np.where(clean, 0.0, np.log(ratio)) - np.log(heard), gradient - by_passes


def _tried_again(
    tiers: NDArray[np.int64], failed: Sequence[tuple[int, ...]]
) -> dict[tuple[int, tuple[int, ...]], NDArray[np.int64]]:
    """(tier, tiers that failed before) -> rows."""
    groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for row, before in enumerate(failed):
        if before:
            groups.setdefault((int(tiers[row]), before), []).append(row)
    return {key: np.array(rows) for key, rows in groups.items()}


def _after_failures(
    curve: PassCurve, scores: Array, tier: int, clean: NDArray[np.bool_], failed: tuple[int, ...]
) -> tuple[Array, Array]:
    """(n,) log P(verdict at `tier` | these failed) and its gradient by the (n, n_tiers) scores."""
    passes = curve.given_residual(scores)  # (n, n_tiers, n_nodes)
    slopes = passes * (1.0 - passes / (1.0 - curve.widths.epsilon))
    weights = curve.residual_weights * np.prod(1.0 - passes[:, list(failed)], axis=1)  # (n, n_nodes)
    found = np.where(clean[:, None], passes[:, tier], 1.0 - passes[:, tier])
    joint, before = (weights * found).sum(axis=1), weights.sum(axis=1)
    gradient = np.zeros(scores.shape)
    gradient[:, tier] = np.where(clean, 1, -1) * (weights * slopes[:, tier]).sum(axis=1) / joint
    for other in failed:
        change = -slopes[:, other] / (1.0 - passes[:, other])
        moved = weights * change
        gradient[:, other] += (moved * found).sum(axis=1) / joint - moved.sum(axis=1) / before
    return np.log(joint / before), gradient
