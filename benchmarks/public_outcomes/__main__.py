"""Routers on real outcomes of three tiers, every figure as mean and spread over draws.

    python -m benchmarks.public_outcomes --data FOLDER     (minutes on every core; needs pyarrow)

FOLDER holds zeroeval, bfcl and livecodebench as parquet, a row per (task, model). A draw logs one tier
a task (30/50/20 %) and splits by task into five folds; whatever a router chooses, it chooses on the
training rows of a fold.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._machine import write
from ._baselines import ConstantRates, ShrunkTable
from ._curve import apgr, single_tiers
from ._draws import drawn, folds_by, folds_by_task
from ._held_out import against_middle
from ._judge import judge
from ._learner import Learner
from ._outcomes import Outcomes, load
from ._plans import whole_ladder
from ._regression import TypeAndEmbedding
from ._report import print_draws, print_held_out, print_within, rounded, spread
from ._slot import Array, Beliefs, Router
from ._within import by_type, overall, with_true_rates

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
@click.option("--processes", default=os.cpu_count(), show_default=True, type=click.IntRange(min=1))
def main(data: Path, n_draws: int, only: tuple[str, ...], processes: int) -> None:
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
    by_task = [folds_by_task(len(outcomes), seed) for seed in range(n_draws)]
    with ProcessPoolExecutor(processes) as pool:
        for name, router in chosen.items():
            draws = partial(drawn, pool, router, outcomes)
            figures, per_type = _by_task(draws(by_task, name), outcomes, by_task)
            results["split_by_task"][name], results["within_types"][name] = figures, per_type
            for key, column in (("types_held_out", "task_type"), ("sources_held_out", "source")):
                groups = outcomes.tasks[column]
                held_out = [folds_by(groups, seed) for seed in range(n_draws)]
                results[key][name] = _held_out(draws(held_out, f"{name}, {key}"), outcomes, groups)
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
    drawn: Sequence[Beliefs], outcomes: Outcomes, splits: Sequence[NDArray[np.int64]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Over draws: all figures, and those of each type."""
    passed, types = outcomes.passed, outcomes.tasks["task_type"]
    per_type = [
        by_type(beliefs.pass_, passed, types, folds) for beliefs, folds in zip(drawn, splits, strict=True)
    ]
    known = [
        single_tiers(with_true_rates(beliefs.pass_, passed, types, folds), passed)
        for beliefs, folds in zip(drawn, splits, strict=True)
    ]
    rows = [
        {**judge(beliefs, passed), **overall(of_types), "apgr_types_known": apgr(curve, passed)}
        for beliefs, of_types, curve in zip(drawn, per_type, known, strict=True)
    ]
    return spread(rows), {kind: spread([draw[kind] for draw in per_type]) for kind in per_type[0]}


def _held_out(drawn: Sequence[Beliefs], outcomes: Outcomes, groups: pd.Series) -> dict[str, Any]:
    areas = [apgr(single_tiers(beliefs.pass_, outcomes.passed), outcomes.passed) for beliefs in drawn]
    return {
        "apgr": np.round([np.mean(areas), np.std(areas)], 4).tolist(),
        **rounded(against_middle(drawn, outcomes.passed, groups)),
    }


if __name__ == "__main__":
    main()
