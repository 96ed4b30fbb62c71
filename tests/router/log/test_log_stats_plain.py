"""`log stats` reads indices, each row once and texts together; the plain way says the same to the last digit."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from tierwise import TierModel
from tierwise.data import CHAMPION
from tierwise.router.log import movements_of
from tierwise.router.log._replay import task_of
from tierwise.router.log._schema import decisions, outcomes
from tierwise.router.log._times import from_us
from tierwise.router.log.demo import fill
from tierwise.router.log.figures import _recurring
from tierwise.router.movements import Judged, Recurring, Work, movements
from tierwise.training.seeds.tasks import read_seeds

START = datetime(2026, 1, 1, tzinfo=UTC)
TIERS = ["haiku", "sonnet", "opus", "other"]
VERDICTS = ["clean", "clean", "corrected", "failed", "refused", "cut_off"]
SPEAKS = ("clean", "corrected", "failed")


def random_rows(n: int) -> pd.DataFrame:
    """With retries, probes, steps without a model, equal times, verdicts replaced and missing, types of no name."""
    chance = np.random.default_rng(5)
    texts = [seed.task.specification for seed, _ in zip(read_seeds(), range(60), strict=False)]
    frame = pd.DataFrame(
        {
            "decision_id": [f"d{i}" for i in range(n)],
            "specification": chance.choice(np.array([*texts, None], dtype=object), n),
            "task_type": chance.choice(np.array(["a", "b", "c", "d", None], dtype=object), n),
            "tier": chance.choice(TIERS, n),
            "mode": chance.choice(["sync", "batch", "none"], n, p=[0.6, 0.3, 0.1]),
            "verdict": chance.choice(VERDICTS, n),
            "items": chance.integers(1, 50, n),
            "propensity": chance.choice([1.0, 0.9, 0.1], n),
            "decided_at": [START + timedelta(hours=int(hour)) for hour in chance.integers(0, 500, n)],
        }
    )
    frame["at"] = frame["decided_at"] + timedelta(hours=1)
    frame["follows"] = [f"d{i - 1}" if i % 7 == 0 and i else None for i in range(n)]
    frame["attempts"] = [["haiku"] if i % 7 == 0 else None for i in range(n)]
    frame.loc[frame.index % 5 == 0, ["verdict", "at"]] = None
    again = frame[(frame.index % 11 == 1) & frame["at"].notna()].assign(verdict="corrected", basis="person")
    return pd.concat([frame, again])


@pytest.fixture(params=["demonstration", "random"])
def filled(request, log):
    if request.param == "random":
        log.import_frame(random_rows(700))
    else:
        fill(log, 700)
    return log


def everything(log):
    """Decisions by id, and the verdicts that count with their times."""
    with log._database.read() as connection:
        decided = {row["decision_id"]: dict(row) for row in connection.execute(select(decisions)).mappings()}
        told = [dict(row) for row in connection.execute(select(outcomes)).mappings()]
    return decided, told


def test_counts_are_those_of_the_rows(filled):
    decided, told = everything(filled)
    counting = [each for each in told if each["is_effective"]]
    found = filled.stats()
    assert (found.n_decisions, found.n_outcomes) == (len(decided), len(told))
    assert found.n_without_verdict == len(decided) - len(counting)
    assert found.texts == Counter(each["text_stored"] for each in decided.values())
    counts = defaultdict(Counter)
    for each in counting:
        if each["tier"] is not None:
            counts[each["task_type"], each["tier"]][each["verdict"]] += 1
    shown = {(kind, tier): each for kind, tiers in found.types.items() for tier, each in tiers.items()}
    assert {key: each.counts for key, each in shown.items()} == counts
    for (kind, tier), each in shown.items():
        times = [row["at_us"] for row in counting if (row["task_type"], row["tier"]) == (kind, tier)]
        assert each.last_seen.timestamp() == max(times) / 1e6


@pytest.mark.parametrize("most", [10, 100])
def test_movements_are_those_of_the_rows(filled, most, monkeypatch):
    monkeypatch.setattr(_recurring, "MOST_OUTCOMES", most)
    monkeypatch.setattr(_recurring, "LEAST_OUTCOMES", most)
    model = TierModel.load(CHAMPION)
    model.version = "another's"  # so that texts are read here and there
    plain = {each.task_type: movements([each], model=model).types for each in recurring(filled, most, model)}
    found = {each.task_type: (each,) for each in movements_of(filled, model=model).types}
    assert found == {kind: each for kind, each in plain.items() if each}
    assert len(found) > 3


def recurring(log, most: int, model: TierModel) -> list[Recurring]:
    """All rows read and sorted; every work a task of its own."""
    decided, told = everything(log)
    by_type = defaultdict(lambda: defaultdict(list))
    for each in sorted(told, key=lambda row: (row["at_us"], row["outcome_id"])):
        speaks = each["is_effective"] and each["tier"] is not None and each["verdict"] in SPEAKS
        if speaks and each["task_type"] is not None:
            by_type[each["task_type"]][each["tier"]].append(each)
    last = max(row["at_us"] for tiers in by_type.values() for rows in tiers.values() for row in rows)

    def work(decision_id: str) -> Work:
        row = decided[decision_id]
        beliefs = (row["details"] or {}).get("beliefs") or {}
        kept = beliefs.get("text") if row["specification"] is None else None
        return Work(task_of(row, row["details"] or {}), row["tier"], None if kept is None else tuple(kept))

    def judged(row) -> Judged:
        return Judged(work(row["decision_id"]), row["verdict"], row["basis"], from_us(row["at_us"]))

    found = []
    for kind, tiers in by_type.items():
        rows = [row for row in decided.values() if row["task_type"] == kind]
        first = min(row["at_us"] for some in tiers.values() for row in some)
        latest = [
            row
            for row in sorted(rows, key=lambda row: (-row["decided_at_us"], row["decision_id"]))
            if row["follows"] is None and row["mode"] != "none" and (row["propensity"] or 1.0) >= 0.5
        ][:40]
        older = {tier: [row["verdict"] == "clean" for row in some[:-most]] for tier, some in tiers.items()}
        found.append(
            Recurring(
                kind,
                tuple(each for row in latest if not (each := work(row["decision_id"])).task.attempts),
                tuple(judged(row) for tier in sorted(tiers) for row in tiers[tier][-most:]),
                len(rows) / max((last - first) / 86_400e6, 7.0) * 30.4,
                {tier: (sum(each), len(each) - sum(each)) for tier, each in older.items() if each},
            )
        )
    return found
