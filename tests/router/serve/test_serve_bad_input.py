"""Requests that the service can't do as they are: each is answered with what is wrong, and what is allowed."""

from __future__ import annotations

import orjson
import pytest
from served import served

TASK = {"specification": "Write the meta description", "task_type": "meta", "items": 120, "verifiable": True}


@pytest.fixture(scope="module")
def plain():
    """Without a log."""
    with served() as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ('{"specification": ', 400, "not JSON"),
        ('"text"', 422, "got a text"),
        ("[]", 422, "got a list"),
        ("null", 422, "got null"),
        ("{}", 422, "specification"),
        ('{"specification": 7}', 422, "must be text"),
        ('{"specification": "x", "itmes": 2}', 422, "did you mean 'items'"),
        ('{"specification": "x", "items": -1}', 422, "items must be"),
        ('{"specification": "x", "items": 1e300}', 422, "items must be"),
        ('{"specification": "x", "items": NaN}', 400, "not JSON"),
        ('{"specification": "\\ud800"}', 400, "not JSON"),
        ('{"specification": "a\\u0000b"}', 422, "NUL"),
        ('{"specification": "x", "floor": "opus", "ceiling": "haiku"}', 422, "floor"),
        ('{"specification": "x", "history": {"haiku": [1]}}', 422, "history"),
        ('{"specification": "x", "history": 3}', 422, "history"),
        ('{"specification": "x", "follows": 3}', 422, "follows"),
        ('{"tasks": 3}', 422, "must be a list"),
        ('{"tasks": [], "items": 2}', 422, "stands alone"),
        ('{"tasks": ["x", 7]}', 422, "Task 1: "),
        ('{"tasks": ["x", {"specification": "y", "pin": "gpt"}]}', 422, "Task 1: "),
        ("[" * 100_000, 400, "not JSON"),
        ("", 400, "not JSON"),
    ],
)
def test_what_makes_no_sense_is_named(plain, body, status, named):
    answer = plain.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert named in answer.json()["error"]["message"]


def test_what_is_no_outcome_is_called_so(plain):
    assert plain.post("/v1/outcomes", json=[]).json()["error"]["type"] == "invalid_outcome"


@pytest.mark.parametrize(
    "query", ["detail=all", "wait_for_log=1", "wait_for_logs=true", "detail=full&x=", "%ff=1"]
)
def test_unknown_options_are_refused(plain, query):
    assert plain.post(f"/v1/predict?{query}", json=TASK).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/review", "GET, HEAD, POST"),
        ("GET", "/v1/predict", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/v1/messages/batches", "DELETE, GET, HEAD, POST"),
        ("DELETE", "/v1/history/a/b", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(plain, method, path, allowed):
    answer = plain.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert allowed.replace(", ", " and ") in answer.json()["error"]["message"]


def test_a_path_that_is_not_served_says_where_to_look(plain):
    answer = plain.get("/v1/nothing")
    assert answer.status_code == 404
    assert "/openapi.json" in answer.json()["error"]["message"]


def test_too_many_tasks_are_refused():
    with served(max_tasks=2) as client:
        assert client.post("/v1/predict", json={"tasks": ["x"] * 3}).status_code == 413


def test_the_body_may_come_in_pieces(plain):
    body = orjson.dumps(TASK)

    def pieces():
        for i in range(0, len(body), 10):
            yield body[i : i + 10]

    answer = plain.post("/v1/predict", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_an_id_that_can_be_none_is_refused_and_leaves_the_log_as_it_is(tmp_path):
    with served(log=tmp_path / "log.db") as client:
        asked = {**TASK, "attempts": ["haiku"], "follows": "a\x00b"}
        answer = client.post("/v1/predict", json=asked)
        assert (answer.status_code, answer.json()["error"]["type"]) == (422, "invalid_task")
        assert client.post("/v1/predict?wait_for_log=true", json=TASK).json()["logged"] is True
