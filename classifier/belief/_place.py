"""Where the text places a task: the scores of its tiers, before anything is known of its type.

The head gives the mass of each needed tier. A *place* says the same in the terms of the latent
model: the lowest tier's score and, per boundary, the gap to the next tier on softplus' scale, such
that a type of unknown level and deviations needs each tier with exactly the head's mass. So a
multinomial regression does the reading and a hierarchical item-response model the learning.

    score_1 = level(place) + u        score_{t+1} = score_t + softplus(gap_t(place) + d_t)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ._deviations import NODES, deviation_weights
from ._passing import Array, PassCurve, Widths, _sigmoid, softplus

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
        self._cut, self._scale = curve.cut, curve.widths.level_scale
        self._deviations = curve.widths.deviation_sd * NODES
        self._weights = deviation_weights(NODES, curve.widths.odd_share)

    def place(self, mass: Sequence[float]) -> Place:
        """The place at which each tier is needed with this mass; masses sum to 1, none is 0.

        What `places` says of it, to the last bit: the same steps on single numbers take a tenth of the time,
        and every decision that is logged is placed. Logarithms are NumPy's, so that they round alike.
        """
        logits: list[float] = []
        below, above = 0.0, 1.0
        for each in mass[:-1]:
            below, above = below + each, above - each
            logit = float(np.log(max(below, 1e-9) / max(above, 1e-9)))
            least = logits[-1] + MIN_GAP if logits else -MAX_LOGIT
            logits.append(max(min(logit, MAX_LOGIT), least))
        gaps = [self._gap_of_one(low, high) for low, high in pairwise(logits)]
        last = self.curve.widths.top - (self._cut + self._scale * logits[-1])
        return (self._cut + self._scale * logits[0], *gaps, last)

    def places(self, masses: Sequence[Sequence[float]] | Array) -> Array:
        """(n, n_tiers) of (n, n_tiers) masses."""
        logits = cumulative_logits(np.array(masses))
        first = self._cut + self._scale * logits[0]
        gaps = [self._gap(low, high) for low, high in pairwise(logits)]
        last = self.curve.widths.top - (self._cut + self._scale * logits[-1])
        return np.stack([first, *gaps, last], axis=1)

    def masses(self, places: Array) -> Array:
        """(n, n_tiers) of (n, n_tiers) places: the level integrated exactly, the deviations by their nodes.

        From the third tier on, the tier below stands at its typical score: exact to 0.02.
        """
        score = places[:, 0]
        below = [np.zeros(len(places)), self._at_most(score)]
        for gap in places[:, 1:-1].T:
            steps = softplus(gap[:, None] + self._deviations)
            at_most = (self._weights * self._at_most(score[:, None] + steps)).sum(axis=1)
            below.append(np.maximum(at_most, below[-1]))
            odds = np.maximum(at_most, 1e-9) / np.maximum(1.0 - at_most, 1e-9)
            score = self._cut + self._scale * np.log(odds)
        return np.diff(np.stack([*below, np.ones(len(places))], axis=1), axis=1)

    def _at_most(self, score: Array) -> Array:
        """P(a tier suffices whose score, but for the level, is this one)."""
        return np.asarray(1.0 / (1.0 + np.exp(np.minimum((self._cut - score) / self._scale, 60.0))))

    def _gap(self, low: Array, high: Array) -> Array:
        """Bilinear in the table."""
        step = high - low
        y = np.where(step > 30.0, step, np.log(np.expm1(np.minimum(step, 30.0))))
        a, y = (low + MAX_LOGIT) / _A_STEP, (np.maximum(y, _Y_MIN) - _Y_MIN) / _Y_STEP
        i = np.minimum(a.astype(np.int64), len(_A_GRID) - 2)
        j = np.minimum(y.astype(np.int64), len(_Y_GRID) - 2)
        a, y = a - i, y - j
        near = self.gaps[i, j] * (1 - y) + self.gaps[i, j + 1] * y
        far = self.gaps[i + 1, j] * (1 - y) + self.gaps[i + 1, j + 1] * y
        return np.asarray(near * (1 - a) + far * a)

    def _gap_of_one(self, low: float, high: float) -> float:
        step, cell = high - low, self.gaps.item
        y = step if step > 30.0 else float(np.log(np.expm1(step)))
        a, y = (low + MAX_LOGIT) / _A_STEP, (max(y, _Y_MIN) - _Y_MIN) / _Y_STEP
        i, j = min(int(a), len(_A_GRID) - 2), min(int(y), len(_Y_GRID) - 2)
        a, y = a - i, y - j
        near = cell(i, j) * (1 - y) + cell(i, j + 1) * y
        far = cell(i + 1, j) * (1 - y) + cell(i + 1, j + 1) * y
        return float(near * (1 - a) + far * a)


def cumulative_logits(masses: Array) -> list[Array]:
    """(n,) per tier but the top, logit P(needed <= t): bounded, and rising by at least MIN_GAP."""
    out: list[Array] = []
    below, above = np.zeros(len(masses)), np.ones(len(masses))
    for each in masses.T[:-1]:
        below, above = below + each, above - each
        logit = np.log(np.maximum(below, 1e-9) / np.maximum(above, 1e-9))
        least = out[-1] + MIN_GAP if out else -MAX_LOGIT
        out.append(np.maximum(np.minimum(logit, MAX_LOGIT), least))
    return out


def solve_gaps(widths: Widths) -> Array:
    """The table of a Link: E_d sigmoid(a + softplus(gap + d) / scale) = sigmoid(a + step), by bisection."""
    deviations, weights = widths.deviation_sd * NODES, deviation_weights(NODES, widths.odd_share)
    a = _A_GRID[:, None]
    target = _sigmoid(a + np.logaddexp(0.0, _Y_GRID))
    low, high = np.full(target.shape, -30.0), np.full(target.shape, 60.0)
    for _ in range(60):
        middle = (low + high) / 2
        steps = np.logaddexp(0.0, middle[..., None] + deviations) / widths.level_scale
        reached = (_sigmoid(a[..., None] + steps) * weights).sum(axis=-1)
        low, high = np.where(reached < target, middle, low), np.where(reached < target, high, middle)
    return np.asarray(np.maximum((low + high) / 2, LEAST_GAP))
