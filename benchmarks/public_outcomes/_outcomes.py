"""The outcomes: tasks that all three tiers ran, from a folder of parquet files outside the project.

One row of a file is one (task, model). A router is shown `specification` and `task_type` alone, and of
the type not the part behind the slash: it is a difficulty that was set after the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TIERS = ("haiku", "sonnet", "opus")
PRICES = np.array([0.1, 2.0, 4.0])  # units per task; the targets are stated in them
FILES = ("zeroeval", "bfcl", "livecodebench")
_TASK = ["source", "task_id"]


@dataclass(frozen=True)
class Outcomes:
    """Tasks and what became of each at each tier.

    tasks : one row a task: source, task_type, specification.
    passed : (n_tasks, n_tiers) bool.
    """

    tasks: pd.DataFrame
    passed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tasks)


def load(folder: Path, files: tuple[str, ...] = FILES) -> Outcomes:
    """Read the files named, keeping the tasks that every tier ran."""
    rows = pd.concat([pd.read_parquet(folder / f"{name}.parquet") for name in files], ignore_index=True)
    passed = rows.pivot(index=_TASK, columns="tier", values="passed").reindex(columns=list(TIERS)).dropna()
    tasks = rows.drop_duplicates(_TASK).set_index(_TASK).loc[passed.index].reset_index()
    tasks["task_type"] = tasks["task_type"].str.split("/").str[0]
    return Outcomes(tasks[["source", "task_type", "specification"]], passed.to_numpy(dtype=bool))
