"""The grid of effects against a fine numerical integration of the same model, written from its definition.

Texts that are sure of something and types that prove the opposite are where few points may be too few.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tierwise.classifier.belief._deviations import ODD_SD
from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.belief._place import Link, solve_gaps
from tierwise.classifier.belief.posterior import Posterior

WIDTHS = Widths()
GRID = effect_grid(3, WIDTHS)
LINK = Link(GRID.curve, solve_gaps(WIDTHS))
EASY, HARD, OPEN = (0.9998, 0.0001, 0.0001), (0.0003, 0.0003, 0.9994), (0.3, 0.4, 0.3)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _normal(x, sd):
    return np.exp(-x * x / (2 * sd * sd)) / sd


def _pass_curve():
    v = np.linspace(-6, 6, 121) * WIDTHS.omega
    weights = _normal(v, WIDTHS.omega)
    scores = np.linspace(-30, 60, 4501)
    return scores, (1 - WIDTHS.epsilon) * _sigmoid(scores[:, None] + v) @ (weights / weights.sum())


def _integrated(place, counts):
    """P(needed tier) and P(clean | tier)."""
    scale = WIDTHS.level_sd * math.sqrt(3) / math.pi
    u = np.linspace(-15, 15, 151) * scale
    d = np.linspace(-16, 16, 97) * WIDTHS.deviation_sd
    prior_u = _sigmoid(u / scale) * _sigmoid(-u / scale)
    prior_d = (1 - WIDTHS.odd_share) * _normal(d, WIDTHS.deviation_sd)
    prior_d += WIDTHS.odd_share * _normal(d, ODD_SD * WIDTHS.deviation_sd)
    curve, cut = _pass_curve(), GRID.curve.cut
    first = place[0] + u[:, None, None]
    second = first + np.logaddexp(0, place[1] + d)[:, None]
    third = second + np.logaddexp(0, place[2] + d)
    scores = [np.broadcast_to(each, third.shape) for each in (first, second, third)]
    passes = [np.interp(each, *curve) for each in scores]
    log_weights = np.log(prior_u[:, None, None] * prior_d[:, None] * prior_d)
    for tier, (clean, unclean) in counts.items():
        log_weights = log_weights + clean * np.log(passes[tier]) + unclean * np.log1p(-passes[tier])
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    at_most = [(weights * (each >= cut)).sum() for each in scores[:-1]]
    return np.diff([0.0, *at_most, 1.0]), [(weights * each).sum() for each in passes]


@pytest.mark.parametrize("mass", [EASY, HARD, OPEN])
@pytest.mark.parametrize(
    "counts",
    [
        {},
        {0: (12, 1)},
        {0: (2, 3), 2: (1, 2)},
        {0: (0, 30), 1: (30, 0)},
        {0: (25, 75), 1: (60, 40)},
        {1: (20, 0)},
        {2: (0, 20)},
    ],
)
def test_few_points_say_what_a_fine_integration_says(mass, counts):
    place = LINK.place(mass)
    needed, passes = _integrated(place, counts)
    found = Posterior(GRID, place, mass, None, history=counts or None)
    assert found.needed == pytest.approx(needed, abs=0.08)
    assert found.pass_ == pytest.approx(np.array(passes), abs=0.08)


@pytest.mark.parametrize(("clean", "unclean"), [(0, 300), (25, 75), (100, 900)])
def test_whatever_the_text_says_many_outcomes_are_believed(clean, unclean):
    """A text that is sure of the lowest tier had kept P(clean) there above one half."""
    found = Posterior(GRID, LINK.place(EASY), EASY, None, history={0: (clean, unclean)})
    assert found.pass_[0] == pytest.approx(clean / (clean + unclean), abs=0.1)
