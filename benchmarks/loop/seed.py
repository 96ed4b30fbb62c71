"""One seed: its weeks, what the gate did, and what others would have made of the same work."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION

from ..simulator.new_types import draw_training
from ..simulator.policies import Table
from . import truth
from .fridays import Fridays
from .weeks import Operator
from .world import Months, Week, Work

SAMPLE = 1_500  # tasks, on which champion and challenger are truly compared


def run(
    seed: int, months: Months, *, world: str = "first", told: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Everything that happened, as JSON has it. told : called with the number of each week that is over."""
    started = time.process_time()
    trust = float(np.random.default_rng((seed, 6)).uniform(*months.trust))
    champion = first_champion(months.heard_ratio, trust)
    work = Work(seed, months, world=world)
    table = Table(work.world, draw_training(work.world, 400, np.random.default_rng((seed, 1))))
    weekly: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="tierwise-loop-") as name:
        folder = Path(name)
        champion.save(folder / "shipped")
        champion = TierModel.load(folder / "shipped")  # with the version that the log knows it by
        operator, fridays = Operator(folder, champion, months, seed), Fridays(folder, champion, months)
        try:
            for week in work.weeks():
                chosen = operator.live(week)
                weekly.append(_figures(work, week, chosen, table))
                sample = work.sample(week.number, SAMPLE)
                fridays.friday(week.number, operator, work.world, week.types, sample)
                told(week.number)
        finally:
            operator.close()
    return {
        "seed": seed,
        "trust": round(trust, 3),
        "cpu_s": round(time.process_time() - started, 1),
        "weekly": weekly,
        "judgements": fridays.records,
    }


def first_champion(heard_ratio: float, level_sd: float) -> TierModel:
    """The shipped model, told how much likelier a correction is to be heard, and how far types stray."""
    model = TierModel.load(CHAMPION)
    widths = replace(model.widths, heard_ratio=heard_ratio, level_sd=level_sd)
    return TierModel(model.reader, {**model.manifest, "widths": widths.to_dict()})


def _figures(work: Work, week: Week, chosen: Any, table: Table) -> dict[str, Any]:
    """Sums over the week's tasks, per policy: USD and expected cases of under-tiering."""
    cost, under = truth.per_tier(work.world, week.types, week.work)
    rows, ids = np.arange(len(chosen)), week.work.type_ids
    by_table = table.choose(week.work.f, ids, week.number)
    verdicts = week.fates.verdicts[rows, by_table]
    table.observe(week.work.f, ids, by_table, verdicts, week.number)
    picked = {
        "served": chosen,
        "always sonnet": np.ones(len(chosen), dtype=int),
        "table of types": by_table,
        "oracle": cost.argmin(axis=1),
    }
    found: dict[str, Any] = {"tasks": len(chosen)}
    for name, tiers in picked.items():
        found[name] = {
            "cost_usd": float(cost[rows, tiers].sum()),
            "under_tiered": float(under[rows, tiers].sum()),
            "mix": np.bincount(tiers, minlength=3).tolist(),
        }
    return found
