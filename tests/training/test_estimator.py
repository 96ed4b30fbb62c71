"""CensoredOrdinalClassifier: scikit-learn's own checks, two oracles, and censored labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from tierwise.training.estimator import CensoredOrdinalClassifier


def _expected_failures(estimator) -> dict[str, str]:
    unordered = "its three blobs have no order, so that one slope cannot tell them apart"
    return {"check_classifiers_train": unordered} if estimator.slopes == "shared" else {}


@parametrize_with_checks(
    [CensoredOrdinalClassifier(), CensoredOrdinalClassifier(slopes="shared")],
    expected_failed_checks=_expected_failures,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def _ordered(n=600, seed=0):
    chance = np.random.default_rng(seed)
    X = chance.normal(size=(n, 3))
    latent = X @ np.array([1.5, -1.0, 0.3]) + chance.logistic(size=n)
    return X, np.digitize(latent, [-0.8, 1.1])


def test_exact_labels_give_multinomial_logistic_regression():
    X, y = _ordered()
    ours = CensoredOrdinalClassifier(C=0.7, tol=1e-8).fit(X, y)
    theirs = LogisticRegression(C=0.7, tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4)


def test_one_slope_agrees_with_statsmodels_ordered_model():
    OrderedModel = pytest.importorskip("statsmodels.miscmodels.ordinal_model").OrderedModel
    X, y = _ordered()
    ours = CensoredOrdinalClassifier(C=1e8, slopes="shared", tol=1e-9).fit(X, y)
    model = OrderedModel(y, X, distr="logit")
    theirs = model.fit(method="bfgs", disp=False, gtol=1e-8)
    np.testing.assert_allclose(ours.coef_[0], theirs.params[:3], atol=1e-3)
    np.testing.assert_allclose(
        ours.intercept_, model.transform_threshold_params(theirs.params)[1:-1], atol=1e-3
    )


@pytest.mark.parametrize("slopes", ["separate", "shared"])
def test_bounds_recover_what_exact_labels_would_have_told(slopes):
    X, y = _ordered(n=6000)
    tried = np.random.default_rng(1).integers(0, 3, size=len(y))
    bounds = np.where(
        (y <= tried)[:, None], np.stack([0 * tried, tried], 1), np.stack([tried + 1, 0 * tried + 2], 1)
    )
    told = (tried < 2) | (y <= tried)
    exact = CensoredOrdinalClassifier(slopes=slopes).fit(X, y).predict_proba(X)
    censored = CensoredOrdinalClassifier(slopes=slopes).fit(X[told], bounds[told]).predict_proba(X)
    assert np.abs(exact - censored).mean() < 0.03


def test_a_label_that_says_nothing_changes_nothing():
    X, y = _ordered()
    bounds = np.column_stack([y, y])
    vague = np.vstack([bounds, np.tile([0, 2], (50, 1))])
    with_vague = CensoredOrdinalClassifier(tol=1e-8).fit(np.vstack([X, X[:50]]), vague)
    without = CensoredOrdinalClassifier(tol=1e-8).fit(X, bounds)
    np.testing.assert_allclose(with_vague.coef_, without.coef_, atol=1e-3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([[1, 0], [0, 1], [2, 2]]), "Row 0: the lowest class .*1.* is above the highest"),
        (np.zeros((3, 3)), r"\(n,\) labels or \(n, 2\) bounds; got shape \(3, 3\)"),
        (np.array([1, 1, 1]), "Only one class"),
        (np.array([0, 1]), "X has 3 rows and y has 2"),
    ],
)
def test_bad_labels_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        CensoredOrdinalClassifier().fit(np.eye(3), y)
