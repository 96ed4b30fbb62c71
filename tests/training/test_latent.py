"""What a type's tasks would do at every tier: against draws, and against leaving outcomes out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tierwise.training.evaluation._latent import (
    MIN_RETRIES,
    Counts,
    Parameters,
    clean_by_pattern,
    fit,
    joint,
)

PARAMETERS = Parameters(np.array([1.5, 0.5, 1.0]), np.array([0.5, 1.2]), 1.2, 0.7, 1.3, 0.04)


def counts(*types, usual, heard_ratio=1.0) -> Counts:
    """Of each type: first attempts, tier -> (clean, not), and retries, (before, after) -> (clean, not)."""
    first, again = np.zeros((len(types), 3, 2)), np.zeros((len(types), 3, 3, 2))
    for kind, seen in enumerate(types):
        for at, pair in seen.items():
            if isinstance(at, tuple):
                again[kind, *at] = pair
            else:
                first[kind, at] = pair
    return Counts(first, again, np.array(usual), heard_ratio)


SEEN = {1: (6, 2), 0: (1, 3), (0, 1): (2, 1), (1, 1): (0, 1)}


@pytest.mark.parametrize("heard_ratio", [1.0, 3.0])
@pytest.mark.parametrize("usual", [0, 1, 2])
def test_a_type_is_believed_to_be_as_the_draws_that_its_outcomes_leave(usual, heard_ratio):
    chance = np.random.default_rng(5)
    n = 60_000
    level = PARAMETERS.levels[usual] + 1.2 * chance.normal(size=n)
    steps = np.logaddexp(0, PARAMETERS.gaps + 0.7 * chance.normal(size=(n, 2)))
    score = np.column_stack([np.zeros(n), np.cumsum(steps, axis=1)])
    score += (level - score[:, usual])[:, None]
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(15)
    node_weights = node_weights / node_weights.sum()
    p = 0.96 / (1 + np.exp(-(score[:, :, None] + 1.3 * nodes)))  # (draws, tiers, tasks)

    def over_tasks(values):
        return values @ node_weights

    log_weights = np.zeros(n)
    for at, (clean, unclean) in SEEN.items():
        if isinstance(at, tuple):
            before, after = at
            found = over_tasks((1 - p[:, before]) * p[:, after]) / over_tasks(1 - p[:, before])
        else:
            found = over_tasks(p[:, at])
        found = found / (found + heard_ratio * (1 - found))
        log_weights += clean * np.log(found) + unclean * np.log(1 - found)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    got = joint(counts(SEEN, usual=[usual], heard_ratio=heard_ratio), PARAMETERS)
    assert got.rates[0] == pytest.approx(weights @ over_tasks(p), abs=0.015)
    for pattern, clean in enumerate(clean_by_pattern(3)):
        each = np.prod(np.where(clean[:, None], p, 1 - p), axis=1)
        assert got.patterns[0, pattern] == pytest.approx(weights @ over_tasks(each), abs=0.015)


def test_patterns_are_probabilities_whose_margins_are_the_rates():
    got = joint(counts(SEEN, {2: (9, 0)}, {}, usual=[1, 2, 0]), PARAMETERS)
    assert got.patterns.sum(axis=1) == pytest.approx(np.ones(3))
    assert got.patterns @ clean_by_pattern(3) == pytest.approx(got.rates)
    assert (np.diff(got.rates, axis=1) > 0).all()


def test_thousands_of_outcomes_of_a_type_are_believed():
    """Each is improbable by a factor; all together they are not 0."""
    got = joint(counts({1: (4_000, 2_000), 0: (900, 2_100)}, usual=[1]), PARAMETERS)
    assert got.rates[0, :2] == pytest.approx([0.3, 2 / 3], abs=0.04)
    assert got.patterns.sum() == pytest.approx(1)


def test_what_seemed_impossible_may_come():
    """So far down that a clean pass has no probability that a number could hold."""
    hopeless = replace(PARAMETERS, levels=np.full(3, -60.0))
    for seen in (SEEN, {0: (0, 3), (0, 1): (0, 3)}):
        got = joint(counts(seen, usual=[1]), hopeless)
        assert np.isfinite(got.rates).all()
        assert np.isfinite(got.left_out[0]).all()
        assert got.patterns.sum() == pytest.approx(1)


def test_types_together_are_believed_as_each_alone():
    seen = [SEEN, {2: (9, 0)}, {0: (0, 4), (0, 2): (1, 0)}, {}, {1: (2, 2)}]
    usual = [1, 2, 0, 0, 1]
    together = joint(counts(*seen, usual=usual), PARAMETERS)
    for row, (each, tier) in enumerate(zip(seen, usual, strict=True)):
        alone = joint(counts(each, usual=[tier]), PARAMETERS)
        assert together.patterns[row] == pytest.approx(alone.patterns[0])
        assert together.left_out[row] == pytest.approx(alone.left_out[0])


@pytest.mark.parametrize("heard_ratio", [1.0, 3.0])
@pytest.mark.parametrize(("tier", "verdict"), [(1, 0), (1, 1), (0, 0), (0, 1)])
def test_an_outcome_left_out_leaves_what_the_others_say(tier, verdict, heard_ratio):
    pair = list(SEEN[tier])
    pair[verdict] -= 1
    whole, less = (
        joint(counts(each, usual=[1], heard_ratio=heard_ratio), PARAMETERS)
        for each in (SEEN, {**SEEN, tier: tuple(pair)})
    )
    assert whole.left_out[0, tier, verdict] == pytest.approx(less.rates[0, tier])


def test_few_retries_leave_the_spread_of_tasks_open_and_every_log_the_gaps():
    best, *others = fit(counts(*[{1: (5, 2), 0: (2, 2), (0, 1): (1, 0)}] * (MIN_RETRIES - 1), usual=[1] * 19))
    assert [each.omega for each in others] == [0.44, 2.27, best.omega, best.omega]
    assert [each.gaps - best.gaps for each in others] == [
        pytest.approx(np.full(2, shift)) for shift in (0.0, 0.0, -1.0, 1.0)
    ]
    assert [each.level_sd for each in others] == [best.level_sd] * 4


@pytest.mark.parametrize(("omega", "low", "high"), [(0.1, 0.0, 1.0), (2.5, 1.0, 3.0)])
def test_retries_tell_how_much_a_failure_says_of_the_next_attempt(omega, low, high):
    """Of 40 types: tasks of a large spread that failed at the lower tier fail above as well."""
    chance = np.random.default_rng(1)
    seen = []
    for _ in range(40):
        level, steps = 0.5 + 1.5 * chance.normal(), np.logaddexp(0, 0.8 * chance.normal(size=2))
        score = level + np.concatenate([[0], np.cumsum(steps)])
        p = 0.97 / (1 + np.exp(-(score + omega * chance.normal(size=(60, 1)))))
        clean = chance.random((60, 3)) < p
        failed = ~clean[:, 0]
        again = failed & clean[:, 1]
        seen.append({0: ((~failed).sum(), failed.sum()), (0, 1): (again.sum(), failed.sum() - again.sum())})
    best, least, most, *_ = fit(counts(*seen, usual=[0] * 40))
    assert low < best.omega < high
    assert least.omega <= best.omega * 1.05
    assert most.omega >= best.omega * 0.95
    assert least.omega <= omega <= most.omega
