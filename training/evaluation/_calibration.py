"""How well probabilities of a clean pass were met, at the tiers that did the work."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._estimate import Estimate, mean, plain

Array = NDArray[np.float64]
Int = NDArray[np.int64]
N_BINS = 10
N_DRAWS = 200


class Calibration(NamedTuple):
    """Of P(clean | logged tier). ece_by_chance : what 95 % of perfectly calibrated models stay below."""

    rows: int
    log_loss: Estimate
    brier: Estimate
    ece: Estimate
    ece_by_chance: float
    predicted: float
    clean: Estimate

    def to_dict(self) -> dict[str, Any]:
        return {
            name: value.to_dict() if isinstance(value, Estimate) else plain(value)
            for name, value in self._asdict().items()
        }


def calibration(p: Array, clean: NDArray[np.bool_], weights: Array, types: Int) -> Calibration:
    """p : (n,), P(clean) of what was logged."""
    at = (weights, types)
    losses = log_losses(p, clean)
    ece, by_chance = _ece(p, clean, weights, types)
    predicted = float(weights @ p / weights.sum()) if len(p) else float("nan")
    return Calibration(
        len(p),
        mean(losses, *at),
        mean((p - clean) ** 2, *at),
        ece,
        by_chance,
        predicted,
        mean(clean.astype(float), *at),
    )


def log_losses(p: Array, clean: NDArray[np.bool_]) -> Array:
    return np.asarray(-np.log(np.clip(np.where(clean, p, 1.0 - p), 1e-9, 1.0)))


def reliability(p: Array, clean: NDArray[np.bool_], weights: Array) -> list[dict[str, float | int | None]]:
    """Equally filled bins, lowest first: mean predicted, clean share, rows."""
    out: list[dict[str, float | int | None]] = []
    for part in np.array_split(np.argsort(p, kind="stable"), min(N_BINS, max(len(p) // 10, 1))):
        if len(part):
            w = weights[part] / weights[part].sum()
            shares = {"predicted": plain(float(w @ p[part])), "clean": plain(float(w @ clean[part]))}
            out.append({**shares, "rows": len(part)})
    return out


def _ece(p: Array, clean: NDArray[np.bool_], weights: Array, types: Int) -> tuple[Estimate, float]:
    """Expected calibration error with a bootstrap over types, and its 95 % quantile under calibration."""
    if len(p) == 0:
        return Estimate(float("nan"), float("nan"), float("nan")), float("nan")
    bins = np.empty(len(p), dtype=np.int64)
    for number, part in enumerate(np.array_split(np.argsort(p, kind="stable"), N_BINS)):
        bins[part] = number
    chance = np.random.default_rng(0)
    total = weights.sum()

    def of(gaps: Array) -> float:
        return float(np.abs(np.bincount(bins, weights=weights * gaps, minlength=N_BINS)).sum() / total)

    value = of(p - clean)
    lucky = [of(p - (chance.random(len(p)) < p)) for _ in range(N_DRAWS)]
    _, cluster = np.unique(types, return_inverse=True)
    n_types = int(cluster.max()) + 1
    if n_types < 2:
        return Estimate(value, float("nan"), float("nan")), float(np.quantile(lucky, 0.95))
    sums = np.zeros((n_types, N_BINS))
    np.add.at(sums, (cluster, bins), weights * (p - clean))
    sizes = np.bincount(cluster, weights=weights)
    draws = chance.multinomial(n_types, np.full(n_types, 1 / n_types), N_DRAWS)
    drawn = np.abs(draws @ sums).sum(axis=1) / (draws @ sizes)
    low, high = np.quantile(drawn, [0.05, 0.95]).tolist()
    # draws stray further from 0 than what was drawn from: no interval may leave out its own figure
    return Estimate(value, min(low, value), max(high, value)), float(np.quantile(lucky, 0.95))
