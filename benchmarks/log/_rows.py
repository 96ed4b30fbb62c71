"""Rows and decisions to write: seed tasks over and over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np

from tierwise import Decision, predict_tiers
from tierwise.training.seeds.tasks import read_seeds

TYPES = 200
VERDICTS = ("clean", "clean", "clean", "corrected", "failed")


def decisions(n: int) -> list[Decision]:
    seeds = list(islice(read_seeds(), n))
    return list(predict_tiers([seed.task for seed in seeds]))


def frame(n: int) -> Any:
    """Seed tasks over and over, with verdicts spread over a year."""
    import pandas as pd

    chance = np.random.default_rng(0)
    texts = [seed.task.specification for seed in read_seeds()]
    start = datetime.now(tz=UTC) - timedelta(days=365)
    seconds = np.sort(chance.integers(0, 360 * 86_400, n))
    return pd.DataFrame(
        {
            "specification": [f"{texts[i % len(texts)]} ({i})" for i in range(n)],
            "task_type": [f"type {i}" for i in chance.integers(0, TYPES, n)],
            "tier": chance.choice(["haiku", "sonnet", "opus"], n),
            "verdict": chance.choice(VERDICTS, n),
            "items": chance.integers(1, 50, n),
            "at": pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"),
            "decided_at": pd.Timestamp(start) + pd.to_timedelta(seconds, unit="s"),
            "propensity": 1.0,
        }
    )
