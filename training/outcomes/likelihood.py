"""The likelihood of outcomes and its gradient, vectorised over rows.

Places and effects give each row's scores; a verdict at a tier is a Bernoulli draw from the pass
curve there. Where tiers had failed at the very task before, it is the draw given those failures,
with the residual that all attempts share integrated out: the failed attempts are rows of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import PassCurve
from .frame import Outcomes

Array = NDArray[np.float64]
_AT_ONCE = 8_192  # rows times points: what is worked out of them stays in the processor's cache


def of_outcomes(curve: PassCurve, outcomes: Outcomes, places: Array, effects: Array) -> tuple[Array, Array]:
    """(n, n_points) log P(verdict), and (n, n_points, n_tiers) its gradient by level and gaps, unweighted.

    places : (n, n_tiers). effects : (n_types, n_points, n_tiers).
    """
    (n_points, n_tiers), n = effects.shape[1:], len(outcomes)
    each, by_row = np.empty((n, n_points)), np.empty((n, n_points, n_tiers))
    step = max(_AT_ONCE // n_points, 1)
    tried_again = any(outcomes.failed)
    for start in range(0, n, step):
        some = slice(start, start + step)
        scores, step_slopes = scores_of(places[some, None, :], effects[outcomes.types[some]])
        tiers, clean = outcomes.tiers[some].repeat(n_points), outcomes.clean[some].repeat(n_points)
        failed = (
            [before for before in outcomes.failed[some] for _ in range(n_points)] if tried_again else None
        )
        found, by_score = outcome_likelihood(curve, scores.reshape(-1, n_tiers), tiers, clean, failed)
        each[some] = found.reshape(-1, n_points)
        by_row[some] = by_place(by_score.reshape(scores.shape), step_slopes)
    return each, by_row


def scores_of(places: Array, effects: Array) -> tuple[Array, Array]:
    """(..., n_tiers) scores, and the (..., n_gaps) derivative of each step by its gap.

    places : (..., n_tiers), level and gaps. effects : (..., n_tiers), level and deviations of the row's type.
    """
    moved = places + effects
    gaps = moved[..., 1:]
    small = np.exp(-np.abs(gaps))
    steps = np.maximum(gaps, 0.0) + np.log1p(small)
    slopes = np.where(gaps >= 0.0, 1.0, small) / (1.0 + small)
    for tier in range(1, moved.shape[-1]):  # in place, and four times as fast as a cumulative sum along rows
        np.add(moved[..., tier - 1], steps[..., tier - 1], out=moved[..., tier])
    return moved, slopes


def by_place(by_score: Array, step_slopes: Array) -> Array:
    """The gradient by level and gaps from the gradient by scores, both (..., n_tiers)."""
    out = by_score.copy()
    for tier in reversed(range(out.shape[-1] - 1)):
        out[..., tier] += out[..., tier + 1]
    out[..., 1:] *= step_slopes
    return out


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
    passes, slope = curve.with_slope(scores[rows, tiers])
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
