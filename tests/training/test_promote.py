"""promote and rollback: the gate decides, one replacement acts, the operator can overrule with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_model import small_manifest, small_model, small_reader

import tierwise
from tierwise.classifier.artifact._pointer import Canary
from tierwise.classifier.errors import (
    ArtifactMissing,
    LadderMismatch,
    NotInStore,
    PromotionConflict,
    PromotionRefused,
    StoreError,
)
from tierwise.classifier.model import TierModel
from tierwise.data import CHAMPION
from tierwise.training.promotion.promote import CANARY, settle, shelf_at
from tierwise.training.promotion.store import ModelStore


@dataclass(frozen=True)
class Report:
    """What a gate answers."""

    verdict: str
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "reasons": list(self.reasons), "checks": {}}


@pytest.fixture
def to(tmp_path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def friday(tmp_path) -> Path:
    small_model(seed=7).save(tmp_path / "friday")
    return tmp_path / "friday"


@pytest.fixture
def store(to) -> ModelStore:
    """One champion."""
    tierwise.promote(small_model(seed=0), to=to, by="Ada", why="the first", force=True)
    return ModelStore(to)


def judged(store: ModelStore, folder: Path, report: Report, baseline: TierModel | None = None):
    before = store.pointer()
    return settle(store, folder, report, before, baseline or small_model(seed=0), by="Bo", why="friday")


def test_promote_replaces_the_champion_and_keeps_the_gates_report(store, friday):
    change = judged(store, friday, Report("promote"))
    assert (change.action, change.previous, change.forced) == ("promote", store.history()[0].version, False)
    assert change.gate == Report("promote").to_dict()
    assert (change.by, change.why) == ("Bo", "friday")
    assert TierModel.load(store.path).fingerprint == small_model(seed=7).fingerprint


def test_refuse_names_what_failed_and_changes_nothing(store, friday):
    before = {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}
    report = Report("refuse", ("Not calibrated: ECE 0.200.", "Pinned case 3 must be opus."))
    with pytest.raises(
        PromotionRefused, match="nothing was changed. Not calibrated: ECE 0.200. Pinned case 3"
    ) as caught:
        judged(store, friday, report)
    assert caught.value.gate == report.to_dict()
    assert {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()} == before


def test_canary_keeps_the_champion_and_names_the_challenger(store, friday):
    champion = store.champion()
    change = judged(store, friday, Report("canary", ("Unproved: 20 % of tasks.",)))
    assert change.action == "canary"
    assert store.champion() == champion
    assert (
        store.canary()
        == Canary(change.version, CANARY.share, CANARY.max_decisions)
        == Canary(change.version, 0.1, 500)
    )


@pytest.mark.parametrize("verdict", ["promote", "canary"])
def test_an_empty_store_first_gets_what_the_challenger_was_compared_with(to, friday, verdict):
    """So that the first promotion can be taken back, and a first canary has a champion beside it."""
    shipped = TierModel.load(CHAMPION)
    store = ModelStore(to)
    assert judged(store, friday, Report(verdict), shipped).previous == shipped.version
    if verdict == "canary":
        assert TierModel.load(to).version == shipped.version
    else:
        assert tierwise.rollback(to).version == shipped.version
        assert TierModel.load(to).fingerprint == shipped.fingerprint


def test_a_champion_that_changed_while_it_was_judged_is_a_conflict(store, friday):
    before = store.pointer()
    tierwise.promote(small_model(seed=1), to=store.path, by="Ada", why="faster", force=True)
    with pytest.raises(PromotionConflict, match="meanwhile: promote of .* by Ada"):
        settle(store, friday, Report("promote"), before, small_model(seed=0))
    assert len(store.history()) == 2


def test_without_outcomes_there_is_nothing_to_judge_on(store, friday):
    with pytest.raises(PromotionRefused, match="Nothing to judge the challenger on: give log="):
        tierwise.promote(friday, to=store.path, why="it should")
    assert len(store.versions()) == 1


@pytest.mark.parametrize("why", ["", "  "])
def test_force_needs_a_reason(to, friday, why):
    with pytest.raises(StoreError, match="A forced promotion needs a reason"):
        tierwise.promote(friday, to=to, why=why, force=True)
    assert not to.exists()


def test_force_is_recorded(store, friday):
    change = tierwise.promote(friday, to=store.path, by="Bo", why="judged elsewhere", force=True)
    assert (change.forced, change.gate, change.why) == (True, None, "judged elsewhere")
    assert store.history()[-1] == change


@pytest.mark.parametrize("force", [True, False])
def test_a_model_of_another_ladder_is_refused_even_by_force(store, force):
    reader = small_reader(n_tiers=2)
    foreign = TierModel(reader, small_manifest(reader, tiers=("small", "large")))
    with pytest.raises(LadderMismatch, match="small, large; the ladder 'claude' has haiku"):
        tierwise.promote(foreign, to=store.path, why="new", force=force)
    assert len(store.versions()) == 1


def test_a_model_of_fewer_tiers_is_not_compared_with_one_of_more(store, friday):
    reader = small_reader(n_tiers=2)
    fewer = TierModel(reader, small_manifest(reader, tiers=("haiku", "opus")))
    with pytest.raises(LadderMismatch, match="they can't be compared. Promote it with force"):
        tierwise.promote(fewer, to=store.path, log=object(), why="new")
    assert tierwise.promote(fewer, to=store.path, why="new", force=True).forced


def test_a_folder_without_a_model_is_refused(store, tmp_path):
    with pytest.raises(ArtifactMissing, match="No model at"):
        tierwise.promote(tmp_path / "none", to=store.path, why="new", force=True)


def test_a_version_of_the_store_can_be_named(store, friday):
    version = store.add(friday)
    assert tierwise.promote(version, to=store.path, why="new", force=True).version == version


def test_a_store_can_be_promoted_from_another_one(store, tmp_path):
    change = tierwise.promote(store.path, to=tmp_path / "production", why="staged", force=True)
    assert change.version == store.champion()


def test_what_serves_in_this_process_changes_at_once(store, friday, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(store.path))
    serving = [tierwise.predict_tier("plan the tickets").versions["model"]]
    tierwise.promote(friday, to=store.path, why="new", force=True)
    serving.append(tierwise.predict_tier("plan the tickets").versions["model"])
    tierwise.rollback(store.path)
    serving.append(tierwise.predict_tier("plan the tickets").versions["model"])
    first, second = store.pointer().history[0].version, store.pointer().history[1].version
    assert serving == [first, second, first]


def test_nothing_to_roll_back_is_said(store, to):
    with pytest.raises(NotInStore, match="Nothing to go back to"):
        tierwise.rollback(to)


def test_a_shelf_is_a_folder_or_a_registered_model(to):
    assert shelf_at(str(to)).where == str(to)
    assert shelf_at("models:/tierwise").where == "models:/tierwise"
