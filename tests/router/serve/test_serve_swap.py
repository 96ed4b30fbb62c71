"""The champion changes while the service runs: nothing is dropped, and what is bad doesn't serve."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx2
import pytest
from served import served
from small_model import small_model

import tierwise
from tierwise import Ladder, ModelStore, Policy, TierModel
from tierwise.classifier.artifact._pointer import Canary
from tierwise.classifier.errors import ArtifactError, ArtifactMissing

TASK = {"specification": "tag the ticket", "task_type": "tags"}


def promoted(path, seed):
    model = small_model(seed=seed)
    model.save(path.parent / f"model{seed}")
    tierwise.promote(path.parent / f"model{seed}", to=path, why="a test", force=True)
    return ModelStore(path).champion()


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "models"
    promoted(path, 0)
    return path


def serving(client):
    return client.get("/v1/model").json()


def test_a_promotion_serves_without_a_request_being_dropped(store, sqlite_url):
    first = ModelStore(store).champion()
    with served(model=store, log=sqlite_url, watch_s=0.05) as client:
        assert serving(client)["version"] == first
        stop, seen = threading.Event(), []

        def ask() -> None:
            with httpx2.Client(base_url=str(client.base_url)) as mine:
                while not stop.is_set():
                    answer = mine.post("/v1/predict?detail=full", json=TASK)
                    seen.append((answer.status_code, answer.json()["versions"]["model"]))

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            versions = [first]
            for seed in (1, 2, 3):
                versions.append(promoted(store, seed))
                until = time.monotonic() + 20
                while serving(client)["version"] != versions[-1]:
                    assert time.monotonic() < until
                    time.sleep(0.02)
            time.sleep(0.1)
            stop.set()
            for each in asking:
                each.result()
        assert {status for status, _ in seen} == {200}
        assert {version for _, version in seen} == set(versions)
        assert serving(client)["n_swaps"] == 3
        assert "tierwise_model_swaps_total 3.0" in client.get("/metrics").text


@pytest.mark.parametrize("kind", ["folder", "store"])
def test_a_model_that_differs_in_its_thresholds_alone_is_another_version_and_is_noticed(tmp_path, kind):
    careful = small_model()
    careful.manifest["thresholds"] = [{"max_under_tier": 0.02, "lambda_down": 0.99, "lambda_up": 0.01}]
    path, new = tmp_path / kind, tmp_path / "careful"
    careful.save(new)
    if kind == "store":
        promoted(path, 0)
    else:
        small_model(seed=0).save(path)
    with served(model=path, watch_s=60) as client:
        before = serving(client)
        if kind == "store":
            tierwise.promote(new, to=path, why="careful", force=True)
        else:
            careful.save(path)
        client.service.look()
        after = serving(client)
    assert after["version"] == TierModel.load(new).version != before["version"]
    assert (after["n_swaps"], after["lambda_down"], after["lambda_up"]) == (1, 0.99, 0.01)


def test_a_bad_model_does_not_serve_and_everybody_is_told(store, sqlite_url, caplog):
    with served(model=store, log=sqlite_url, watch_s=60) as client:
        good = serving(client)["version"]
        pointer = store / "champion.json"
        kept = pointer.read_bytes()
        pointer.write_bytes(kept[:-20])
        for _ in range(3):
            client.service.look()
        assert len([r for r in caplog.records if "goes on serving" in r.message]) == 1  # said once
        found = serving(client)
        assert found["version"] == good
        assert "champion.json" in found["trouble"]
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["model"]) == (200, "trouble")
        assert "tierwise_model_trouble 1.0" in client.get("/metrics").text
        assert client.post("/v1/predict", json=TASK).status_code == 200
        pointer.write_bytes(kept)
        client.service.look()
        assert serving(client)["trouble"] is None
        assert "tierwise_model_trouble 0.0" in client.get("/metrics").text


def test_a_champion_whose_folder_is_damaged_does_not_serve(store):
    with served(model=store, watch_s=60) as client:
        good = serving(client)["version"]
        bad = promoted(store, 1)
        arrays = store / "versions" / bad / "arrays.safetensors"
        whole = arrays.read_bytes()
        arrays.write_bytes(whole[:-1] + b"x")
        client.service.look()
        assert serving(client)["version"] == good
        assert "changed or cut short" in serving(client)["trouble"]
        arrays.write_bytes(whole)
        client.service.look()  # looked at again until it is whole
        assert (serving(client)["version"], serving(client)["trouble"]) == (bad, None)


def test_no_file_whatever_is_in_it_ends_the_watch(tmp_path):
    folder = tmp_path / "model"
    small_model(seed=0).save(folder)
    with served(model=folder, watch_s=0.02) as client:
        old = serving(client)["version"]
        (folder / "manifest.json").write_text("[" * 100_000)  # deeper than Python reads
        until = time.monotonic() + 20
        while serving(client)["trouble"] is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert serving(client)["version"] == old
        shutil.rmtree(folder)
        small_model(seed=1).save(folder)
        while serving(client)["trouble"] is not None:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert serving(client)["version"] != old


def test_a_folder_that_is_replaced_or_gone(tmp_path):
    folder = tmp_path / "model"
    small_model(seed=0).save(folder)
    with served(model=folder, watch_s=60) as client:
        old = serving(client)["version"]
        small_model(seed=1).save(folder)
        client.service.look()
        new = serving(client)["version"]
        assert new != old
        shutil.rmtree(folder)
        client.service.look()
        assert serving(client)["version"] == new
        assert serving(client)["trouble"]
        assert client.post("/v1/predict", json=TASK).status_code == 200


def test_trouble_ends_with_what_caused_it_where_the_same_model_is_back(tmp_path):
    folder = tmp_path / "model"
    small_model(seed=0).save(folder)
    with served(model=folder, watch_s=60) as client:
        good = serving(client)["version"]
        folder.rename(tmp_path / "away")  # as a disk that is unmounted for a while
        client.service.look()
        assert serving(client)["trouble"]
        (tmp_path / "away").rename(folder)
        client.service.look()
        found = serving(client)
        assert (found["version"], found["trouble"], found["n_swaps"]) == (good, None, 0)
        assert client.get("/readyz").json()["model"] == "ok"
        assert "tierwise_model_trouble 0.0" in client.get("/metrics").text


def test_a_model_of_other_tiers_does_not_serve(tmp_path):
    folder = tmp_path / "model"
    small_model(seed=0).save(folder)
    with served(model=folder, watch_s=60) as client:
        good = serving(client)["version"]
        other = small_model(seed=1)
        other.manifest["tiers"] = ["draft", "fast", "slow"]
        other.save(folder)
        client.service.look()
        assert serving(client)["version"] == good
        assert serving(client)["trouble"]


def test_a_challenger_serves_its_share(tmp_path, sqlite_url):
    small_model(seed=0, bias=(-9.0, -9.0, 9.0)).save(tmp_path / "opus for everything")
    tierwise.promote(tmp_path / "opus for everything", to=tmp_path / "models", why="a test", force=True)
    models = ModelStore(tmp_path / "models")
    challenger = models.add(small_model(seed=0, bias=(9.0, -9.0, -9.0)))  # haiku for everything
    with served(model=models.path, log=sqlite_url, watch_s=60) as client:
        before = models.pointer()
        after = type(before)(before.serial + 1, before.line, Canary(challenger, 0.5, 1_000), before.history)
        models.replace(before, after)
        client.service.look()
        assert serving(client)["challenger"] == challenger
        tasks = [{"specification": "tag the ticket plan the ticket tag"}] * 60
        rows = client.post("/v1/predict", json={"tasks": tasks}).json()["decisions"]
        assert {row["propensity"] for row in rows} == {0.5}
        assert {(row["tier"], row["reason"] == "canary") for row in rows} == {
            ("opus", False),
            ("haiku", True),
        }
        assert (
            client.post(
                "/v1/predict", json={"specification": "tag the ticket plan the ticket tag"}
            ).status_code
            == 200
        )


def test_a_challenger_that_could_not_be_loaded_is_tried_once_it_is_mended(tmp_path, sqlite_url):
    """Nothing that the store says has changed then."""
    small_model(seed=0).save(tmp_path / "first")
    tierwise.promote(tmp_path / "first", to=tmp_path / "models", why="a test", force=True)
    models = ModelStore(tmp_path / "models")
    challenger = models.add(small_model(seed=1))
    before = models.pointer()
    models.replace(
        before, type(before)(before.serial + 1, before.line, Canary(challenger, 0.5, 1_000), before.history)
    )
    away = next(path for path in (tmp_path / "models").rglob(challenger) if path.is_dir())
    away.rename(tmp_path / "away")
    with served(model=models.path, log=sqlite_url, watch_s=60) as client:
        for _ in range(2):
            client.service.look()
            assert challenger in serving(client)["trouble"]
            assert serving(client)["challenger"] is None
        (tmp_path / "away").rename(away)
        client.service.look()
        assert (serving(client)["challenger"], serving(client)["trouble"]) == (challenger, None)


def test_outcomes_teach_the_model_that_has_taken_over(store, sqlite_url):
    with served(model=store, log=sqlite_url, watch_s=60, history_max_age_s=60) as client:
        first = client.post("/v1/predict?wait_for_log=true", json=TASK).json()
        promoted(store, 1)
        client.service.look()
        before = client.post("/v1/predict?wait_for_log=true", json=TASK).json()
        said = {"decision_id": first["decision_id"], "verdict": "failed"}
        assert client.post("/v1/outcomes", json=said).json()["is_new"]
        after = client.post("/v1/predict", json=TASK).json()
        assert after["probabilities"] != before["probabilities"]


def test_what_can_not_be_loaded_is_said_at_the_start(tmp_path):
    with pytest.raises(ArtifactMissing, match="No model at"), served(model=tmp_path / "nowhere"):
        pass
    (tmp_path / "models" / "versions").mkdir(parents=True)
    with pytest.raises(ArtifactError, match="no champion yet"), served(model=tmp_path / "models"):
        pass


def test_the_environment_names_the_model(store, monkeypatch):
    monkeypatch.setenv("TIERWISE_MODEL", str(store))
    with served() as client:
        assert serving(client)["version"] == ModelStore(store).champion()


def test_a_ladder_that_the_model_does_not_know_is_said_at_the_start(caplog):
    """And by the metric, after a look at the model too: everything is answered by one tier."""
    shipped = Ladder.load()
    two = replace(shipped, rungs=(shipped.rungs[0], shipped.rungs[2]))
    with served(policy=Policy(ladder=two), watch_s=0.05) as client:
        assert "the ladder 'claude' has haiku, opus" in caplog.text
        assert client.post("/v1/predict", json=TASK).json()["reason"] == "model_unavailable"
        client.service.look()
        assert "tierwise_model_trouble 1.0" in client.get("/metrics").text
        assert client.get("/readyz").status_code == 503
