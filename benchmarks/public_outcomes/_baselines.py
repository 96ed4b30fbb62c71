"""What a router has to beat: one rate a tier, and a shrunk table of types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaln

from ._outcomes import TIERS
from ._slot import Array, Beliefs

_STRENGTHS = np.geomspace(0.5, 200, 40)  # rows' worth of belief in the rate over all types


@dataclass(frozen=True)
class _Table:
    """Pass rates by type; `unknown` for a type that was never seen."""

    rates: Mapping[str, Array]
    unknown: Array

    def beliefs(self, test: pd.DataFrame) -> Beliefs:
        rates = [self.rates.get(kind, self.unknown) for kind in test["task_type"]]
        return Beliefs.independent(np.array(rates))


class ConstantRates:
    """The pass rate of each tier, whatever the task."""

    def fit(self, train: pd.DataFrame) -> _Table:
        return _Table({}, np.array([_clean(train, tier).mean() for tier in TIERS]))


class ShrunkTable:
    """Pass rates by type and tier, drawn towards the tier's rate: a beta-binomial with empirical Bayes.

    The strength is, per tier, the one under which the training rows are likeliest.
    """

    def fit(self, train: pd.DataFrame) -> _Table:
        kinds = sorted(set(train["task_type"]))
        columns, overall = [], []
        for tier in TIERS:
            rows = train["tier"] == tier
            by_type = _clean(train, tier).groupby(train.loc[rows, "task_type"])
            n_clean = by_type.sum().reindex(kinds, fill_value=0).to_numpy(dtype=float)
            n_rows = by_type.size().reindex(kinds, fill_value=0).to_numpy(dtype=float)
            rate = n_clean.sum() / n_rows.sum()
            strength = _likeliest_strength(n_clean, n_rows, rate)
            columns.append((n_clean + strength * rate) / (n_rows + strength))
            overall.append(rate)
        return _Table(dict(zip(kinds, np.stack(columns, axis=1), strict=True)), np.array(overall))


def _clean(train: pd.DataFrame, tier: str) -> pd.Series:
    return train.loc[train["tier"] == tier, "verdict"] == "clean"


def _likeliest_strength(n_clean: Array, n_rows: Array, rate: float) -> float:
    mean = float(np.clip(rate, 0.01, 0.99))
    likelihood = [
        np.sum(
            betaln(n_clean + strength * mean, n_rows - n_clean + strength * (1 - mean))
            - betaln(strength * mean, strength * (1 - mean))
        )
        for strength in _STRENGTHS
    ]
    return float(_STRENGTHS[int(np.argmax(likelihood))])
