"""How long it takes to learn from many outcomes, and to take in one more.

    python -m benchmarks.fit [--outcomes 100000] [--runs 3]

Texts are those of the seed tasks, each with a number of its own; verdicts are drawn from a type effect
and the labelled tier. Encoding is included; sentence-transformers is not needed. Decisions with history
are of the 4,000 texts of 30 words that `budgets` decides without one, of 400 of the types.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import click
import numpy as np
import pandas as pd

from tierwise import Task, predict_tiers
from tierwise.classifier.belief.state import Seen, TypeState
from tierwise.training.seeds.tasks import TIERS, read_seeds
from tierwise.training.train import TrainedModel, train

from ._machine import write
from .budgets import thirty_word_texts

ROUNDS = 7
TYPES = 400  # in the decisions with history
COUNTS = {"haiku": (14, 2), "sonnet": (20, 1), "opus": (3, 0)}  # history without texts: of every type
_SCORES = np.array([[3.2, 3.8, 4.0], [0.0, 3.2, 3.8], [-1.5, 0.3, 3.0]])  # by needed tier and tier tried


@click.command()
@click.option("--outcomes", default=100_000, show_default=True)
@click.option("--runs", default=3, show_default=True, type=click.IntRange(min=1), help="Fits; all are kept.")
def main(outcomes: int, runs: int) -> None:
    frame = finished_tasks(outcomes)
    fits_s = []
    for _ in range(runs):
        model, fit_s = _timed_fit(frame)
        fits_s.append(fit_s)
    states = model.states()
    each_ms, per_s = _one_more_ms(model, states), _decisions_per_s(model, states)
    of_counts_per_s = _decisions_per_s(model, dict.fromkeys(states, COUNTS))
    results: dict[str, Any] = {
        "outcomes": outcomes,
        "task_types": int(frame["task_type"].nunique()),
        "fit_s_of_each_run": [round(each, 1) for each in fits_s],
        "fit_s_median": round(statistics.median(fits_s), 1),
        "one_more_outcome_felt_median_ms": round(statistics.median(each_ms), 3),
        "decisions_with_history_rounds": ROUNDS,
        "decisions_with_history_per_s_best": round(max(per_s)),
        "decisions_with_history_per_s_median": round(statistics.median(per_s)),
        "decisions_with_counts_per_s_median": round(statistics.median(of_counts_per_s)),
        "sentence_transformers_loaded": "sentence_transformers" in sys.modules,
    }
    print(results)
    print(f"written to {write('fit', results)}")


def _timed_fit(frame: pd.DataFrame) -> tuple[TrainedModel, float]:
    started = time.perf_counter()
    model = train(frame, progress=lambda step: print(f"{time.perf_counter() - started:6.1f} s  {step}"))
    return model, time.perf_counter() - started


def _one_more_ms(model: TrainedModel, states: Mapping[str, TypeState]) -> list[float]:
    """To take in one more outcome of the largest type, and to believe what it says; of each of many."""
    state = max(states.values(), key=lambda state: state.n_outcomes)
    place, each_ms = state.recent[-1].place, []
    for number in range(200):
        seen = Seen(2e9 + number, 0, True, place)
        begun = time.perf_counter()
        state = model.observe(state, [seen])
        state.effects(model.grid)
        each_ms.append(1e3 * (time.perf_counter() - begun))
    return each_ms


def _decisions_per_s(model: TrainedModel, history: Mapping[str, Any]) -> list[float]:
    """Of each round; states work out their beliefs once, before."""
    kinds = list(history)[:TYPES]
    tasks = [Task(text, task_type=kinds[n % len(kinds)]) for n, text in enumerate(thirty_word_texts())]
    predict_tiers(tasks, history=history, model=model)
    per_s = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        predict_tiers(tasks, history=history, model=model)
        per_s.append(len(tasks) / (time.perf_counter() - begun))
    return per_s


def finished_tasks(n: int) -> pd.DataFrame:
    """A frame for `train`."""
    chance = np.random.default_rng(0)
    seeds = read_seeds()
    names, types = np.unique([seed.task_type for seed in seeds], return_inverse=True)
    level = chance.logistic(scale=0.66, size=len(names))
    picked, tiers = chance.integers(0, len(seeds), n), chance.choice(3, n, p=[0.4, 0.4, 0.2])
    needed = np.array([seed.needed for seed in seeds])[picked]
    scores = _SCORES[needed, tiers] + level[types[picked]] + chance.normal(size=n)
    clean = chance.random(n) < 0.97 / (1 + np.exp(-scores))
    start = pd.Timestamp("2026-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "specification": [f"{seeds[i].task.specification} ({k})" for k, i in enumerate(picked)],
            "task_type": [seeds[i].task_type for i in picked],
            "tier": np.array(TIERS)[tiers],
            "verdict": np.where(clean, "clean", "corrected"),
            "at": start + pd.to_timedelta(np.arange(n), unit="s"),
        }
    )


if __name__ == "__main__":
    main()
