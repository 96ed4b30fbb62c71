"""CensoredOrdinalClassifier: ordered classes of which a label may say only "at most" or "at least"."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import issparse
from scipy.special import expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, assert_all_finite, check_is_fitted, validate_data

Array = NDArray[np.float64]


class CensoredOrdinalClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Linear classifier of ordered classes, from exact or interval-censored labels.

    An outcome seldom tells the needed tier, but it bounds it: clean at a tier, needed at most that;
    corrected there, needed above it. Such a label contributes log P(lowest <= class <= highest), the
    likelihood of interval censoring (Turnbull 1976).

    Parameters
    ----------
    C : float
        Inverse strength of the ridge penalty on the weights; intercepts are free.
    slopes : {"separate", "shared"}
        "separate": a weight vector per class, P(class) a softmax of them; with exact labels this is
        multinomial logistic regression. "shared": one weight vector and ordered cut points,
        P(class <= k) = sigmoid(theta_k - x w), the proportional-odds model (McCullagh 1980).
    max_iter, tol : of L-BFGS.

    Attributes
    ----------
    classes_ : (n_classes,), in order. coef_ : (n_classes, n_features), or (1, n_features) if shared.
    intercept_ : (n_classes,), or the (n_classes - 1,) cut points if shared. n_iter_ : int.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> bounds = np.array([[0, 0], [0, 1], [1, 1], [1, 2], [2, 2], [1, 2]])  # lowest, highest class
    >>> CensoredOrdinalClassifier(C=10.0).fit(X, bounds).predict([[0.0], [5.0]])
    array([0, 2])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "slopes": [StrOptions({"separate", "shared"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, C: float = 1.0, *, slopes: str = "separate", max_iter: int = 1000, tol: float = 1e-4
    ) -> None:
        self.C = C
        self.slopes = slopes
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CensoredOrdinalClassifier:
        """Fit to labels y, (n,), or to bounds, (n, 2): lowest and highest class, both included.

        Raises ValueError for bounds in the wrong order, and where only one class occurs.
        """
        self._validate_params()
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, y="no_validation")
        bounds = self._bounds(y, X.shape[0])
        weights = _check_sample_weight(sample_weight, X)
        loss = _shared_loss if self.slopes == "shared" else _separate_loss
        start = _shared_start(X, bounds, self.classes_) if self.slopes == "shared" else None
        n_classes = len(self.classes_)
        first = np.zeros((X.shape[1] + 1) * n_classes) if start is None else start
        transposed: Any = X.T.tocsr() if issparse(X) else X.T  # type: ignore[attr-defined]
        rows = _Labelled(X, transposed, bounds, weights, 1.0 / self.C, n_classes)
        found = minimize(  # type: ignore[call-overload]
            lambda w: loss(w, rows),
            first,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.max_iter, "gtol": self.tol * float(weights.sum()), "ftol": 0.0},
        )
        if found.nit >= self.max_iter:
            warnings.warn(
                f"L-BFGS stopped after {found.nit} iterations; raise max_iter, or scale the features.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.n_iter_ = max(int(found.nit), 1)
        if self.slopes == "shared":
            self.coef_, self.intercept_ = found.x[None, : X.shape[1]], _cuts(found.x[X.shape[1] :])
        else:
            table = found.x.reshape(X.shape[1] + 1, n_classes)
            self.coef_, self.intercept_ = table[:-1].T.copy(), table[-1].copy()
        return self

    def predict_proba(self, X: Any) -> Array:
        """(n, n_classes); rows sum to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        scores = np.asarray(X @ self.coef_.T)
        if self.slopes == "separate":
            return np.asarray(softmax(scores + self.intercept_, axis=1))
        below = expit(self.intercept_ - scores)
        edges = np.column_stack([np.zeros(len(below)), below, np.ones(len(below))])
        return np.diff(edges, axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,): the most probable class."""
        mass = self.predict_proba(X)  # says so where nothing has been fitted
        return np.asarray(self.classes_[mass.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _bounds(self, y: Any, n_samples: int) -> NDArray[np.int64]:
        """(n, 2) class indices; sets `classes_`."""
        if y is None:
            raise ValueError(
                "This CensoredOrdinalClassifier estimator requires y to be passed, but the target y is None."
            )
        labels = np.asarray(y)
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        if labels.ndim == 2 and labels.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected.",
                DataConversionWarning,
                stacklevel=3,
            )
            labels = labels.ravel()
        if labels.ndim == 1:
            labels = np.column_stack([labels, labels])
        if labels.ndim != 2 or labels.shape[1] != 2:
            raise ValueError(f"y must be (n,) labels or (n, 2) bounds; got shape {np.shape(y)}.")
        if len(labels) != n_samples:
            raise ValueError(
                f"X has {n_samples} rows and y has {len(labels)}: inconsistent numbers of samples."
            )
        check_classification_targets(labels.ravel())
        self.classes_, index = np.unique(labels, return_inverse=True)
        bounds = index.reshape(labels.shape)
        if len(self.classes_) < 2:
            raise ValueError(f"Only one class, {self.classes_[0]!r}, in y; there is nothing to tell apart.")
        wrong = np.flatnonzero(bounds[:, 0] > bounds[:, 1])
        if len(wrong):
            low, high = labels[wrong[0]]
            raise ValueError(f"Row {wrong[0]}: the lowest class {low!r} is above the highest {high!r}.")
        return bounds


class _Labelled(NamedTuple):
    """Rows, and between which classes, both included, each one's class is: what a loss is of."""

    X: Any
    transposed: Any
    bounds: NDArray[np.int64]
    weights: Array
    ridge: float
    n_classes: int


def _separate_loss(parameters: Array, rows: _Labelled) -> tuple[float, Array]:
    X, transposed, bounds, weights, ridge, n_classes = rows
    table = parameters.reshape(-1, n_classes)
    log_mass = log_softmax(X @ table[:-1] + table[-1], axis=1)
    classes = np.arange(n_classes)
    inside = (classes >= bounds[:, :1]) & (classes <= bounds[:, 1:])
    masked = np.where(inside, log_mass, -np.inf)
    found = np.logaddexp.reduce(masked, axis=1)
    by_score = weights[:, None] * (np.exp(masked - found[:, None]) - np.exp(log_mass))
    gradient = np.vstack([transposed @ by_score - ridge * table[:-1], by_score.sum(axis=0)])
    penalty = 0.5 * ridge * float((table[:-1] ** 2).sum())
    return -float(weights @ found) + penalty, -gradient.ravel()


def _shared_loss(parameters: Array, rows: _Labelled) -> tuple[float, Array]:
    X, transposed, bounds, weights, ridge, n_classes = rows
    n_features = X.shape[1]
    w, steps = parameters[:n_features], parameters[n_features:]
    cuts = np.concatenate([[-np.inf], _cuts(steps), [np.inf]])
    score = X @ w
    low, high = expit(cuts[bounds[:, 0]] - score), expit(cuts[bounds[:, 1] + 1] - score)
    mass = np.maximum(high - low, 1e-300)
    by_low, by_high = -weights * low * (1 - low) / mass, weights * high * (1 - high) / mass
    of_cuts = np.bincount(bounds[:, 0], by_low, n_classes + 1) + np.bincount(
        bounds[:, 1] + 1, by_high, n_classes + 1
    )
    inner = of_cuts[1:-1]
    of_steps = np.cumsum(inner[::-1])[::-1]
    of_steps[1:] *= np.exp(steps[1:])
    of_w = -(transposed @ (by_low + by_high)) - ridge * w
    value = -float(weights @ np.log(mass)) + 0.5 * ridge * float(w @ w)
    return value, -np.concatenate([of_w, of_steps])


def _shared_start(X: Any, bounds: NDArray[np.int64], classes: NDArray[Any]) -> Array:
    share = np.arange(1, len(classes)) / len(classes)
    cuts = np.log(share / (1 - share))
    return np.concatenate([np.zeros(X.shape[1]), cuts[:1], np.log(np.diff(cuts))])


def _cuts(steps: Array) -> Array:
    """Ordered cut points: the first, then logs of the steps between them."""
    return np.cumsum(np.concatenate([steps[:1], np.exp(steps[1:])]))
