"""ModelStore: versions in a folder, one pointer that says which serves, every change recorded."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
from small_model import small_model

from tierwise.classifier.artifact._pointer import Canary
from tierwise.classifier.errors import NotInStore, PromotionConflict, StoreError, StoreUnavailable
from tierwise.classifier.model import TierModel
from tierwise.classifier.task import Task
from tierwise.training.promotion.store import ModelStore


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def two(store) -> tuple[str, str]:
    return store.add(small_model(seed=0)), store.add(small_model(seed=1))


def pointer_bytes(store: ModelStore) -> bytes:
    return (store.path / "champion.json").read_bytes()


def test_a_new_store_has_nothing_and_writes_nothing(store):
    assert (store.versions(), store.champion(), store.canary(), store.history()) == ((), None, None, ())
    assert not store.path.exists()


def test_a_version_is_an_ordinary_model_folder(store, two):
    assert store.versions() == tuple(sorted(two))
    assert store.champion() is None
    model = TierModel.load(store.path / "versions" / two[0])
    assert model.version == two[0]
    assert model.fingerprint == small_model(seed=0).fingerprint


def test_the_same_model_is_kept_once(store, two, tmp_path):
    small_model(seed=0).save(tmp_path / "again")
    assert store.add(tmp_path / "again") == two[0]
    assert store.add(str(tmp_path / "again")) == two[0]
    assert len(store.versions()) == 2


def test_a_model_that_differs_in_its_thresholds_only_gets_a_name_of_its_own(store, two):
    other = small_model(seed=0)
    other.manifest["thresholds"] = other.manifest["thresholds"][:1]
    third = store.add(other)
    assert third == store.load(third).version not in two
    assert len(store.load(third).manifest["thresholds"]) == 1
    assert len(store.load(two[0]).manifest["thresholds"]) == 2


def test_a_name_that_another_model_has_gets_a_number(store, two, tmp_path):
    small_model(seed=2).save(tmp_path / "third")
    name = TierModel.load(tmp_path / "third").version
    shutil.copytree(store.path / "versions" / two[0], store.path / "versions" / name)
    assert [store.add(tmp_path / "third") for _ in range(2)] == [f"{name}-2"] * 2
    assert store.load(f"{name}-2").fingerprint == small_model(seed=2).fingerprint


def test_the_store_loads_as_its_champion(store, two):
    task = Task("plan the tickets", task_type="a")
    for version, seed in zip(two, (0, 1), strict=True):
        store.promote(version)
        model = TierModel.load(store.path)
        assert (model.version, store.champion()) == (version, version)
        assert model.posterior(task).needed == small_model(seed=seed).posterior(task).needed


def test_a_change_says_who_when_why_and_by_which_gate(store, two):
    store.promote(two[0], by="Ada", why="the first")
    gate = {"verdict": "promote", "reasons": [], "checks": {"calibrated": {"passed": True}}}
    change = store.promote(two[1], by="Bo", why="fewer corrections", gate=gate)
    assert (change.serial, change.action, change.version, change.previous) == (2, "promote", two[1], two[0])
    assert (change.by, change.why, change.forced, change.gate) == ("Bo", "fewer corrections", False, gate)
    assert change.at.endswith("+00:00")
    assert [each.by for each in store.history()] == ["Ada", "Bo"]
    assert ModelStore(store.path).history()[1] == change


def test_without_a_name_the_user_of_the_process_is_recorded(store, two, monkeypatch):
    monkeypatch.setenv("LOGNAME", "grace")
    assert store.promote(two[0]).by == "grace"


def test_a_user_without_a_name_is_recorded_by_number(store, two, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)  # as in a container that knows no such user
    assert store.promote(two[0]).by == "uid 54321"


def test_rolling_back_twice_goes_further_back(store, two):
    third = store.add(small_model(seed=2))
    for version in (*two, third):
        store.promote(version)
    assert store.rollback(why="worse").version == two[1]
    change = store.rollback(by="Ada", why="worse still")
    assert (change.action, change.version, change.previous) == ("rollback", two[0], two[1])
    assert TierModel.load(store.path).version == two[0]
    store.promote(third)  # and a later promotion goes on from there
    assert store.rollback().version == two[0]
    assert [each.serial for each in store.history()] == [1, 2, 3, 4, 5, 6, 7]


def test_a_version_promoted_again_can_be_rolled_back_again(store, two):
    for version in (*two, two[0]):
        store.promote(version)
    assert [store.rollback().version for _ in range(2)] == [two[1], two[0]]
    with pytest.raises(NotInStore, match="is its first champion"):
        store.rollback()


def test_promoting_the_champion_again_adds_no_step_to_go_back_to(store, two):
    for version in (two[0], two[0], two[1], two[1]):
        store.promote(version)
    assert store.rollback().version == two[0]
    with pytest.raises(NotInStore, match="is its first champion"):
        store.rollback()


def test_there_is_nothing_to_go_back_to_before_the_second_promotion(store, two):
    with pytest.raises(NotInStore, match="it has no champion yet"):
        store.rollback()
    store.promote(two[0])
    before = pointer_bytes(store)
    with pytest.raises(NotInStore, match=f"{two[0]} is its first champion"):
        store.rollback()
    assert pointer_bytes(store) == before


def test_a_canary_leaves_the_champion_and_a_rollback_ends_it(store, two):
    store.promote(two[0])
    canary = Canary(two[1], 0.1, 500)
    change = store.start_canary(canary, why="unproved types")
    assert (change.action, change.version, change.previous) == ("canary", two[1], two[0])
    assert (store.champion(), store.canary()) == (two[0], canary)
    assert TierModel.load(store.path).version == two[0]
    change = store.rollback()
    assert (change.action, change.version, change.previous) == ("drop_canary", two[1], two[0])
    assert (store.champion(), store.canary()) == (two[0], None)


def test_a_canary_that_is_promoted_is_over(store, two):
    store.promote(two[0])
    store.start_canary(Canary(two[1], 0.1, 500))
    store.promote(two[1])
    assert (store.champion(), store.canary()) == (two[1], None)
    assert store.rollback().version == two[0]


def test_without_a_champion_there_is_no_canary(store, two):
    with pytest.raises(StoreError, match="has no champion beside which"):
        store.start_canary(Canary(two[0], 0.1, 500))


def test_an_unknown_version_is_refused_by_name(store, two):
    with pytest.raises(NotInStore, match=f"has no version 'friday'. It has: {min(two)}, {max(two)}."):
        store.promote("friday")


def test_who_was_overtaken_is_told_by_whom_and_changes_nothing(store, two):
    read = store.pointer()
    store.promote(two[0], by="Ada")
    before = pointer_bytes(store)
    with pytest.raises(PromotionConflict, match=f"meanwhile: promote of {two[0]} by Ada at"):
        store.promote(two[1], before=read)
    assert pointer_bytes(store) == before


def test_of_many_promoters_at_once_one_wins_and_the_others_are_told(store, two):
    read, start = store.pointer(), threading.Barrier(8)
    told: list[str] = []

    def promote(number: int) -> None:
        start.wait()
        try:
            store.promote(two[number % 2], by=f"{number}", before=read)
            told.append("won")
        except PromotionConflict:
            told.append("lost")

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["lost"] * 7 + ["won"]
    assert len(store.history()) == 1


def test_the_pointer_is_json_that_a_person_can_read(store, two):
    store.promote(two[0], why="the first")
    found = json.loads(pointer_bytes(store))
    assert found["champion"] == two[0]
    assert found["history"][0]["why"] == "the first"
    assert {each.name for each in store.path.iterdir()} <= {"champion.json", "versions", ".lock"}


@pytest.mark.parametrize(("content", "what"), [("model", "a model"), ("notes", "something else")])
def test_a_folder_that_holds_something_else_is_no_store(tmp_path, content, what):
    if content == "model":
        small_model().save(tmp_path / "here")
    else:
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreUnavailable, match=f"is no model store: it holds {what}"):
        ModelStore(tmp_path / "here")
