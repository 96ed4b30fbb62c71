"""Seed tasks: what the first champion is fitted to, before any outcome exists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...classifier.errors import InvalidTraining
from ...classifier.task import Task
from ...data import SEED_TASKS

TIERS = ("haiku", "sonnet", "opus")


@dataclass(frozen=True, slots=True)
class SeedTask:
    """A task with the tier it needs. `triple` and `pair` name near-boundary sets it belongs to."""

    id: str
    task: Task
    needed: int
    domain: str
    second_label: str | None = None
    triple: str | None = None
    pair: str | None = None

    @property
    def task_type(self) -> str:
        return self.task.task_type or "?"


def read_seeds(path: Path = SEED_TASKS, tiers: Sequence[str] = TIERS) -> list[SeedTask]:
    """Raises InvalidTraining, naming the line, for a row that is no seed task."""
    seeds = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            seeds.append(
                SeedTask(
                    id=row["id"],
                    # `items` stays out: writers gave it to bulk work only, so that a seed can't teach
                    # what a count means. The many-items rule of the router does, until outcomes do.
                    task=Task(row["specification"], task_type=row["task_type"]),
                    needed=tiers.index(row["tier"]),
                    domain=row["domain"],
                    second_label=row.get("second_label"),
                    triple=row.get("triple"),
                    pair=row.get("pair"),
                )
            )
        except (KeyError, ValueError) as error:
            raise InvalidTraining(
                f"Line {number} of {path} is no seed task: {error!r}.", about=number
            ) from error
    return seeds
