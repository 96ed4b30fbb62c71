"""Beliefs after counts: along the axes of the grid, as its points one by one would have it."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths
from tierwise.classifier.belief.posterior import Posterior, work_out

COUNTS = [
    {0: (12.0, 1.0)},
    {1: (0.0, 20.0)},
    {0: (0.0, 30.0), 1: (30.0, 0.0)},
    {0: (3.0, 2.0), 1: (4.0, 0.5), 2: (7.0, 1.0)},
    {2: (0.0, 20.0)},
    {0: (1e15, 1e15)},
]
PLACES = [(-1.0, 0.5, 1.5), (0.7, -2.5, 0.0), (2.0, 3.0, 0.1), (1.0, -40.0, -40.0)]  # the last: tiers alike


def tasks(grid, **more):
    places = [(place * 2)[: grid.n_tiers] for place in PLACES]
    counts = [c for c in COUNTS if max(c) < grid.n_tiers]
    return [
        Posterior(grid, place, (1 / grid.n_tiers,) * grid.n_tiers, None, history=each, **more)
        for place, each in product(places, counts * 2)
    ]


@pytest.mark.parametrize("n_tiers", [2, 3, 4])
@pytest.mark.parametrize("heard_ratio", [1.0, 4.0])
def test_counts_say_what_all_points_of_the_grid_say(n_tiers, heard_ratio):
    grid = effect_grid(n_tiers, dataclasses.replace(Widths(), heard_ratio=heard_ratio))
    for each in tasks(grid):
        effects = grid.prior.reweighted(grid.log_likelihood(each.place, each.history))
        plain = Posterior(grid, each.place, each.text, None, effects=effects, history=each.history)
        assert each.needed == pytest.approx(plain.needed, abs=1e-12)
        assert each.pass_ == pytest.approx(plain.pass_, abs=1e-12)
        assert list(each.pass_) == sorted(each.pass_)
        assert min(each.needed) >= 0.0
        assert sum(each.needed) == pytest.approx(1.0, abs=1e-12)


def test_many_tasks_with_counts_are_answered_exactly_as_one_by_one():
    grid = effect_grid(3, Widths())
    many = tasks(grid)
    work_out(grid, many)
    for found, alone in zip(many, tasks(grid), strict=True):
        assert "_of_counts" in found.__dict__
        assert (found.needed, found.pass_) == (alone.needed, alone.pass_)


def test_after_a_failed_attempt_counts_are_what_the_grid_says_too():
    grid = effect_grid(3, Widths())
    for failed, before in zip(tasks(grid, failed=(0,)), tasks(grid), strict=True):
        assert failed.needed[0] <= before.needed[0] + 1e-12
        assert np.isfinite(failed.pass_).all()
        assert failed.all_fail([0]) <= 1.0
