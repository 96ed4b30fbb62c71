"""The real gate on logs that a router made: canary first, then promoted or ended, by what chance has shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.loop.truth import choices, truth
from benchmarks.loop.world import POLICY, Months, Week, Work
from benchmarks.simulator.worlds import TIERS
from tierwise import Canary, OutcomeLog, Router, compare, gate, promote
from tierwise.classifier.artifact._pointer import Canary as Tried
from tierwise.classifier.artifact._stored import manifest_of
from tierwise.classifier.errors import PromotionRefused
from tierwise.classifier.model import TierModel
from tierwise.classifier.reading._reader import Reader
from tierwise.training.promotion.store import ModelStore

# every verdict is heard, texts mean what the shipped model reads, types come seldom: the text is all there is
MONTHS = Months(
    weeks=1,
    first_types=200,
    tasks=4.0,
    tail=0.0,
    hazard=0.0,
    heard_clean=1.0,
    heard_corrected=1.0,
    slope=(1.0, 1.0),
    shift=0.0,
    gap=0.0,
    subject=0.0,
)
CANARY = Canary(share=0.5, max_decisions=10_000)


def blind(model: TierModel) -> TierModel:
    """Reads nothing, and takes every text for Sonnet's."""
    old, n = model.reader, len(model.tiers)
    reader = Reader(
        old.encoder,
        old.lexicon,
        old.guards,
        lexical=np.zeros_like(old.lexical),
        embedding=np.zeros_like(old.embedding),
        facts=np.zeros_like(old.facts),
        bias=np.array([0.0, 2.0, 0.0], dtype=np.float32)[:n],
    )
    return TierModel(reader, {**model.manifest, **manifest_of(reader)})


@pytest.fixture(scope="module")
def work() -> tuple[Work, Week]:
    found = Work(0, MONTHS)
    (week,) = found.weeks()
    return found, week


@pytest.fixture(scope="module")
def saved(champion, tmp_path_factory) -> Callable[[str], TierModel]:
    folder = tmp_path_factory.mktemp("models")
    blind(champion).save(folder / "blind")
    models = {"blind": TierModel.load(folder / "blind"), "seeing": champion}
    return models.__getitem__


def lived(router: Router, week: Week, rows: range) -> None:
    """Decided and judged; what was corrected is done again one tier up."""
    for row in rows:
        decision, follows = router.decide(week.work.tasks[row]), None
        while True:
            tier = TIERS.index(str(decision.tier))
            clean = bool(week.fates.clean[row, tier])
            router.record_outcome(decision, "clean" if clean else "corrected")
            if clean or tier == len(TIERS) - 1 or follows is not None:
                break
            follows = decision
            decision = router.decide(week.work.tasks[row], follows=follows)


def routed(log: OutcomeLog, champion: TierModel, challenger: TierModel, week: Week, rows: range) -> None:
    chance = random.Random(rows.start)
    with Router(champion, POLICY, log, challenger=challenger, canary=CANARY, rng=chance) as router:
        lived(router, week, rows)


@pytest.mark.slow
def test_what_is_truly_better_becomes_a_canary_and_then_the_champion(work, saved, tmp_path: Path):
    of, week = work
    old, new = saved("blind"), saved("seeing")
    store = ModelStore(tmp_path / "models")
    promote(old, to=store.path, why="the first", force=True)
    with OutcomeLog(tmp_path / "log.db") as log:
        with Router(old, POLICY, log, rng=random.Random(1)) as router:
            lived(router, week, range(70))
        first = promote(new, to=store.path, log=log, policy=POLICY, canary=CANARY, why="Friday")
        assert first.action == "canary"
        assert not first.gate["checks"]["unproved"]["passed"]
        assert first.gate["checks"]["pinned"]["passed"]
        assert store.canary().share == 0.5
        assert store.load(store.champion()).fingerprint == old.fingerprint
        routed(log, store.load(store.champion()), new, week, range(70, len(week.work.tasks)))
        second = promote(new, to=store.path, log=log, policy=POLICY, why="the canary is full")
        checks = second.gate["checks"]
        assert second.action == "promote", second.gate["reasons"]
        assert all(check["passed"] for check in checks.values())
        assert checks["identified_usd"]["figure"] < 0 > checks["identified_under"]["figure"]
        assert store.canary() is None
        assert store.load(store.champion()).fingerprint == new.fingerprint
        before, after = (
            truth(of.world, week.types, week.work, choices(model, log, week.work)) for model in (old, new)
        )
    assert after.cost_usd < before.cost_usd
    assert after.under_tiered < before.under_tiered


@pytest.mark.slow
def test_what_is_truly_worse_is_refused_and_its_canary_ends(work, saved, tmp_path: Path):
    _, week = work
    old, new = saved("seeing"), saved("blind")
    store = ModelStore(tmp_path / "models")
    promote(old, to=store.path, why="the first", force=True)
    version = store.add(new)
    store.start_canary(Tried(version, CANARY.share, CANARY.max_decisions), why="somebody believed in it")
    with OutcomeLog(tmp_path / "log.db") as log:
        routed(log, old, new, week, range(400))
        found = compare(old, new, log, policy=POLICY)
        report = gate(found)
        assert report.verdict == "refuse"
        assert report.checks["identified_usd"].speaks_against
        assert found.identified_usd.low > 0
        assert found.shares["by_chance"] > 0.1
        with pytest.raises(PromotionRefused, match="Money on the identified part is worse"):
            promote(version, to=store.path, log=log, policy=POLICY)
    last = store.history()[-1]
    assert (store.canary(), last.action, last.version) == (None, "drop_canary", version)
    assert last.gate["verdict"] == "refuse"
    assert 0 < last.gate["canary"]["decisions"] < CANARY.max_decisions
    assert store.load(store.champion()).fingerprint == old.fingerprint


@pytest.mark.slow
def test_what_chance_decided_is_unbiased_where_verdicts_alone_are_not(work, saved, tmp_path: Path):
    """The identified difference agrees with the truth on just these tasks."""
    of, week = work
    old, new = saved("blind"), saved("seeing")
    with OutcomeLog(tmp_path / "log.db") as log:
        routed(log, old, new, week, range(len(week.work.tasks)))
        found = compare(old, new, log, policy=POLICY)
    assert found.identified_share > 0.9
    assert found.unproved_share < 0.2
    assert found.identified_usd.low < found.identified_usd.value < found.identified_usd.high < 0
    assert found.at_most["identified_usd"] > found.identified_usd.high
    assert of.prices[0] < of.prices[2]
