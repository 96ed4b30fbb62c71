"""Builds the first champion from the seed tasks: `python -m tierwise.training.seeds.champion --help`."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ...classifier.artifact._stored import manifest_of
from ...classifier.belief._passing import Widths
from ...classifier.model import TierModel
from ...classifier.reading._encoder import StaticEncoder
from ...classifier.reading._guards import Guards
from ...data import CHAMPION
from .. import metrics
from ..features.lexicon import familiar_texts
from ..promise.thresholds import Threshold, choose_thresholds
from .crossval import held_out_logits
from .figures import held_out_figures
from .head import fit_reader
from .tasks import TIERS, SeedTask, read_seeds

UNINFORMED = (0.25, 0.5, 0.25)  # what is believed of a text that no one could read
UNFAMILIAR_QUANTILE = 0.03  # so many texts of new kinds, in a known language, are taken for unfamiliar
SHIPPED_RATE = 0.05


def build_champion(seeds: Sequence[SeedTask], encoder: StaticEncoder) -> TierModel:
    """Held-out predictions set slope, guards, thresholds and figures; then one fit on all seeds."""
    needed = np.array([seed.needed for seed in seeds])
    groups = [seed.task_type for seed in seeds]
    logits, familiarity = held_out_logits(seeds, encoder, n_tiers=len(TIERS))
    slope = calibration_slope(logits, needed)
    probabilities = metrics.softmax(logits * slope)
    known = familiar_texts([seed.task.specification for seed in seeds])
    least = float(np.quantile(familiarity[known], UNFAMILIAR_QUANTILE))
    guards = Guards(min_familiarity=round(least, 3))
    thresholds = choose_thresholds(probabilities, needed, groups)
    reader = fit_reader(
        [seed.task for seed in seeds], needed, encoder, n_tiers=len(TIERS), guards=guards, slope=slope
    )
    manifest = {
        **manifest_of(reader),
        "tiers": list(TIERS),
        "widths": Widths().to_dict(),
        "uninformed": list(UNINFORMED),
        "thresholds": [threshold.to_dict() for threshold in thresholds],
        "calibration": {"slope": slope, "basis": "seed tasks, whole types held out"},
        "training": _provenance(seeds),
        "metrics": _metrics(probabilities, needed, seeds, thresholds),
    }
    return TierModel(reader, manifest)


def calibration_slope(logits: NDArray[np.float64], needed: NDArray[np.int64]) -> float:
    """The factor on the logits that minimises held-out log loss (temperature scaling; Guo et al. 2017)."""

    def loss(log_slope: float) -> float:
        return metrics.log_loss(metrics.softmax(logits * np.exp(log_slope)), needed)

    return round(float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x)), 4)


def _metrics(
    probabilities: NDArray[np.float64],
    needed: NDArray[np.int64],
    seeds: Sequence[SeedTask],
    thresholds: Sequence[Threshold],
) -> dict[str, Any]:
    """What the manifest says about quality."""
    types = [seed.task_type for seed in seeds]
    served = next(each for each in thresholds if each.max_under_tier == SHIPPED_RATE)
    pair, table = (served.lambda_down, served.lambda_up), metrics.per_type_table(needed, types, len(TIERS))
    triples = np.array([seed.triple is not None for seed in seeds])
    right = probabilities.argmax(axis=1) == needed
    return {
        "split": "whole task types held out",
        "tasks": len(seeds),
        "task_types": len(set(types)),
        **held_out_figures(probabilities, needed, types, pair, table),
        "near_boundary_accuracy": round(float(right[triples].mean()), 4),
    }


def _provenance(seeds: Sequence[SeedTask]) -> dict[str, Any]:
    text = json.dumps([[seed.id, seed.task.specification, seed.needed] for seed in seeds])
    packages = ("numpy", "scipy", "scikit-learn", "safetensors")
    return {
        "data": "seed tasks",
        "rows": len(seeds),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in packages},
    }


@click.command()
@click.option(
    "--encoder", "encoder_of", type=click.Path(path_type=Path), help="Model folder to take it from."
)
@click.option("--teacher", help="Any sentence-transformers model, by name or path (default: MiniLM).")
@click.option("--dims", default=256, show_default=True)
@click.option("--out", default=CHAMPION, type=click.Path(path_type=Path), show_default=True)
def main(encoder_of: Path | None, teacher: str | None, dims: int, out: Path) -> None:
    """Distil an encoder, fit the seed tasks, and write the champion."""
    seeds = read_seeds()
    if encoder_of is not None:
        encoder = TierModel.load(encoder_of).reader.encoder
    else:
        from .distil import FittingSet, Teacher, distil

        loaded = Teacher.load(teacher)
        fitting = FittingSet.build(loaded, [seed.task.specification for seed in seeds])
        encoder = distil(loaded, fitting, n_dims=dims)
    model = build_champion(seeds, encoder)
    model.save(out)
    click.echo(json.dumps(model.manifest["metrics"], indent=1))
    click.echo(f"Written to {out}")


if __name__ == "__main__":
    main()
