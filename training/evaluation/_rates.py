"""How often each tier is clean in each type, where not all tiers were tried: a shrunk table.

A logistic regression on type and tier (additive, types shrunk; Rasch 1960) says what a cell without
outcomes should hold: a type that is hard for Sonnet is hard for Haiku. A cell's own outcomes then
outweigh it (beta-binomial, its strength by empirical Bayes), and no rate falls up the ladder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import betaln, expit
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression

Array = NDArray[np.float64]
Int = NDArray[np.int64]
_LEVEL_VARIANCE = 1.5  # of a type's level, on the logit scale
_FREE = 30.0  # the tiers' columns are this large, so that their penalty is next to nothing
_STRENGTHS = np.geomspace(1.0, 200.0, 30)  # outcomes' worth of belief in the regression
_BOUND = 0.005  # a rate is never nearer to 0 and 1


@dataclass(frozen=True)
class Rates:
    """rates : (n_types, n_tiers), P(clean). counts : (n_types, n_tiers, 2). prior : as `rates`, without the
    cell's own outcomes. strength : (n_tiers,).
    """

    rates: Array
    counts: Array
    prior: Array
    strength: Array

    def without(self, types: Int, tiers: Int, clean: NDArray[np.bool_]) -> Array:
        """(n,): the rate of the cell without this very outcome."""
        here = self.counts[types, tiers]
        s, mean = self.strength[tiers], self.prior[types, tiers]
        n_clean = np.maximum(here[:, 0] - clean, 0.0)
        n = np.maximum(here.sum(axis=1) - 1.0, 0.0)
        return np.asarray(np.clip((n_clean + s * mean) / (n + s), _BOUND, 1 - _BOUND))


def fit_rates(types: Int, tiers: Int, clean: NDArray[np.bool_], n_types: int, n_tiers: int) -> Rates:
    """The table of these first attempts."""
    counts = np.zeros((n_types, n_tiers, 2))
    np.add.at(counts, (types, tiers, (~clean).astype(np.int64)), 1.0)
    prior = _regression(counts)
    strength = np.array([_likeliest_strength(counts[:, t], prior[:, t]) for t in range(n_tiers)])
    n = counts.sum(axis=2) + strength
    rates = np.clip((counts[..., 0] + strength * prior) / n, _BOUND, 1 - _BOUND)
    for kind in np.flatnonzero((np.diff(rates, axis=1) < 0).any(axis=1)):
        rates[kind] = isotonic_regression(rates[kind], sample_weight=n[kind])
    return Rates(rates, counts, prior, strength)


def _regression(counts: Array) -> Array:
    n_types, n_tiers, _ = counts.shape
    kind, tier, unclean = np.nonzero(counts)
    total = counts.sum(axis=(0, 1))
    if not total.all():  # all clean, or none: one rate, drawn away from the edge
        return np.full((n_types, n_tiers), (total[0] + 1) / (total.sum() + 2))
    n = len(kind)
    columns = np.concatenate([kind, n_types + tier])
    values = np.concatenate([np.ones(n), np.full(n, _FREE)])
    design = csr_matrix((values, (np.tile(np.arange(n), 2), columns)), shape=(n, n_types + n_tiers))
    model = LogisticRegression(C=_LEVEL_VARIANCE, fit_intercept=False, max_iter=1000)
    model.fit(design, unclean == 0, sample_weight=counts[kind, tier, unclean])
    level, of_tier = model.coef_[0, :n_types], _FREE * model.coef_[0, n_types:]
    tried = np.flatnonzero(counts.sum(axis=(0, 2)))
    nearest = [int(tried[np.abs(tried - t).argmin()]) for t in range(n_tiers)]
    logits = level[:, None] + np.maximum.accumulate(of_tier[nearest])
    return np.asarray(np.clip(expit(logits), _BOUND, 1 - _BOUND))


def _likeliest_strength(counts: Array, mean: Array) -> float:
    clean, unclean = counts.T
    likelihood = [
        float((betaln(clean + s * mean, unclean + s * (1 - mean)) - betaln(s * mean, s * (1 - mean))).sum())
        for s in _STRENGTHS
    ]
    return float(_STRENGTHS[int(np.argmax(likelihood))])
