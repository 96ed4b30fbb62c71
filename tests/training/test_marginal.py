"""The marginal likelihood: quadrature around each type's effects against the grid, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from tierwise.classifier.belief._effects import effect_grid
from tierwise.classifier.belief._passing import Widths, pass_curve
from tierwise.classifier.task import Task
from tierwise.training.features.space import Blocks
from tierwise.training.outcomes import marginal
from tierwise.training.outcomes.correction import fit_correction, log_prior
from tierwise.training.outcomes.frame import Outcomes
from tierwise.training.outcomes.likelihood import scores_of
from tierwise.training.outcomes.marginal import fit_marginal
from tierwise.training.outcomes.penalties import Penalties, no_correction
from tierwise.training.outcomes.widths import type_likelihoods

WIDTHS = Widths(level_sd=1.5, deviation_sd=1.0)
N_TYPES = 24


@pytest.fixture(scope="module")
def log():
    """Outcomes of types with wide effects, some of them tried again; places; features."""
    chance = np.random.default_rng(3)
    n = N_TYPES * 30
    types = np.repeat(np.arange(N_TYPES), 30)
    effects = np.column_stack([chance.logistic(scale=0.8, size=N_TYPES), chance.normal(size=(N_TYPES, 2))])
    features = chance.normal(size=(n, 2)).astype(np.float32)
    places = np.tile([0.0, 1.5, 0.5], (n, 1))
    scores = scores_of(places + features @ np.array([[0.8, 0, 0], [0, 0, 0]]), effects[types])[0]
    tiers = chance.integers(0, 3, n)
    clean = chance.random(n) < 0.97 / (1 + np.exp(-scores[np.arange(n), tiers]))
    again = (tiers == 1) & (chance.random(n) < 0.2)
    outcomes = Outcomes(
        (Task("a"),) * n,
        types,
        tuple(f"t{i:02d}" for i in range(N_TYPES)),
        tiers,
        clean,
        np.arange(float(n)),
        tuple((0,) if tried else () for tried in again),
        np.ones(n),
    )
    return outcomes, places, Blocks(csr_matrix((n, 1)), features)


@pytest.fixture(scope="module")
def begun(log):
    outcomes, places, features = log
    start = no_correction(features.shape[1], 3, N_TYPES)
    return fit_correction(outcomes, places, features, pass_curve(WIDTHS), Penalties(), start)


def quiet(log, begun):
    """The marginal log likelihood at `begun`, without its priors: a fit that takes no step."""
    outcomes, places, features = log
    found = fit_marginal(outcomes, places, features, pass_curve(WIDTHS), Penalties(), begun, max_iterations=0)
    return (
        found.log_likelihood
        - marginal.Text(features, 3, Penalties()).log_prior(
            np.concatenate([part.ravel() for part in (begun.slopes, begun.shifts, begun.weights)])
        )[0]
    )


def test_the_points_integrate_what_the_grid_integrates(log, begun):
    outcomes, places, features = log
    grid = effect_grid(3, WIDTHS)
    likelihoods = type_likelihoods(outcomes, begun.places(places, features), WIDTHS)
    exact = float(logsumexp(likelihoods, b=grid.prior.weights, axis=1).sum())
    assert quiet(log, begun) + N_TYPES * _log_norm() == pytest.approx(exact, abs=0.05 * N_TYPES)


def _log_norm():
    """log of the constant that the prior's density leaves out."""
    return -np.log(WIDTHS.level_scale) - 2 * (np.log(WIDTHS.deviation_sd) + 0.5 * np.log(2 * np.pi))


def test_more_steps_never_lose(log, begun):
    outcomes, places, features = log
    given = (outcomes, places, features, pass_curve(WIDTHS), Penalties())
    values = [fit_marginal(*given, begun, max_iterations=n).log_likelihood for n in (0, 5, 40)]
    assert values == sorted(values)


def test_the_gap_is_found_where_most_probable_effects_lose_it(log, begun):
    """With wide effects the joint mode takes the gap into the types' deviations."""
    outcomes, places, features = log
    given = (outcomes, places, features, pass_curve(WIDTHS), Penalties())
    found = fit_marginal(*given, begun, max_iterations=60)
    modal, marginal_ = (c.places(places, features).mean(axis=0) for c in (begun, found))
    assert abs(marginal_[1] - 1.5) < abs(modal[1] - 1.5) + 0.05
    assert marginal_[1:] == pytest.approx([1.5, 0.5], abs=0.7)


def test_the_gradient_is_what_differences_say(log, begun, monkeypatch):
    outcomes, places, features = log
    seen = {}

    def looked_at(loss, first, curvature, max_iterations):
        seen["loss"], seen["first"] = loss, first
        return first, loss(first)[0]

    monkeypatch.setattr(marginal, "minimised", looked_at)
    fit_marginal(outcomes, places, features, pass_curve(WIDTHS), Penalties(), begun)
    loss, first = seen["loss"], seen["first"]
    step = 1 / 32  # the curve is a table with steps of 1/32, straight in between
    aside = step * np.eye(len(first))
    by_differences = [(loss(first + each)[0] - loss(first - each)[0]) / (2 * step) for each in aside]
    assert loss(first)[1] == pytest.approx(np.array(by_differences), abs=0.3, rel=0.02)


@pytest.mark.parametrize("far", [1.0, 1e5], ids=["near", "where a search may step"])
@pytest.mark.parametrize("odd_share", [0.0, 0.05, 0.15])
def test_the_prior_of_effects_has_a_slope_wherever_it_is_asked(odd_share, far):
    widths = Widths(odd_share=odd_share)
    effects = far * np.array([[0.3, -1.2, 2.5], [-2.0, 0.1, -4.0]])
    value, gradient = log_prior(effects, widths)
    assert np.isfinite(value).all()
    for column, step in enumerate(far * 1e-6 * np.eye(3)):
        rise = log_prior(effects + step, widths)[0] - log_prior(effects - step, widths)[0]
        np.testing.assert_allclose(gradient[:, column], rise / (2 * step[column]), rtol=1e-4, atol=1e-4)
