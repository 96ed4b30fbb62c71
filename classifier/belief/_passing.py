"""From a tier's latent score to the probability of a clean pass, and back.

P(clean | eta) = (1 - epsilon) * E[sigmoid(eta + v)], v ~ N(0, omega^2): `v` is what is special about
one task and shared by all its attempts; `epsilon` is the share of outcomes that no tier avoids.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ._gauss_hermite import gauss_hermite

Array = NDArray[np.float64]

LIMIT = 16.0  # scores are kept within; sigmoid(-16) is 1e-7
_STEP = 1 / 32  # of the curve's table; linear interpolation is exact to 3e-5
RESIDUAL_NODES = 7  # where several attempts share a residual; exact to 1e-4 at omega = 1
_CURVE_NODES = 31


@dataclass(frozen=True)
class Widths:
    """How far kinds of tasks differ from what their text says; all on the logit scale.

    level_sd : of a type's level, logistic: heavier in the tails than a normal, for types that the
        text misjudges altogether. deviation_sd : of each gap between neighbouring tiers, normal; but for
        the odd_share of types whose gap the text misjudges altogether.
    omega : of a single task. epsilon : outcomes that no tier avoids. top : the top tier's typical score.
    hazard : probability, per outcome, that a type has changed.
    heard_ratio : how many times likelier a correction is to be reported than a clean pass. Silence is
        no verdict, but where verdicts go missing unevenly those that are heard overstate failure.
    min_pass, tolerance : a tier suffices where it passes at least min_pass, and at least
        (1 - tolerance) as often as the top tier typically does.
    """

    level_sd: float = 1.2
    deviation_sd: float = 0.8
    omega: float = 1.0
    epsilon: float = 0.03
    top: float = 3.0
    hazard: float = 0.003
    heard_ratio: float = 1.0
    odd_share: float = 0.05
    min_pass: float = 0.6
    tolerance: float = 0.10

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    @property
    def level_scale(self) -> float:
        """Of the logistic distribution whose standard deviation is level_sd."""
        return self.level_sd * math.sqrt(3.0) / math.pi


class PassCurve:
    """The curve for given widths. sufficient_pass : a tier suffices from here on; cut : its score."""

    def __init__(self, widths: Widths) -> None:
        self.widths = widths
        self.scores = np.arange(-LIMIT, LIMIT + _STEP / 2, _STEP)
        self.table = (1.0 - widths.epsilon) * _smoothed(self.scores, widths.omega)
        nodes, self.residual_weights = gauss_hermite(RESIDUAL_NODES)
        self.residuals: Array = widths.omega * nodes
        typical = self.mean_of(widths.top)
        self.sufficient_pass = max(widths.min_pass, (1.0 - widths.tolerance) * typical)
        self.cut = float(np.interp(self.sufficient_pass, self.table, self.scores))

    def of(self, score: Array) -> Array:
        """P(clean) at these scores, any shape. What np.interp says, quicker: the table's steps are even."""
        index, part = _in_table(score)
        part *= self._steps.take(index)
        part += self.table.take(index)
        return np.asarray(part)

    def with_slope(self, score: Array) -> tuple[Array, Array]:
        """P(clean) at these scores, and its derivative there."""
        index, part = _in_table(score)
        passes = self.table.take(index) + part * self._steps.take(index)
        return passes, self.slopes.take(index) + part * self._steps_of_slopes.take(index)

    def heard(self, passes: Array) -> Array:
        """P(clean | a verdict was heard), from P(clean)."""
        ratio = self.widths.heard_ratio
        return passes if ratio == 1.0 else np.asarray(passes / (passes + ratio * (1.0 - passes)))

    def given_residual(self, score: Array) -> Array:
        """P(clean) with the task's residual known; one axis more than `score`, of its nodes."""
        return np.asarray((1 - self.widths.epsilon) * _sigmoid(score[..., None] + self.residuals))

    def mean_of(self, score: float) -> float:
        """P(clean) of a type of which only the text's score is known: the mean over its level."""
        position = (min(max(score, -LIMIT), LIMIT) + LIMIT) / _STEP
        index = min(int(position), len(self.scores) - 2)
        levels = np.linspace(-10.0, 10.0, 161) * self.widths.level_scale
        weights = _logistic_cells(levels, self.widths.level_scale)
        shifted = np.interp(self.scores[index : index + 2, None] + levels, self.scores, self.table)
        low, high = (shifted * weights).sum(axis=1).tolist()
        part = position - index
        return float(low * (1.0 - part) + high * part)

    @cached_property
    def _steps(self) -> Array:
        """From each point of the table to the next; none from the last."""
        return np.append(np.diff(self.table), 0.0)

    @cached_property
    def _steps_of_slopes(self) -> Array:
        return np.append(np.diff(self.slopes), 0.0)

    @cached_property
    def slopes(self) -> Array:
        """Derivative of the curve at `scores`."""
        return np.gradient(self.table, _STEP)


@lru_cache(maxsize=8)
def pass_curve(widths: Widths) -> PassCurve:
    """The curve, built once for each set of widths."""
    return PassCurve(widths)


def _smoothed(scores: Array, omega: float) -> Array:
    nodes, weights = gauss_hermite(_CURVE_NODES)
    return np.asarray((_sigmoid(scores[:, None] + omega * nodes) * weights).sum(axis=1))


def _logistic_cells(levels: Array, scale: float) -> Array:
    """Probability of the cell around each of the evenly spaced levels; sums to 1."""
    edges = (levels[1:] + levels[:-1]) / 2
    inner = _sigmoid(edges / scale)
    return np.diff(np.concatenate([[0.0], inner, [1.0]]))


def _in_table(score: Array) -> tuple[NDArray[np.int64], Array]:
    """The point of the table at or below each score, and how far it is on the way to the next."""
    position = np.clip(score, -LIMIT, LIMIT)
    position += LIMIT
    position /= _STEP
    index = position.astype(np.int64)
    position -= index
    return index, position


def softplus(x: Array) -> Array:
    """log(1 + exp(x)); four times as fast as np.logaddexp."""
    rest = np.abs(x)
    np.negative(rest, out=rest)
    np.exp(rest, out=rest)
    np.log1p(rest, out=rest)
    rest += np.maximum(x, 0.0)
    return rest


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0))))
