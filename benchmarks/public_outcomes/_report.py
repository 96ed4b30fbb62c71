"""Means, spreads and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_COLUMNS = {
    "apgr": "APGR",
    "apgr_envelope": "envelope",
    "cost_at_5_percent": "cost at 5 %",
    "cost_promised": "cost promised",
    "under_tiering_promised": "its rate",
    "log_loss": "log loss",
    "auc_within": "AUC within",
    "apgr_within": "APGR within",
    "apgr_types_known": "rates known",
    "points_above_opus": "plan points",
    "cost_of_opus_quality": "plan = Opus",
    "cost_of_opus_plus_3": "plan + 3",
    "cost_of_opus_plus_4": "plan + 4",
}


def spread(rows: Sequence[Mapping[str, float | None]]) -> dict[str, list[float] | None]:
    """Mean and standard deviation of each figure over draws; None where no draw has it."""
    found: dict[str, list[float] | None] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        found[name] = [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)] if values else None
    return found


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.round(value, 4).tolist() for name, value in figures.items()}


def print_draws(results: Mapping[str, Any]) -> None:
    """Routers down, figures across."""
    print(f"\n{results['tasks']} tasks, {results['draws']} draws, split by task: mean ± standard deviation\n")
    print(f"{'':12}" + "".join(f"{title:>15}" for title in _COLUMNS.values()))
    for name, figures in results["split_by_task"].items():
        print(f"{name:12}" + "".join(f"{_pair(figures[column]):>15}" for column in _COLUMNS))
    for name in ("types_known", "oracle"):
        known = results[name]
        print(f"{name:12}" + "".join(f"{known.get(column, float('nan')):>15.3f}" for column in _COLUMNS))
    ladder = results["whole_ladder"]
    print(
        f"\nall rungs in turn for every task: {ladder['points_above_opus']:+.2f} points"
        f" at {ladder['cost_share']:.3f} of all-Opus"
    )


def print_within(within: Mapping[str, Any]) -> None:
    """Types down; AUC averaged over the tiers, and APGR, for each router."""
    names = list(within)
    print("\nwithin types (AUC | Brier | APGR of the type alone)\n")
    print(f"{'':38}{'tasks':>6}" + "".join(f"{name:>26}" for name in names))
    for kind, first in within[names[0]].items():
        cells = "".join(f"{_of_type(within[name][kind]):>26}" for name in names)
        print(f"{kind:38}{first['tasks'][0]:>6.0f}{cells}")


def print_held_out(results: Mapping[str, Any]) -> None:
    """At the price of Sonnet for all, less Sonnet's figure."""
    for key in ("types_held_out", "sources_held_out"):
        print(f"\n{key.replace('_', ' ')}, at the price of Sonnet for all: value [90 % interval]\n")
        for name, row in results[key].items():
            under, less, quality = (
                "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row[figure])
                for figure in ("under_tiering", "under_tiering_less_sonnets", "quality_less_sonnets")
            )
            print(
                f"{name:12} APGR {_pair(row['apgr'])}  under-tiering {under}"
                f"  less Sonnet's {less}  quality less Sonnet's {quality}"
            )


def _pair(value: Sequence[float] | None) -> str:
    return "-" if value is None else f"{value[0]:.3f} ± {value[1]:.3f}"


def _of_type(row: Mapping[str, Sequence[float] | None]) -> str:
    aucs = [pair[0] for name, pair in row.items() if name.startswith("auc_") and pair is not None]
    auc = f"{np.mean(aucs):.2f}" if aucs else "-"
    brier, apgr = row["brier"], row["apgr"]
    return f"{auc} | {brier[0] if brier else 0:.3f} | {f'{apgr[0]:.2f}' if apgr else '-'}"
