"""How good the shipped classifier is on tasks it has never seen, beside what it has to beat.

    python -m benchmarks.held_out

Three splits: whole task types held out; whole authors held out, the latest apart, who were mostly asked that
nothing on the surface should tell the tier; and tasks by authors who never saw the guide that most seed tasks
were written by (`foreign_tasks.jsonl`; measured, never fitted).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.data import CHAMPION
from tierwise.training import metrics
from tierwise.training.seeds.crossval import held_out_logits
from tierwise.training.seeds.tasks import TIERS, read_seeds

from ._machine import write

LATEST = "r5-"  # authors of whom most were asked that nothing on the surface should tell the tier
FOREIGN = Path(__file__).resolve().parent / "foreign_tasks.jsonl"


def main() -> None:
    model = TierModel.load(CHAMPION)
    seeds = read_seeds()
    needed = np.array([seed.needed for seed in seeds])
    types, authors = [seed.task_type for seed in seeds], [seed.domain for seed in seeds]
    slope = model.manifest["calibration"]["slope"]
    encoder = model.reader.encoder
    by_type = metrics.softmax(slope * held_out_logits(seeds, encoder, n_tiers=len(TIERS))[0])
    by_author = metrics.softmax(
        slope
        * held_out_logits(seeds, encoder, n_tiers=len(TIERS), groups=authors, n_folds=len(set(authors)))[0]
    )
    foreign = [json.loads(line) for line in FOREIGN.read_text(encoding="utf-8").splitlines()]
    foreign_needed = np.array([TIERS.index(row["tier"]) for row in foreign])
    foreign_types = [row["task_type"] for row in foreign]
    of_foreign = _served_probabilities(model, foreign)
    triples = np.array([seed.triple is not None for seed in seeds])
    latest = np.array([author.startswith(LATEST) for author in authors])
    table = metrics.per_type_table(needed, types, len(TIERS))  # of all tasks, whatever is held out
    foreign_table = metrics.per_type_table(foreign_needed, foreign_types, len(TIERS))

    def of_seeds(probabilities: np.ndarray, groups: list[str], rows: np.ndarray) -> dict[str, Any]:
        return _figures(model, probabilities[rows], needed[rows], _of(groups, rows), table[rows])

    everything = np.ones(len(seeds), dtype=bool)
    results = {
        "types_held_out": of_seeds(by_type, types, everything),
        "near_boundary_triples": of_seeds(by_type, types, triples),
        "authors_held_out": of_seeds(by_author, authors, everything),
        "latest_authors_held_out": of_seeds(by_author, authors, latest),
        "foreign_tasks": _figures(model, of_foreign, foreign_needed, foreign_types, foreign_table),
        "worst_types": _worst(model, by_type, needed, types),
        "by_author": _worst(model, by_author, needed, authors, most=99),
    }
    for name, figures in results.items():
        if isinstance(figures, dict):
            print(f"\n{name}")
            for figure, value in figures.items():
                print(f"  {figure:28} {value}")
    write("held_out", results)


def _served_probabilities(model: TierModel, rows: list[dict[str, Any]]) -> np.ndarray:
    return model.needed_probabilities([Task(row["specification"]) for row in rows])


def _of(names: list[str], chosen: np.ndarray) -> list[str]:
    return [name for name, keep in zip(names, chosen, strict=True) if keep]


def _figures(
    model: TierModel, probabilities: np.ndarray, needed: np.ndarray, groups: list[str], table: np.ndarray
) -> dict[str, Any]:
    """Value with 90 % interval (groups resampled), and the baselines. table : its answers, (n,) tiers."""
    down, up = model.thresholds(0.05)
    found = metrics.with_interval(
        lambda rows: metrics.tier_figures(probabilities[rows], needed[rows], down, up), groups
    )
    return {
        "tasks": len(needed),
        "groups": len(set(groups)),
        **{name: [round(value, 3) for value in values] for name, values in found.items()},
        "log_loss": round(metrics.log_loss(probabilities, needed), 3),
        "ece": round(metrics.expected_calibration_error(probabilities, needed), 3),
        "best_constant_accuracy": round(float(np.bincount(needed).max() / len(needed)), 3),
        "per_type_table_accuracy": round(float((table == needed).mean()), 3),
        "all_sonnet_under_tiered": round(float((needed > 1).mean()), 3),
        "oracle_accuracy": 1.0,
    }


def _worst(
    model: TierModel, probabilities: np.ndarray, needed: np.ndarray, groups: list[str], *, most: int = 15
) -> list[dict[str, Any]]:
    down, up = model.thresholds(0.05)
    rows = metrics.by_group(probabilities, needed, groups, lambda_down=down, lambda_up=up)
    kept = ("group", "tasks", "accuracy", "under_tiered", "over_tiered")
    return [{key: row[key] for key in kept} for row in rows[:most]]


if __name__ == "__main__":
    main()
