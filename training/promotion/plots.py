"""Figures of a training run. Made without pyplot: no window, no global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._of_types import EARLIER, Movement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
N_BINS = 10


def reliability(predicted: Array, clean: NDArray[np.bool_]) -> Figure:
    """P(clean | heard) of the tier that ran against the share that was clean, in equally filled bins."""
    figure, axes = _figure("Reliability", "predicted P(clean)", "share that was clean")
    parts = [part for part in np.array_split(np.argsort(predicted), N_BINS) if len(part)]
    means = [float(predicted[part].mean()) for part in parts]
    shares = np.array([float(clean[part].mean()) for part in parts])
    spread = [np.sqrt(s * (1 - s) / len(part)) for s, part in zip(shares, parts, strict=True)]
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
    axes.errorbar(means, shares, yerr=spread, marker="o", capsize=3)
    return figure


def cost_quality(
    curve: Sequence[tuple[float, float]], constants: Mapping[str, tuple[float, float]]
) -> Figure:
    """(cost of tokens, expected share clean) as the thresholds tighten, beside each tier for everything."""
    figure, axes = _figure("Cost and quality", "tokens, in the middle tier's price", "expected share clean")
    axes.plot(*zip(*curve, strict=True), marker=".", label="this model")
    for name, (cost, quality) in constants.items():
        axes.plot([cost], [quality], marker="s", linestyle="", label=f"always {name}")
    axes.legend()
    return figure


def movement(moves: Sequence[Movement], tiers: Sequence[str]) -> Figure:
    """Per task type: the needed tier by the text alone, and with its outcomes."""
    figure, axes = _figure(
        "What outcomes moved", "mean needed tier: by the text (open), with outcomes (filled)", ""
    )
    for row, move in enumerate(reversed(moves)):
        axes.plot([move.by_text, move.by_outcomes], [row, row], color="grey", zorder=1)
        axes.plot([move.by_text], [row], marker="o", color="white", markeredgecolor="black")
        axes.plot([move.by_outcomes], [row], marker="o", color="black")
    axes.set_yticks(range(len(moves)), [f"{m.task_type} ({m.n_outcomes})" for m in reversed(moves)])
    axes.set_xticks(range(len(tiers)), tiers)
    figure.set_size_inches(7, 1.5 + 0.25 * len(moves))
    return figure


def learning_curve(losses: Sequence[float], counts: Sequence[int]) -> Figure:
    """Log loss of an outcome, by how many outcomes of its type came before it."""
    figure, axes = _figure("Learning", "earlier outcomes of the type", "log loss")
    some = [i for i, count in enumerate(counts) if count]
    axes.plot(some, [losses[i] for i in some], marker="o")
    axes.set_xticks(range(len(EARLIER)), [f"{low}+" for low in EARLIER])
    for i in some:
        axes.annotate(f"n={counts[i]}", (i, losses[i]), textcoords="offset points", xytext=(4, 4))
    return figure


def _figure(title: str, x: str, y: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure  # its import makes folders for its settings

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes
