"""What the runs come to: figures with 90 % intervals, tables to print, a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import t as student

from .loop import FIGURES
from .new_types import BUDGETS, LOGGINGS
from .worlds import Array

_N_RESAMPLES = 1000
_PER_TASK = ("cost", "under_tiered", "haiku", "opus")
_PANELS = {"cost": "expected cost of a task", "under_tiered": "under-tiered, %", "regret": "regret, %"}


def of_new_types(runs: Sequence[dict[str, dict[str, Array]]]) -> dict[str, Any]:
    """Regret in % of the oracle's cost, per logging, policy and number of outcomes: value, low, high.

    The same for what a policy's regret is above the table's and the posterior's, in points. Types
    are resampled, all seeds' together, the same types for both sides of a difference.
    """
    n_types = sum(run["mix"]["oracle"].shape[1] for run in runs)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(n_types, np.full(n_types, 1 / n_types), _N_RESAMPLES)
    weights = np.concatenate([np.ones((1, n_types)), drawn]).T  # the first column is the estimate itself
    found: dict[str, Any] = {}
    for logging in LOGGINGS:
        pooled = {
            name: np.concatenate([run[logging][name] for run in runs], axis=1) for name in runs[0]["mix"]
        }
        paid = pooled.pop("oracle's cost") @ weights
        regrets = {name: 100 * (above @ weights) / paid for name, above in pooled.items()}
        found[logging] = {
            name: {
                "regret": _intervals(regret),
                "above_table": _intervals(regret - regrets["table"]),
                "above_posterior": _intervals(regret - regrets["posterior"]),
            }
            for name, regret in regrets.items()
        }
    return found


def of_loop(runs: Sequence[dict[str, Array]]) -> dict[str, Any]:
    """Per policy: figures of the whole time with intervals over seeds, and their mean week by week."""
    tasks = np.array([run["tasks"] for run in runs])
    best = np.array([run["oracle's cost"] for run in runs])
    found: dict[str, Any] = {}
    for name in runs[0]:
        if name in ("tasks", "oracle's cost"):
            continue
        sums = np.array([run[name] for run in runs])  # (n_seeds, n_weeks, n_figures)
        found[name] = {"weekly": {}}
        for k, figure in enumerate(FIGURES):
            share_of = best if figure == "regret" else tasks
            scale = 1 if figure == "cost" else 100
            per_seed = scale * sums[:, :, k].sum(axis=1) / share_of.sum(axis=1)
            weekly = scale * sums[:, :, k].sum(axis=0) / share_of.sum(axis=0)
            found[name][figure] = over_seeds(per_seed)
            found[name]["weekly"][figure] = [round(float(value), 3) for value in weekly]
    return found


def tables(new_types: dict[str, Any], loop: dict[str, Any], n_weeks: int) -> str:
    """Both results as text."""
    lines = []
    for logging, policies in new_types.items():
        lines += ["", f"new types, regret in % after n outcomes of each, logged by {_LOGGED[logging]}"]
        lines.append(f"  {'':32}" + "".join(f"{n:>20}" for n in BUDGETS))
        for name, found in policies.items():
            lines.append(f"  {name:32}" + "".join(f"{_shown(values):>20}" for values in found["regret"]))
    lines += ["", f"{n_weeks} weeks, per task; regret in % of the oracle's cost, the rest in % of tasks"]
    lines.append(f"  {'':32}" + "".join(f"{figure:>20}" for figure in FIGURES))
    for name, found in loop.items():
        lines.append(f"  {name:32}" + "".join(f"{_shown(found[figure]):>20}" for figure in FIGURES))
    return "\n".join(lines)


def plot(new_types: dict[str, Any], loop: dict[str, Any], path: Path) -> None:
    """Cost, under-tiering and regret week by week, and regret on new types by outcomes."""
    with mpl.rc_context({"svg.hashsalt": "tierwise", "font.size": 9}):
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        (cost, under, regret, fresh) = figure.subplots(2, 2).ravel()
        colours = {name: mpl.colormaps["tab10"](k % 10) for k, name in enumerate(loop)}
        for axes, (key, title) in zip((cost, under, regret), _PANELS.items(), strict=True):
            for name, found in loop.items():
                dashes = "--" if name == "best constant" else "-"  # often the same as always Sonnet
                axes.plot(found["weekly"][key], dashes, label=name, color=colours[name], lw=1.4)
            axes.set(title=title, xlabel="week", ylim=(0, None))
        for name, found in new_types["mix"].items():
            values, low, high = np.array(found["regret"]).T
            fresh.plot(BUDGETS, values, color=colours.get(name), lw=1.4, marker=".")
            fresh.fill_between(BUDGETS, low, high, color=colours.get(name), alpha=0.2, lw=0)
        fresh.set(title="regret on new types, %", xlabel="outcomes of the type", ylim=(0, None))
        figure.legend(*cost.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
        figure.savefig(path, metadata={"Date": None})


_LOGGED = {"mix": "each tier in turn", "own": "the policy itself"}


def _intervals(values: Array) -> list[list[float]]:
    """Rows of an estimate and its resamples: estimate, 5 % and 95 %."""
    low, high = np.quantile(values[:, 1:], (0.05, 0.95), axis=1)
    rows = zip(values[:, 0], low, high, strict=True)
    return [[round(float(value), 2) for value in row] for row in rows]


def over_seeds(values: Array) -> list[float]:
    """Mean and 90 % interval by Student's t; a single seed has none and shows its value three times."""
    mean, n = float(values.mean()), len(values)
    half = float(student.ppf(0.95, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return [round(value, 3) for value in (mean, max(mean - half, 0.0), mean + half)]


def _shown(values: Sequence[float]) -> str:
    value, low, high = values
    return f"{value:.1f} ({low:.1f}-{high:.1f})"
