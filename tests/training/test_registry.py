"""MLflow's registry as a store: aliases say what serves, tags say who, when, why."""

from __future__ import annotations

import mlflow
import pytest
from small_model import small_model

from tierwise.classifier.artifact._pointer import Canary
from tierwise.classifier.errors import ArtifactCorrupt, NotInStore, PromotionConflict
from tierwise.classifier.model import TierModel
from tierwise.training.promotion.registry import ModelRegistry


@pytest.fixture
def registry(mlflow_with_two) -> ModelRegistry:
    """Two versions; the first one serves."""
    registry = ModelRegistry("models:/tierwise")
    registry.promote("1", by="Ada", why="the first")
    return registry


def aliases() -> dict[str, str]:
    found = mlflow.MlflowClient().get_registered_model("tierwise").aliases
    return {name: str(version) for name, version in found.items()}


def test_a_registry_without_the_model_is_an_empty_one(mlflow_home):
    registry = ModelRegistry("models:/nothing")
    assert (registry.versions(), registry.champion(), registry.history()) == ((), None, ())
    with pytest.raises(NotInStore, match="it has no champion yet"):
        registry.rollback()


@pytest.mark.parametrize("uri", ["models:/", "models:/a@champion", "models:/a/3", "store"])
def test_a_uri_that_names_no_registered_model_is_refused(uri):
    with pytest.raises(NotInStore, match="write models:/NAME"):
        ModelRegistry(uri)


def test_the_same_model_is_registered_once(registry):
    assert registry.add(small_model(seed=1)) == "2"
    assert registry.add("models:/tierwise/2") == "2"
    assert registry.versions() == ("1", "2")


def test_a_promotion_moves_the_alias_and_tags_the_version(registry):
    change = registry.promote(
        "2", by="Bo", why="fewer corrections", gate={"verdict": "promote", "checks": {}}
    )
    assert (change.serial, change.previous) == (2, "1")
    assert aliases() == {"champion": "2"}
    tags = mlflow.MlflowClient().get_model_version("tierwise", "2").tags
    assert (tags["tierwise.by"], tags["tierwise.why"]) == ("Bo", "fewer corrections")
    assert (tags["tierwise.gate"], tags["tierwise.at"]) == ("promote", change.at)
    assert TierModel.load("models:/tierwise@champion").version == small_version(1)
    assert [each.by for each in registry.history()] == ["Ada", "Bo"]
    assert registry.history()[1] == change


def small_version(seed: int) -> str:
    return TierModel.load(f"models:/tierwise/{seed + 1}").version


def test_rolling_back_moves_the_alias_back(registry):
    registry.promote("2")
    registry.promote("1")
    assert [registry.rollback().version for _ in range(2)] == ["2", "1"]
    assert aliases() == {"champion": "1"}
    with pytest.raises(NotInStore, match="1 is its first champion"):
        registry.rollback()
    assert [each.action for each in registry.history()] == ["promote"] * 3 + ["rollback"] * 2


def test_a_canary_is_the_challenger_until_it_is_dropped_or_promoted(registry):
    canary = Canary("2", 0.1, 500)
    registry.start_canary(canary)
    assert (registry.champion(), registry.canary(), aliases()["challenger"]) == ("1", canary, "2")
    assert registry.rollback().action == "drop_canary"
    assert (registry.canary(), aliases()) == (None, {"champion": "1"})
    registry.start_canary(canary)
    registry.promote("2")
    assert (registry.canary(), aliases()) == (None, {"champion": "2"})


def test_an_unknown_version_is_refused(registry):
    with pytest.raises(NotInStore, match="has no version '7'. It has: 1, 2"):
        registry.promote("7")


def test_who_was_overtaken_is_told(registry):
    read = registry.pointer()
    registry.promote("2")
    with pytest.raises(PromotionConflict, match="was changed meanwhile, to 2"):
        registry.promote("1", before=read)
    assert aliases() == {"champion": "2"}


def test_a_change_that_was_cut_off_before_the_alias_moved_did_not_happen(registry):
    """The alias counts: killed between the tags and the alias, the old champion and its line are there."""
    before = registry.pointer()
    registry.promote("2")
    mlflow.MlflowClient().set_registered_model_tag("tierwise", "tierwise.done", str(before.serial))
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "1")
    assert registry.pointer() == before
    registry.promote("2", why="once more")
    assert [each.why for each in registry.history()] == ["the first", "once more"]


def test_a_champion_that_was_set_by_hand_is_believed(registry):
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "2")
    assert registry.champion() == "2"
    assert registry.rollback().version == "1"


def test_a_champion_that_was_set_back_by_hand_takes_no_change_out_of_the_record(registry):
    registry.promote("2", why="it served for a month", forced=True)
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "champion", "1")
    assert registry.champion() == "1"
    registry.promote("2", why="once more")
    assert [each.why for each in registry.history()] == ["the first", "it served for a month", "once more"]
    assert registry.rollback().version == "1"


def test_a_challenger_that_was_taken_away_by_hand_is_no_canary(registry):
    registry.start_canary(Canary("2", 0.1, 500))
    mlflow.MlflowClient().delete_registered_model_alias("tierwise", "challenger")
    assert (registry.champion(), registry.canary()) == ("1", None)
    assert [each.action for each in registry.history()] == ["promote", "canary"]


@pytest.mark.parametrize("tag", ["{}", "no json", '{"before": {}, "after": {"format_version": 1}}'])
def test_a_tag_that_was_changed_by_hand_is_corrupt(registry, tag):
    mlflow.MlflowClient().set_registered_model_tag("tierwise", "tierwise.pointer", tag)
    with pytest.raises(ArtifactCorrupt):
        registry.promote("2")
    assert aliases() == {"champion": "1"}


def test_a_gate_report_of_any_length_is_recorded_as_far_as_mlflow_takes_it(registry):
    registry.promote("2", gate={"verdict": "promote", "reasons": ["x" * 120_000]})
    assert registry.history()[-1].gate["verdict"] == "promote"
