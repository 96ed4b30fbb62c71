"""The widths of type effects by marginal likelihood: what types are like shows in what is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tierwise.classifier.artifact._stored import widths_from
from tierwise.classifier.belief._deviations import ODD_SD
from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.training.outcomes.learner import STANDARD
from tierwise.training.outcomes.widths import fit_widths

N_TYPES = 150


def found_for(odd_share, *, start=STANDARD):
    """The widths found where each type's effects are known to +-0.5, and this share of gaps is odd."""
    chance = np.random.default_rng(4)
    odd = chance.random((N_TYPES, 2)) < odd_share
    deviations = 0.8 * np.where(odd, ODD_SD, 1.0) * chance.normal(size=(N_TYPES, 2))
    effects = np.column_stack([chance.logistic(scale=Widths().level_scale, size=N_TYPES), deviations])
    effects += 0.5 * chance.normal(size=effects.shape)
    grid = effect_grid(3, start)
    points = np.column_stack([grid.prior.levels, grid.prior.deviations])
    squares = ((points[None] - effects[:, None]) ** 2).sum(axis=2)
    return fit_widths(-2.0 * squares, 3, start, STANDARD)


def test_the_share_of_odd_types_is_found():
    few, many = found_for(0.0), found_for(0.4)
    assert few.odd_share < 0.08
    assert many.odd_share == pytest.approx(0.4, abs=0.15)
    for found in (few, many):
        assert found.deviation_sd == pytest.approx(0.8, rel=0.3)
        assert found.level_sd == pytest.approx(1.2, rel=0.3)


def test_a_start_far_off_does_not_decide_what_is_found():
    near, far = (found_for(0.2, start=replace(STANDARD, deviation_sd=sd)) for sd in (0.8, 1.0))
    assert near.deviation_sd == pytest.approx(far.deviation_sd, rel=0.15)


def test_types_without_outcomes_leave_the_standard_widths():
    likelihoods = np.zeros((3, len(effect_grid(3, STANDARD).prior.weights)))
    found = fit_widths(likelihoods, 3, STANDARD, STANDARD)
    assert found.odd_share == pytest.approx(STANDARD.odd_share, abs=0.01)
    assert found.deviation_sd == pytest.approx(STANDARD.deviation_sd, rel=0.05)


def test_a_model_of_before_the_share_was_stored_has_five_per_cent():
    stored = {name: value for name, value in Widths().to_dict().items() if name != "odd_share"}
    assert widths_from({"widths": stored, "format_version": 2}).odd_share == 0.05


def test_a_larger_share_gives_in_sooner_to_a_step_that_the_text_denies():
    """Half clean at Sonnet and nearly all at Opus, where the text sees no step between them."""
    place, counts = (0.0, -2.0, -2.0), {1: (20, 20), 2: (18, 2)}
    at_opus = []
    for share in (0.0, 0.05, 0.3):
        grid = effect_grid(3, replace(Widths(), odd_share=share))
        known = grid.prior.reweighted(grid.log_likelihood(place, counts))
        at_opus.append(float(known.weights @ grid.curve.of(known.scores(place)[:, 2])))
    assert at_opus == sorted(at_opus)
    assert at_opus[2] > at_opus[0] + 0.05
