"""How good the shipped classifier is on tasks it has never seen, beside what it has to beat.

    python -m benchmarks.held_out

Whole task types held out; whole authors held out, apart also those who were mostly asked that nothing on the
surface should tell the tier, those after them, and the earlier ones. And tasks that are measured and never
fitted: by six authors who never saw the guide that most seed tasks were written by (`foreign_tasks.jsonl`;
the last four were asked for work as it comes, neither easy nor tricky, and others labelled it a second time),
and by two who were asked for what is hardest (`hard_tasks.jsonl`): asks that sound like another tier's, and
asks in one sentence over much material that says nothing of the tier, the same with asks of all three.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.data import CHAMPION
from tierwise.training import metrics
from tierwise.training.seeds.champion import SHIPPED_RATE
from tierwise.training.seeds.crossval import held_out_logits
from tierwise.training.seeds.figures import held_out_figures
from tierwise.training.seeds.tasks import TIERS, SeedTask, read_seeds

from ._machine import write
from .seeds import LATEST, PLAIN, WIDER

HERE = Path(__file__).resolve().parent
FOREIGN, HARD = HERE / "foreign_tasks.jsonl", HERE / "hard_tasks.jsonl"
FIRST, FOUR = ("author-a", "author-b"), ("author-c", "author-d", "author-e", "author-f")


def main() -> None:
    model, seeds = TierModel.load(CHAMPION), read_seeds()
    needed = np.array([seed.needed for seed in seeds])
    types = np.array([seed.task_type for seed in seeds])
    authors = np.array([seed.domain for seed in seeds])
    table = metrics.per_type_table(needed, types.tolist(), len(TIERS))  # of all tasks, whatever is held out
    plain, wider = np.char.startswith(authors, PLAIN), np.char.startswith(authors, WIDER)
    latest = np.array([author.startswith(LATEST) for author in authors])
    triples = np.array([seed.triple is not None for seed in seeds])
    by_type = _held_out(model, seeds)
    by_author = _held_out(model, seeds, groups=authors.tolist(), n_folds=len(set(authors)))

    def of(probabilities: np.ndarray, groups: np.ndarray, rows: Any = slice(None)) -> dict[str, Any]:
        return _figures(model, probabilities[rows], needed[rows], groups[rows], table[rows])

    results = {
        "types_held_out": of(by_type, types),
        "near_boundary_triples": of(by_type, types, triples),
        "authors_held_out": of(by_author, authors),
        "earlier_authors_held_out": of(by_author, authors, ~(plain | wider | latest)),
        "plain_authors_held_out": of(by_author, authors, plain),
        "wider_authors_held_out": of(by_author, authors, wider),
        "latest_authors_held_out": of(by_author, authors, latest),
        "foreign_tasks": _of_file(model, FOREIGN),
        "foreign_first_authors": _of_file(model, FOREIGN, *FIRST),
        "foreign_latest_authors": _of_file(model, FOREIGN, *FOUR),
        "misleading_tasks": _of_file(model, HARD, "misleading"),
        "same_material_tasks": _of_file(model, HARD, "same-material"),
        "worst_types": _worst(model, by_type, needed, types),
        "by_author": _worst(model, by_author, needed, authors, most=99),
    }
    for name, figures in results.items():
        if isinstance(figures, dict):
            print(f"\n{name}")
            for figure, value in figures.items():
                print(f"  {figure:28} {value}")
    write("held_out", results)


def _held_out(model: TierModel, seeds: Sequence[SeedTask], **split: Any) -> np.ndarray:
    """P(needed tier), (n_seeds, n_tiers), as the shipped model is calibrated."""
    logits, _ = held_out_logits(seeds, model.reader.encoder, n_tiers=len(TIERS), **split)
    return metrics.softmax(model.manifest["calibration"]["slope"] * logits)


def _of_file(model: TierModel, path: Path, *domains: str) -> dict[str, Any]:
    """The tasks of a file, or those of some domains in it, as the shipped model reads them."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if not domains or row["domain"] in domains]
    needed = np.array([TIERS.index(row["tier"]) for row in rows])
    types = [row["task_type"] for row in rows]
    probabilities = model.needed_probabilities([Task(row["specification"]) for row in rows])
    table = metrics.per_type_table(needed, types, len(TIERS))
    return _figures(model, probabilities, needed, np.array(types), table)


def _figures(
    model: TierModel, probabilities: np.ndarray, needed: np.ndarray, groups: np.ndarray, table: np.ndarray
) -> dict[str, Any]:
    return {
        "tasks": len(needed),
        "groups": len(set(groups)),
        **held_out_figures(probabilities, needed, groups.tolist(), model.thresholds(SHIPPED_RATE), table),
        "all_sonnet_under_tiered": round(float((needed > 1).mean()), 4),
    }


def _worst(
    model: TierModel, probabilities: np.ndarray, needed: np.ndarray, groups: np.ndarray, *, most: int = 15
) -> list[dict[str, Any]]:
    down, up = model.thresholds(SHIPPED_RATE)
    rows = metrics.by_group(probabilities, needed, groups.tolist(), lambda_down=down, lambda_up=up)
    kept = ("group", "tasks", "accuracy", "under_tiered", "over_tiered")
    return [{key: row[key] for key in kept} for row in rows[:most]]


if __name__ == "__main__":
    main()
