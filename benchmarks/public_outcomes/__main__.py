"""Routers on real outcomes of three tiers, every figure as mean and spread over draws.

    python -m benchmarks.public_outcomes --data FOLDER     (about four minutes; needs pyarrow)

FOLDER holds zeroeval, bfcl and livecodebench as parquet, a row per (task, model). A draw logs one tier
a task (30/50/20 %) and splits by task into five folds; whatever a router chooses, it chooses on the
training rows of a fold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from tqdm import tqdm

from .._machine import write
from ._baselines import ConstantRates, ShrunkTable
from ._draws import cross_fitted, folds_by, folds_by_task
from ._held_out import against_middle
from ._judge import judge
from ._learner import Learner
from ._outcomes import Outcomes, load
from ._plans import whole_ladder
from ._regression import TypeAndEmbedding
from ._report import print_draws, print_held_out, print_within, rounded, spread
from ._slot import Array, Beliefs, Router
from ._within import by_type, overall

ROUTERS: dict[str, Router] = {
    "constant": ConstantRates(),
    "table": ShrunkTable(),
    "regression": TypeAndEmbedding(),
    "learner": Learner(),
}


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--draws", "n_draws", default=8, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--only", multiple=True, type=click.Choice(list(ROUTERS)), help="These routers; nothing is stored."
)
def main(data: Path, n_draws: int, only: tuple[str, ...]) -> None:
    outcomes = load(data)
    chosen = {name: router for name, router in ROUTERS.items() if not only or name in only}
    results: dict[str, Any] = {
        "tasks": len(outcomes),
        "draws": n_draws,
        "oracle": rounded(judge(Beliefs.independent(outcomes.passed.astype(float)), outcomes.passed)),
        "types_known": rounded(judge(Beliefs.independent(_rates_of_types(outcomes)), outcomes.passed)),
        "whole_ladder": rounded(whole_ladder(outcomes.passed)),
        "split_by_task": {},
        "within_types": {},
        "types_held_out": {},
        "sources_held_out": {},
    }
    for name, router in chosen.items():
        figures, per_type = _by_task(name, router, outcomes, n_draws)
        results["split_by_task"][name], results["within_types"][name] = figures, per_type
        for key, column in (("types_held_out", "task_type"), ("sources_held_out", "source")):
            results[key][name] = _held_out(f"{name}, {key}", router, outcomes, column, n_draws)
    print_draws(results)
    print_within(results["within_types"])
    print_held_out(results)
    if not only:
        print(f"\nwritten to {write('public_outcomes', results)}")


def _rates_of_types(outcomes: Outcomes) -> Array:
    """What the best table could know: how often each tier in truth passes tasks of the type, (n, n_tiers)."""
    passed = pd.DataFrame(outcomes.passed.astype(float))
    return passed.groupby(outcomes.tasks["task_type"].to_numpy()).transform("mean").to_numpy()


def _by_task(
    name: str, router: Router, outcomes: Outcomes, n_draws: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    rows, per_type = [], []
    for seed in tqdm(range(n_draws), desc=name, leave=False):
        folds = folds_by_task(len(outcomes), seed)
        beliefs = cross_fitted(router, outcomes, folds, seed)
        per_type.append(by_type(beliefs.pass_, outcomes.passed, outcomes.tasks["task_type"], folds))
        rows.append({**judge(beliefs, outcomes.passed), **overall(per_type[-1])})
    kinds = {kind: spread([draw[kind] for draw in per_type]) for kind in per_type[0]}
    return spread(rows), kinds


def _held_out(title: str, router: Router, outcomes: Outcomes, column: str, n_draws: int) -> dict[str, Any]:
    drawn = [
        cross_fitted(router, outcomes, folds_by(outcomes.tasks[column], seed), seed)
        for seed in tqdm(range(n_draws), desc=title, leave=False)
    ]
    figures = [judge(beliefs, outcomes.passed) for beliefs in drawn]
    return {
        "apgr": [round(float(f([row["apgr"] for row in figures])), 4) for f in (np.mean, np.std)],
        **rounded(against_middle(drawn, outcomes.passed, outcomes.tasks[column])),
    }


if __name__ == "__main__":
    main()
