"""A service whose model is an alias in MLflow's registry: it swaps, and tries what the registry says is tried."""

from __future__ import annotations

import mlflow
import pytest
from pages_served import counted
from served import served
from small_model import small_model

from tierwise.classifier.artifact._pointer import Canary
from tierwise.training.promotion.registry import ModelRegistry

URI = "models:/tierwise@champion"
TASK = {"specification": "tag the ticket plan the ticket tag"}


@pytest.fixture
def registry(mlflow_with_two):
    """Opus for everything serves, haiku for everything wants to."""
    registry = ModelRegistry("models:/tierwise")
    champion = registry.add(small_model(seed=0, bias=(-9.0, -9.0, 9.0)))
    registry.promote(champion, by="Ada", why="the first")
    registry.add(small_model(seed=0, bias=(9.0, -9.0, -9.0)))
    return registry


def serving(client):
    return client.get("/v1/model").json()


def test_an_alias_is_watched(registry):
    with served(model=URI, watch_s=60) as client:
        first = serving(client)["version"]
        registry.promote("4")
        client.service.look()
        assert serving(client)["version"] != first
        mlflow.MlflowClient().delete_registered_model_alias("tierwise", "champion")
        client.service.look()
        assert "has no champion" in serving(client)["trouble"]


def test_a_challenger_in_the_registry_serves_its_share(registry, sqlite_url):
    with served(model=URI, log=sqlite_url, watch_s=60) as client:
        assert serving(client)["challenger"] is None
        registry.start_canary(Canary("4", 0.5, 1_000))
        client.service.look()
        assert serving(client)["challenger"] == registry.load("4").version
        rows = client.post("/v1/predict?wait_for_log=true", json={"tasks": [TASK] * 60}).json()["decisions"]
        assert {row["propensity"] for row in rows} == {0.5}
        assert {row["tier"] for row in rows} == {"opus", "haiku"}
        page = counted(client, "/model")
        assert "4 serves 50.0% of first decisions" in page
        n_tried = sum(row["reason"] == "canary" for row in rows)
        assert f"; {n_tried} so far." in page  # by the version that the log knows, not the registry's number
        assert f"tierwise promote 4 --to models:/tierwise --log {sqlite_url}" in page
        assert "the first" in page  # why the champion was chosen
        registry.drop_canary()
        client.service.look()
        assert serving(client)["challenger"] is None
        assert serving(client)["n_swaps"] == 0  # the champion is the same


def test_a_tag_that_was_changed_by_hand_stops_no_champion(registry, sqlite_url):
    registry.start_canary(Canary("4", 0.5, 1_000))
    mlflow.MlflowClient().set_registered_model_tag("tierwise", "tierwise.pointer", "{}")
    with served(model=URI, log=sqlite_url, watch_s=60) as client:
        found = serving(client)
        assert (found["challenger"], found["version"]) == (None, registry.load("3").version)
        assert "was changed by hand" in found["trouble"]
        assert "was changed by hand" in client.get("/model").text


def test_an_alias_that_no_promotion_moves_has_no_challenger(registry, sqlite_url):
    registry.start_canary(Canary("4", 0.5, 1_000))
    mlflow.MlflowClient().set_registered_model_alias("tierwise", "mine", "1")
    with served(model="models:/tierwise@mine", log=sqlite_url, watch_s=60) as client:
        assert serving(client)["challenger"] is None
        assert "There is no model store here" in client.get("/model").text
