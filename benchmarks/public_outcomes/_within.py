"""Within each type: a router that has only learned which type is hard ranks nothing here."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from ._curve import apgr, single_tiers
from ._outcomes import TIERS
from ._slot import Array

FEWEST_TASKS = 50
LEAST_GAIN = 0.05  # of the top tier over the lowest; a share of less is noise
_LEAST = 1e-3  # of a rate: none is 0 or 1


def by_type(
    pass_: Array, passed: NDArray[np.bool_], types: pd.Series, folds: NDArray[np.int64]
) -> dict[str, dict[str, float | None]]:
    """Per type: tasks, mean Brier score; AUC per tier and APGR of the type alone where they mean something.

    The APGR is pooled over folds; a fold's rates lean against its outcomes, so that a table has below 0.5.
    """
    found: dict[str, dict[str, float | None]] = {}
    for kind, rows in types.reset_index(drop=True).groupby(types.to_numpy()).indices.items():
        believed, outcome, fold = pass_[rows], passed[rows], folds[rows]
        enough = len(rows) >= FEWEST_TASKS
        gains = outcome[:, -1].mean() - outcome[:, 0].mean() >= LEAST_GAIN
        row: dict[str, float | None] = {
            "tasks": float(len(rows)),
            "brier": float(np.mean((believed - outcome) ** 2)),
            "apgr": apgr(single_tiers(believed, outcome), outcome) if enough and gains else None,
        }
        for i, tier in enumerate(TIERS):
            row[f"auc_{tier}"] = _auc(believed[:, i], outcome[:, i], fold) if enough else None
        found[str(kind)] = row
    return found


def with_true_rates(
    pass_: Array, passed: NDArray[np.bool_], types: pd.Series, folds: NDArray[np.int64]
) -> Array:
    """Beliefs moved, on the logit scale, such that each type's mean in a fold is the type's true rate.

    What a router makes of them is what it knows of single tasks; what it loses otherwise is that a log
    of one tier a task leaves the types' rates in doubt.
    """
    codes = pd.factorize(types)[0]
    scores, out = logit(np.clip(pass_, _LEAST, 1 - _LEAST)), np.empty_like(pass_)
    for code, fold in set(zip(codes.tolist(), folds.tolist(), strict=True)):
        rates = np.clip(passed[codes == code].mean(axis=0), _LEAST, 1 - _LEAST)
        rows = np.flatnonzero((codes == code) & (folds == fold))
        for tier, rate in enumerate(rates):
            known = scores[rows, tier]
            shift = brentq(lambda by, s=known, r=rate: expit(s + by).mean() - r, -20, 20)
            out[rows, tier] = expit(known + shift)
    return out


def overall(per_type: dict[str, dict[str, float | None]]) -> dict[str, float]:
    """Means over types, weighted by tasks."""
    return {
        "auc_within": _mean(per_type, [f"auc_{tier}" for tier in TIERS]),
        "apgr_within": _mean(per_type, ["apgr"]),
    }


def _auc(believed: Array, outcome: NDArray[np.bool_], folds: NDArray[np.int64]) -> float | None:
    """Share of (passed, failed) pairs in the right order, among pairs of one fold: beliefs of one fit."""
    areas, n_pairs = [], []
    for fold in np.unique(folds):
        here = folds == fold
        n_passed = int(outcome[here].sum())
        pairs = n_passed * (int(here.sum()) - n_passed)
        if pairs:
            areas.append(roc_auc_score(outcome[here], believed[here]))
            n_pairs.append(pairs)
    return float(np.average(areas, weights=n_pairs)) if areas else None


def _mean(per_type: dict[str, dict[str, float | None]], names: list[str]) -> float:
    pairs = [
        (value, row["tasks"] or 0.0)
        for row in per_type.values()
        for name in names
        if (value := row[name]) is not None
    ]
    values, weights = zip(*pairs, strict=True)
    return float(np.average(values, weights=weights))
