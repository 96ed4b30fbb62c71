"""Where the text places a task: the scores of its tiers, before anything is known of its type.

The head gives the mass of each needed tier. A *place* says the same in the terms of the latent
model: the lowest tier's score and, per boundary, the gap to the next tier on softplus' scale, such
that a type of unknown level and deviations needs each tier with exactly the head's mass. So a
multinomial regression does the reading and a hierarchical item-response model the learning.

    score_1 = level(place) + u        score_{t+1} = score_t + softplus(gap_t(place) + d_t)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ._deviations import NODES, deviation_weights
from ._passing import Array, PassCurve, Widths, _sigmoid

Place = tuple[float, ...]  # (level, gap_1, ..., gap_{T-1})

MAX_LOGIT = 7.0  # of a cumulative mass: for its place, a text is never surer than 1 in 1,000
MIN_GAP = 1e-3
LEAST_GAP = -2.5  # on softplus' scale: where the text leaves a tier no mass, outcomes must still be able to
# tell it from the tier below, so a place keeps up to 0.05 for it
_A_STEP, _Y_STEP = 0.5, 0.5
_A_GRID = np.arange(-MAX_LOGIT, MAX_LOGIT + _A_STEP / 2, _A_STEP)
_Y_GRID = np.arange(-7.0, 2 * MAX_LOGIT + _Y_STEP / 2, _Y_STEP)
_Y_MIN = -7.0


class Link:
    """Masses to places and back, for given widths.

    gaps : (len(_A_GRID), len(_Y_GRID)), the softplus gap by cumulative logit and log step to the next;
    stored with the model, since solving for it takes longer than a decision process may.
    """

    def __init__(self, curve: PassCurve, gaps: Array) -> None:
        self.curve, self.gaps = curve, gaps
        self._rows: list[list[float]] = gaps.tolist()
        self._scale = curve.widths.level_scale
        self._deviations: list[float] = (curve.widths.deviation_sd * NODES).tolist()
        self._weights: list[float] = deviation_weights(NODES).tolist()

    def place(self, mass: Sequence[float]) -> Place:
        """The place at which each tier is needed with this mass; masses sum to 1, none is 0."""
        logits = cumulative_logits(mass)
        out = [self.curve.cut + self._scale * logits[0]]
        out += [self._gap(low, high) for low, high in pairwise(logits)]
        out.append(self.curve.widths.top - (self.curve.cut + self._scale * logits[-1]))
        return tuple(out)

    def mass(self, place: Place) -> tuple[float, ...]:
        """P(needed tier) at a place: the level integrated exactly, the deviations by their nodes.

        From the third tier on, the tier below stands at its typical score: exact to 0.02.
        """
        score, below = place[0], [0.0, self._at_most(place[0])]
        for gap in place[1:-1]:
            steps = [_softplus(gap + deviation) for deviation in self._deviations]
            at_most = sum([w * self._at_most(score + s) for w, s in zip(self._weights, steps, strict=True)])
            below.append(max(at_most, below[-1]))
            score = self.curve.cut + self._scale * math.log(max(at_most, 1e-9) / max(1.0 - at_most, 1e-9))
        return tuple([high - low for low, high in zip(below, [*below[1:], 1.0], strict=True)])

    def _at_most(self, score: float) -> float:
        """P(a tier suffices whose score, but for the level, is this one)."""
        return 1.0 / (1.0 + math.exp(min((self.curve.cut - score) / self._scale, 60.0)))

    def _gap(self, low: float, high: float) -> float:
        """Bilinear in the table."""
        step = high - low
        y = step if step > 30.0 else math.log(math.expm1(step))
        a, y = (low + MAX_LOGIT) / _A_STEP, (max(y, _Y_MIN) - _Y_MIN) / _Y_STEP
        i, j = min(int(a), len(_A_GRID) - 2), min(int(y), len(_Y_GRID) - 2)
        a, y = a - i, y - j
        near, far = self._rows[i], self._rows[i + 1]
        return (near[j] * (1 - y) + near[j + 1] * y) * (1 - a) + (far[j] * (1 - y) + far[j + 1] * y) * a


def cumulative_logits(mass: Sequence[float]) -> list[float]:
    """logit P(needed <= t) for all tiers but the top: bounded, and rising by at least MIN_GAP."""
    out: list[float] = []
    below, above = 0.0, 1.0
    for each in mass[:-1]:
        below, above = below + each, above - each
        logit = math.log(max(below, 1e-9) / max(above, 1e-9))
        least = out[-1] + MIN_GAP if out else -MAX_LOGIT
        out.append(max(min(logit, MAX_LOGIT), least))
    return out


def _softplus(x: float) -> float:
    return x if x > 30.0 else math.log1p(math.exp(x))


def solve_gaps(widths: Widths) -> Array:
    """The table of a Link: E_d sigmoid(a + softplus(gap + d) / scale) = sigmoid(a + step), by bisection."""
    deviations, weights = widths.deviation_sd * NODES, deviation_weights(NODES)
    a = _A_GRID[:, None]
    target = _sigmoid(a + np.logaddexp(0.0, _Y_GRID))
    low, high = np.full(target.shape, -30.0), np.full(target.shape, 60.0)
    for _ in range(60):
        middle = (low + high) / 2
        steps = np.logaddexp(0.0, middle[..., None] + deviations) / widths.level_scale
        reached = (_sigmoid(a[..., None] + steps) * weights).sum(axis=-1)
        low, high = np.where(reached < target, middle, low), np.where(reached < target, high, middle)
    return np.asarray(np.maximum((low + high) / 2, LEAST_GAP))
