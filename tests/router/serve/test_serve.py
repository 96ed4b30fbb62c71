"""The service's API over HTTP: what it decides, takes and tells."""

from __future__ import annotations

import json
import sys
import time

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import TypeAdapter
from served import served

from tierwise import OutcomeLog, Policy, predict_tier
from tierwise.router.serve.openapi import _shapes as shapes
from tierwise.router.serve.openapi._shapes import task_schema

TEXT = "Write meta descriptions for 120 posts, max 155 characters, JSON out"
TASK = {"specification": TEXT, "task_type": "meta", "items": 120, "verifiable": True}


@pytest.fixture(scope="module")
def plain():
    """Without a log."""
    with served() as client:
        yield client


@pytest.fixture
def logged(log_url):
    with served(log=log_url) as client:
        yield client


def decided(client, **asked):
    answer = client.post("/v1/predict", json={**TASK, **asked}, params={"wait_for_log": "true"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_one_task_is_decided_as_in_python(plain):
    found = plain.post("/v1/predict", json=TASK, params={"detail": "full"}).json()
    expected = predict_tier(TEXT, task_type="meta", items=120, verifiable=True).to_dict()
    for values in (found, expected):
        values.pop("decision_id")
    assert found.pop("logged") is False
    assert found == json.loads(json.dumps(expected))
    brief = plain.post("/v1/predict", json=TASK).json()
    assert {name: found[name] for name in brief if name in found} == {
        name: value for name, value in brief.items() if name in found
    }


@pytest.mark.parametrize("n", [3, 40])
def test_many_tasks_are_decided_as_one_by_one(plain, n):
    tasks = [TASK, "Draft the launch email", {"specification": "Name three risks", "live": True}] * n
    found = plain.post("/v1/predict", json={"tasks": tasks}).json()["decisions"]
    assert len(found) == 3 * n
    for task, row in zip(tasks[:3], found[:3], strict=True):
        one = plain.post(
            "/v1/predict", json={"specification": task} if isinstance(task, str) else task
        ).json()
        assert {**row, "decision_id": ""} == {
            name: value for name, value in {**one, "decision_id": ""}.items() if name != "logged"
        }
    assert len({row["decision_id"] for row in found}) == 3 * n
    full = plain.post("/v1/predict", json={"tasks": tasks[:3]}, params={"detail": "full"}).json()
    assert set(full["decisions"][0]["expected_cost_usd"]) == {"haiku", "sonnet", "opus"}


def test_an_empty_list_is_no_error(plain):
    assert plain.post("/v1/predict", json={"tasks": []}).json() == {"decisions": [], "logged": False}


def test_history_that_is_given_is_heeded(plain):
    found = plain.post("/v1/predict", json={**TASK, "history": {"haiku": [2, 14], "sonnet": [20, 1]}}).json()
    assert "history" in found["reasons"]
    assert found["tier"] == "sonnet"


def test_a_decision_is_explained_and_nothing_is_logged(logged):
    found = logged.post("/v1/explain", json=TASK).json()
    assert found["explanation"].startswith(f"{found['decision']['tier']} (")
    assert logged.service.log.stats().n_decisions == 0


def test_an_earlier_decision_is_explained_with_what_became_of_it(logged):
    decision = decided(logged)
    logged.post("/v1/outcomes", json={"decision_id": decision["decision_id"], "verdict": "failed"})
    found = logged.post("/v1/explain", json={"decision_id": decision["decision_id"]}).json()
    assert found["decision"]["tier"] == decision["tier"]
    assert [each["verdict"] for each in found["outcomes"]] == ["failed"]
    assert logged.post("/v1/explain", json={"decision_id": "nobody"}).status_code == 404


def test_an_outcome_is_recorded_once_and_felt_at_once(logged):
    decision = decided(logged)
    before = decided(logged)["probabilities"]
    said = {"decision_id": decision["decision_id"], "verdict": "corrected", "note": "too long"}
    first, second = (logged.post("/v1/outcomes", json=said).json() for _ in range(2))
    assert (first["is_new"], second["is_new"]) == (True, False)
    history = logged.get("/v1/history/meta").json()
    assert history == {"task_type": "meta", "history": {decision["tier"]: [0, 1]}}
    after = decided(logged)
    assert after["probabilities"] != before
    assert "history" in after["reasons"]


def test_an_outcome_waits_for_its_decision_to_be_logged_itself(logged):
    decision = logged.post("/v1/predict", json=TASK).json()  # it is still on its way into the log
    found = logged.post("/v1/outcomes", json={"decision_id": decision["decision_id"], "verdict": "clean"})
    assert found.json()["is_new"] is True


def test_many_outcomes_stand_each_for_itself(logged):
    ids = [decided(logged)["decision_id"] for _ in range(2)]
    rows = [
        {"decision_id": ids[0], "verdict": "clean", "basis": "check"},
        {"decision_id": "nobody", "verdict": "clean"},
        {"decision_id": ids[1], "verdict": "splendid"},
        {"decision_id": ids[1], "verdict": "failed", "at": "2026-01-05T09:30:00+00:00"},
        "clean",
    ]
    found = logged.post("/v1/outcomes", json={"outcomes": rows}).json()
    assert (found["n_taken"], found["n_refused"]) == (2, 3)
    assert [each.get("verdict") for each in found["outcomes"]] == ["clean", None, None, "failed", None]
    assert found["outcomes"][1]["error"]["type"] == "not_found_error"
    assert "verdict must be one of clean," in found["outcomes"][2]["error"]["message"]


def test_a_retry_does_not_try_the_tier_that_failed(logged):
    first = decided(logged)
    second = decided(logged, follows=first["decision_id"])
    assert second["tier"] != first["tier"]
    assert logged.post("/v1/predict", json={**TASK, "follows": "nobody"}).status_code == 404


def test_an_outcome_of_another_process_is_felt_after_a_moment(log_url):
    with served(log=log_url, history_max_age_s=0.2) as client:
        decision, before = decided(client), decided(client)
        with OutcomeLog(log_url) as other:
            other.record_outcome(decision["decision_id"], "corrected")
        time.sleep(0.3)
        assert decided(client)["probabilities"] != before["probabilities"]


def test_many_decisions_are_all_logged(logged):
    tasks = [{"specification": f"Summarise ticket {i}", "task_type": f"kind {i % 7}"} for i in range(300)]
    answer = logged.post("/v1/predict", json={"tasks": tasks}, params={"wait_for_log": "true"}).json()
    assert answer["logged"] is True
    assert logged.service.log.stats().n_decisions == 300
    assert logged.service.log.replay(answer["decisions"][17]["decision_id"]).same


def test_probes_are_drawn_for_each_of_many(log_url):
    with served(log=log_url, policy=Policy(probe_budget=0.5)) as client:
        task = {"specification": TEXT, "task_type": "meta", "reviewed": True, "floor": "haiku"}
        rows = client.post("/v1/predict", json={"tasks": [task] * 40}).json()["decisions"]
        assert {row["propensity"] for row in rows} <= {0.5, 1.0}
        assert client.service.router.explores


def test_the_model_says_what_it_is(plain, champion):
    found = plain.get("/v1/model").json()
    assert (found["version"], found["trouble"], found["log"]) == (champion.version, None, "none")


def test_health_readiness_and_metrics(logged):
    decided(logged)
    assert logged.get("/healthz").json() == {"status": "ok"}
    assert logged.get("/readyz").json() == {"ready": True, "model": "ok", "log": "ok"}
    text = logged.get("/metrics").text
    assert 'tierwise_requests_total{route="/v1/predict",status="200"} 1.0' in text
    assert "tierwise_decisions_total{" in text
    assert f'tierwise_model_info{{version="{logged.service.model.version}"}} 1.0' in text
    assert "tierwise_unlogged 0.0" in text
    assert "tierwise_unlogged_dropped 0.0" in text
    assert "tierwise_request_seconds_bucket{" in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert sum(sample.value for sample in families["tierwise_decisions"].samples) >= 1
    if sys.platform == "linux":
        assert families["process_resident_memory_bytes"].samples[0].value > 10e6


def test_task_types_do_not_become_labels(plain):
    plain.get("/v1/history/some-secret-type")
    plain.get("/nowhere/some-secret-path")
    assert "secret" not in plain.get("/metrics").text


def test_without_a_log_outcomes_are_refused(plain):
    answer = plain.post("/v1/outcomes", json={"decision_id": "x", "verdict": "clean"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "no_log")


def test_the_pages_are_part_of_the_service(logged):
    decision = decided(logged)
    assert decision["decision_id"] in logged.get(f"/decisions/{decision['decision_id']}").text
    assert "script-src 'self'" in logged.get("/model").headers["content-security-policy"]


def test_answers_are_what_the_document_says(logged):
    decision = decided(logged)
    said = {"decision_id": decision["decision_id"], "verdict": "clean"}
    for shape, answer in [
        (shapes.One, logged.post("/v1/predict", json=TASK)),
        (shapes.Full, logged.post("/v1/predict", json=TASK, params={"detail": "full"})),
        (shapes.Many, logged.post("/v1/predict", json={"tasks": [TASK, TEXT]})),
        (shapes.Many, logged.post("/v1/predict", json={"tasks": [TASK]}, params={"detail": "full"})),
        (shapes.Verdict, logged.post("/v1/outcomes", json=said)),
        (shapes.Verdicts, logged.post("/v1/outcomes", json={"outcomes": [said, {}]})),
        (shapes.Explained, logged.post("/v1/explain", json=TASK)),
        (shapes.Explained, logged.post("/v1/explain", json={"decision_id": decision["decision_id"]})),
        (shapes.History, logged.get("/v1/history/meta")),
        (shapes.Serving, logged.get("/v1/model")),
        (shapes.Ready, logged.get("/readyz")),
        (shapes.Failure, logged.post("/v1/predict", json={})),
    ]:
        TypeAdapter(shape).validate_json(answer.content)


def test_the_document_has_every_fact_and_its_examples_work(plain):
    document = plain.get("/openapi.json").json()
    assert set(task_schema()["properties"]) == set(predict_tier("x").task.__dataclass_fields__)
    assert set(document["paths"]) == {
        *("/v1/predict", "/v1/explain", "/v1/outcomes", "/v1/history/{task_type}", "/v1/model"),
        *("/healthz", "/readyz", "/metrics"),
    }
    examples = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    for name in ("one", "many"):
        assert plain.post("/v1/predict", json=examples["examples"][name]["value"]).status_code == 200


def test_every_answer_has_an_example_of_its_form(plain):
    document = plain.get("/openapi.json").json()
    n_checked = 0
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    if kind != "application/json" or (path, status) == ("/readyz", "503"):
                        continue
                    several = (
                        {"": {"value": content["example"]}} if "example" in content else content["examples"]
                    )
                    schema = {**content["schema"], "components": document["components"]}
                    for example in several.values():
                        jsonschema.validate(example["value"], schema)
                        n_checked += 1
    assert n_checked > 30


def test_while_no_outcome_comes_the_states_are_not_read_again(sqlite_url, monkeypatch):
    with served(log=sqlite_url, history_max_age_s=0.05) as client:
        monkeypatch.setattr("tierwise.router.serve._served_log._SETTLE_S", 0.05)
        decision = decided(client)
        client.post("/v1/outcomes", json={"decision_id": decision["decision_id"], "verdict": "clean"})
        logged, model, n_read = client.service.served_log, client.service.model, 0
        keeper = logged._keepers.of(model)
        read = type(keeper).state

        def counted(*asked):
            nonlocal n_read
            n_read += 1
            return read(keeper, *asked)

        monkeypatch.setattr(keeper, "state", counted)
        found = []
        for _ in range(8):
            time.sleep(0.1)
            found.append(decided(client)["probabilities"])
        assert all(each == found[0] for each in found)
        assert 1 <= n_read <= 3
        with OutcomeLog(sqlite_url) as other:
            other.record_outcome(decision["decision_id"], "failed", at="2026-01-05T09:30:00+00:00")
            other.record_outcome(decision["decision_id"], "corrected")
        time.sleep(0.1)
        assert decided(client)["probabilities"] != found[0]
