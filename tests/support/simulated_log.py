"""An operator's log made of seed tasks, for tests of training, evaluation and promotion."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from tierwise.training.outcomes.learner import Config
from tierwise.training.seeds.tasks import read_seeds

TIERS = ("haiku", "sonnet", "opus")
QUICK = Config(rounds=2, max_iterations=30)


def simulated(n_rows=700, n_types=38, seed=0) -> pd.DataFrame:
    """Seed tasks as an operator's log: types easier or harder than their texts say, and two twins.

    The twins have the same texts; Haiku does one of them always and the other one never.
    """
    chance = np.random.default_rng(seed)
    by_type = defaultdict(list)
    for each in read_seeds():
        by_type[each.task_type].append(each)
    largest = sorted(by_type, key=lambda name: (-len(by_type[name]), name))[:n_types]
    level = dict(zip(largest, chance.normal(0.0, 1.2, n_types), strict=True))
    rows = []
    for number in range(n_rows):
        name = largest[chance.integers(n_types)]
        task = by_type[name][chance.integers(len(by_type[name]))]
        tier = int(chance.integers(3))
        if number % 10 == 0:
            name, tier = ("twin-easy", "twin-hard")[number // 10 % 2], 0
            task = by_type[largest[0]][chance.integers(len(by_type[largest[0]]))]
            clean = name == "twin-easy"
        else:
            score = 1.5 + level[name] + 2.0 * (tier - task.needed) + chance.normal()
            clean = chance.random() < 0.97 / (1 + np.exp(-score))
        rows.append((task.task.specification, name, TIERS[tier], "clean" if clean else "corrected"))
    frame = pd.DataFrame(rows, columns=["specification", "task_type", "tier", "verdict"])
    return frame.assign(at=pd.date_range("2026-01-01", periods=n_rows, freq="h", tz="UTC"))
