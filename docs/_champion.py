"""The page about the model that ships, from its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tierwise.data import CHAMPION

from ._table import table

BASELINES = {
    "best_constant_accuracy": "the most frequent tier for everything",
    "per_type_table_accuracy": "a table of task types, each task itself left out; it knows the type",
    "oracle_accuracy": "every label known",
}
FIGURES = {
    "accuracy": "the most probable tier is the needed one",
    "near_boundary_accuracy": "the same, among tasks that share a topic and most words across tiers",
    "two_tier_errors": "the most probable tier is two or more rungs off",
    "served_accuracy": "the tier that is served (thresholds of the shipped rate) is the needed one",
    "under_tiered": "a lower tier is served than needed",
    "over_tiered": "a higher tier is served than needed",
    "lowest_kept": "of the tasks that need the lowest tier, those that are served by it",
    "top_kept": "of the tasks that need the top tier, those that are served by it",
    "middle_share": "all tasks that are served by the middle tier",
    "log_loss": "of P(needed tier), lower is better",
    "brier": "of P(needed tier), 0 to 2, lower is better",
    "ece": "expected calibration error of the most probable tier, lower is better",
}
SETTINGS = ("calibration", "guards", "encoder", "widths")


def champion_page() -> str:
    """Figures with their intervals, baselines, thresholds, and where it all comes from."""
    manifest = json.loads((CHAMPION / "manifest.json").read_text(encoding="utf-8"))
    metrics = manifest["metrics"]
    order = [
        *FIGURES,
        *sorted(metrics.keys() - FIGURES.keys() - BASELINES.keys() - {"split", "tasks", "task_types"}),
    ]
    bases = "; ".join(sorted({each["basis"] for each in manifest["thresholds"]}))
    baselines = [(meaning, metrics[name]) for name, meaning in BASELINES.items() if name in metrics]
    return "\n\n".join(
        [
            "# The champion that ships",
            f"Measured on {metrics['tasks']:,} tasks of {metrics['task_types']:,} types, {metrics['split']}. "
            "Intervals are 90 %, by bootstrap over task types.",
            table(
                ("figure", "value", "interval", "meaning"),
                ((n, *_measured(metrics[n]), FIGURES.get(n, "")) for n in order if n in metrics),
            ),
            "## Baselines, on the same tasks",
            table(("baseline", "accuracy"), baselines),
            f"## Thresholds\n\nOne row per rate of under-tiering that can be asked for. Basis: {bases}.",
            table(
                ("`max_under_tier`", "`lambda_down`", "`lambda_up`", "under-tiered", "interval", "met"),
                map(_threshold, manifest["thresholds"]),
            ),
            "## Training",
            table(("what", "value"), _provenance(manifest)),
        ]
    )


def _measured(value: Any) -> tuple[float, str]:
    if isinstance(value, list):
        return value[0], f"{value[1]:g} to {value[2]:g}"
    return value, ""


def _threshold(each: dict[str, Any]) -> tuple[object, ...]:
    interval = f"{each['under_tiered_low']:g} to {each['under_tiered_high']:g}"
    met = "yes" if each["found"] else "no: the strictest pair there is"
    return (
        each["max_under_tier"],
        each["lambda_down"],
        each["lambda_up"],
        each["under_tiered"],
        interval,
        met,
    )


def _provenance(manifest: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "tiers", " < ".join(manifest["tiers"])
    for name, value in manifest["training"].items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {inner}" for key, inner in value.items())
        yield f"training: {name}", value
    for part in SETTINGS:
        yield from ((f"{part}: {name}", value) for name, value in manifest[part].items())
    yield from ((f"sha256 of {name}", value) for name, value in manifest["sha256"].items())
