"""What a log says of all tiers: outcomes counted by hand, and how often a higher tier fails what a lower passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from off_policy_world import tasks

from tierwise.training.evaluation._latent import MIN_RETRIES, fit, joint, upset_patterns
from tierwise.training.evaluation._world import Retries, counts_of, world_of

KNOWN = [[1, -1], [0, -1], [0, 1], [-1, 1], [-1, 0], [1, -1]]
UNITS = replace(
    tasks(KNOWN),
    types=np.array([0, 0, 0, 0, 1, 1]),
    fresh=np.array([True, True, True, True, True, False]),
)


def retries(*rows) -> Retries:
    """Of (type, tier that failed, tier of the retry, clean)."""
    types, before, after, clean = (np.array(column) for column in zip(*rows, strict=True))
    return Retries(types, before, after, clean)


SOME = retries((0, 0, 1, True), (0, 0, 1, True), (0, 0, 0, False), (1, 1, 1, True), (1, 1, 0, True))


def test_first_attempts_and_retries_at_the_same_tier_or_above_are_counted():
    found = counts_of(UNITS, SOME, 2, 2, heard_ratio=3.0)
    assert found.first.tolist() == [[[1, 2], [1, 0]], [[0, 0], [0, 1]]]  # the last began with a later attempt
    assert found.again.tolist() == [
        [[[0, 1], [2, 0]], [[0, 0], [0, 0]]],
        [[[0, 0], [0, 0]], [[0, 0], [1, 0]]],
    ]
    assert (found.usual.tolist(), found.heard_ratio) == ([0, 1], 3.0)


@pytest.mark.parametrize("n", [MIN_RETRIES - 1, MIN_RETRIES])
def test_upsets_are_of_all_tasks_and_as_open_as_the_joints(n):
    again = retries(*[(0, 0, 1, number % 2 == 0) for number in range(n)])
    world = world_of(UNITS, again, 2, 2, heard_ratio=2.0)
    counts = counts_of(UNITS, again, 2, 2, heard_ratio=2.0)
    joints = [joint(counts, each) for each in fit(counts)]
    assert world.n_tiers == 2
    for found, expected in zip(world.joints, joints, strict=True):
        assert found.patterns == pytest.approx(expected.patterns)
    [upset] = np.flatnonzero(upset_patterns(2))
    rates = [(4 * each.patterns[0, upset] + each.patterns[1, upset]) / 5 for each in joints]  # 4 tasks and 1
    assert (world.upsets["rate"], world.upsets["retries"]) == (pytest.approx(rates[0], abs=1e-4), n)
    assert world.upsets["low"] == pytest.approx(min(rates), abs=1e-4)
    assert world.upsets["high"] == pytest.approx(max(rates), abs=1e-4)
    assert 0 < world.upsets["low"] < world.upsets["high"] < 0.3
    few = f", of {MIN_RETRIES} that are needed to tell: what tasks are usually like"
    assert world.upsets["source"] == f"{n} retries" + (few if n < MIN_RETRIES else "")
