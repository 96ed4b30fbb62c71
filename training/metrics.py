"""Figures that a report shows, each with an interval over task types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .promise.thresholds import served

N_BOOTSTRAP = 400
N_BINS = 10

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def softmax(logits: Float) -> Float:
    """(n, n_tiers) logits to probabilities."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def log_loss(probabilities: Float, needed: Int) -> float:
    chosen = probabilities[np.arange(len(needed)), needed]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def brier(probabilities: Float, needed: Int) -> float:
    """Multi-class Brier score, 0 to 2."""
    truth = np.eye(probabilities.shape[1])[needed]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def expected_calibration_error(probabilities: Float, needed: Int) -> float:
    """ECE of the most probable tier's confidence, ten equally filled bins."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == needed
    order = np.argsort(confidence)
    gaps = [
        len(part) * abs(confidence[part].mean() - right[part].mean())
        for part in np.array_split(order, N_BINS)
        if len(part)
    ]
    return float(sum(gaps) / len(confidence))


def tier_figures(probabilities: Float, needed: Int, lambda_down: float, lambda_up: float) -> dict[str, float]:
    """Shares between 0 and 1; "served" ones are of the rule, the others of the most probable tier."""
    likely, chosen = probabilities.argmax(axis=1), served(probabilities, lambda_down, lambda_up)
    top, middle = probabilities.shape[1] - 1, probabilities.shape[1] // 2
    return {
        "accuracy": float((likely == needed).mean()),
        "two_tier_errors": float((abs(likely - needed) >= 2).mean()),
        "served_accuracy": float((chosen == needed).mean()),
        "under_tiered": float((chosen < needed).mean()),
        "over_tiered": float((chosen > needed).mean()),
        "lowest_kept": _share(chosen == 0, needed == 0),
        "top_kept": _share(chosen == top, needed == top),
        "middle_share": float((chosen == middle).mean()),
    }


def _share(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(right[among].mean()) if among.any() else float("nan")


def with_interval(
    figures: Callable[[Int], dict[str, float]], groups: Sequence[str]
) -> dict[str, tuple[float, float, float]]:
    """Name -> (value, low, high): 90 % percentile interval, whole groups resampled."""
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(index == group) for group in range(len(names))]
    chance = np.random.default_rng(0)
    whole = figures(np.arange(len(index)))
    draws = []
    for _ in range(N_BOOTSTRAP):
        drawn = chance.integers(0, len(names), len(names))
        draws.append(figures(np.concatenate([members[group] for group in drawn])))
    return {
        name: (value, *np.quantile([draw[name] for draw in draws], [0.05, 0.95]).tolist())
        for name, value in whole.items()
    }


def by_group(
    probabilities: Float, needed: Int, groups: Sequence[str], **thresholds: float
) -> list[dict[str, Any]]:
    """One row of figures per group, the least accurate first."""
    names = np.asarray(groups)
    rows = []
    for name in np.unique(names):
        of_group = names == name
        figures = tier_figures(probabilities[of_group], needed[of_group], **thresholds)
        rows.append({"group": str(name), "tasks": int(of_group.sum()), **figures})
    return sorted(rows, key=lambda row: row["accuracy"])


def per_type_table(needed: Int, groups: Sequence[str], n_tiers: int) -> Int:
    """What a shrunk table of task types would answer for each task, the task itself left out.

    For a type that was never seen this is the best constant: a table knows nothing of a new type.
    """
    names = np.asarray(groups)
    overall = np.bincount(needed, minlength=n_tiers) / len(needed)
    counts = {name: np.bincount(needed[names == name], minlength=n_tiers) for name in np.unique(names)}
    one_out = np.array([counts[name] for name in names]) - np.eye(n_tiers)[needed]
    return np.asarray((one_out + 2.0 * overall).argmax(axis=1))
