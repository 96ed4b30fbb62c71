"""The likelihood of a verdict and its gradient, from the scores of the tiers that it depends on.

A verdict at a tier is a Bernoulli draw from the pass curve there. Where tiers had failed at the very task
before, it is the draw given those failures, with the residual that all attempts share integrated out: the
failed attempts are rows of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifier.belief._passing import PassCurve

Array = NDArray[np.float64]
ByTier = dict[int, Array]  # the gradient by the score of a tier


def scores_of(places: Array, effects: Array) -> tuple[Array, Array]:
    """(n, n_tiers) scores, and the (n, n_gaps) derivative of each step by its gap.

    places : (n, n_tiers), level and gaps. effects : (n, n_tiers), level and deviations of the row's type.
    """
    moved = places + effects
    steps, slopes = step_of(moved[:, 1:])
    for tier in range(1, moved.shape[1]):
        np.add(moved[:, tier - 1], steps[:, tier - 1], out=moved[:, tier])
    return moved, slopes


def step_of(gap: Array) -> tuple[Array, Array]:
    """softplus, from a tier's score to the next one's, and its derivative."""
    small = np.abs(gap)
    np.negative(small, out=small)
    np.exp(small, out=small)
    step = np.log1p(small)
    step += np.maximum(gap, 0.0)
    slope = np.where(gap >= 0.0, 1.0, small)
    small += 1.0
    slope /= small
    return step, slope


def verdict_likelihood(
    curve: PassCurve,
    scores: Sequence[Array],
    tier: int,
    clean: NDArray[np.bool_],
    failed: Sequence[int] = (),
) -> tuple[Array, ByTier]:
    """log P(verdicts at `tier` | these had failed at the very task before), and its gradient.

    scores : of each tier up to the highest concerned, in arrays of one shape, (..., n). clean : (n,).
    """
    sign = np.where(clean, 1.0, -1.0)
    if failed:
        log_likelihood, gradient = _after_failures(curve, scores, tier, sign, failed)
    else:
        passes, slope = curve.with_slope(scores[tier])
        found = _found(passes, sign)
        slope *= sign
        slope /= found
        log_likelihood, gradient = np.log(found), {tier: slope}
    return _as_heard(log_likelihood, gradient, sign, curve.widths.heard_ratio)


def _found(passes: Array, sign: Array) -> Array:
    """P(verdict), in place of P(clean)."""
    passes *= sign
    passes += sign < 0
    return passes


def _as_heard(log_likelihood: Array, gradient: ByTier, sign: Array, ratio: float) -> tuple[Array, ByTier]:
    """The same for verdicts of which corrections are reported `ratio` times as often as clean passes."""
    if ratio == 1.0:
        return log_likelihood, gradient
    found = np.exp(log_likelihood)
    passes = _found(found.copy(), sign)
    heard = passes + ratio * (1.0 - passes)
    share = 1.0 - sign * found * (1.0 - ratio) / heard
    moved = np.where(sign > 0, 0.0, np.log(ratio)) - np.log(heard)
    return log_likelihood + moved, {tier: share * each for tier, each in gradient.items()}


def _after_failures(
    curve: PassCurve, scores: Sequence[Array], tier: int, sign: Array, failed: Sequence[int]
) -> tuple[Array, ByTier]:
    """log P(verdict at `tier` | these failed) and its gradient; one axis more on the way, of the nodes."""
    top = 1.0 - curve.widths.epsilon
    passes = {each: curve.given_residual(scores[each]) for each in {tier, *failed}}
    slopes = {each: found * (1.0 - found / top) for each, found in passes.items()}
    weights = curve.residual_weights * np.prod([1.0 - passes[each] for each in failed], axis=0)
    found = _found(passes[tier].copy(), sign[:, None])
    joint, before = (weights * found).sum(axis=-1), weights.sum(axis=-1)
    gradient = {tier: sign * (weights * slopes[tier]).sum(axis=-1) / joint}
    for other in failed:
        moved = weights * slopes[other] / (passes[other] - 1.0)
        change = (moved * found).sum(axis=-1) / joint - moved.sum(axis=-1) / before
        gradient[other] = gradient[other] + change if other in gradient else change
    return np.log(joint / before), gradient
