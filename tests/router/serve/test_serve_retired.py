"""The drop-in endpoint where a model is served no longer: its successor answers, and the log agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anthropic
import pytest
from messages_served import service

from tierwise import Ladder, Policy
from tierwise.testing import Answer, MessagesServer

HAIKU, SONNET = "claude-haiku-5-5", "claude-sonnet-5-5"
TEXT = "Tag these 40 tickets by product area"
ASKING = {"model": "auto", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]}
KEY = "sk-ant-of-the-caller"


@pytest.fixture
def upstream():
    answer = Answer("word " * 200, input_tokens=900, cache_read_tokens=100)
    with MessagesServer(answers=answer, api_key=KEY) as server:
        yield server


def retired(**lowest: Any) -> Policy:
    """A ladder whose lowest model is served no longer."""
    shipped = Ladder.load()
    old = replace(shipped.rungs[0], model="claude-haiku-4-9", **lowest)
    return Policy(ladder=replace(shipped, rungs=(old, *shipped.rungs[1:])))


def test_a_retired_model_is_replaced_by_the_successor_in_the_ladder(upstream, tmp_path):
    with (
        service(upstream.url, policy=retired(replaced_by=HAIKU), log=tmp_path / "log.db") as (url, router),
        anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0) as client,
    ):
        raw = client.messages.with_raw_response.create(**ASKING)
        (attempt,) = router.log.attempts()
    # the ladder has no prices of it
    assert (attempt.model, attempt.n_requests, attempt.cost_is_exact) == (HAIKU, 2, False)
    assert (raw.parse().model, raw.headers["x-tierwise-model"]) == (HAIKU, HAIKU)
    assert [call.status for call in upstream.calls] == [404, 200]


def test_a_model_that_is_found_retired_is_not_asked_first_again(upstream, tmp_path):
    with (
        service(upstream.url, policy=retired(replaced_by=SONNET), log=tmp_path / "log.db") as (url, router),
        anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0) as client,
    ):
        for _ in range(3):
            client.messages.create(**ASKING)
        attempts = router.log.attempts()
    assert [call.status for call in upstream.calls] == [404, 200, 200, 200]
    assert sorted(each.n_requests for each in attempts) == [1, 1, 2]
    assert sum(each.cost_usd for each in attempts) == pytest.approx(upstream.cost_usd)


def test_tokens_are_counted_for_the_successor_of_a_retired_model(upstream):
    counting = {"model": "auto", "messages": ASKING["messages"]}
    for facts, statuses in (({"replaced_by": HAIKU}, [404, 200]), ({}, [404])):
        n_before = len(upstream.calls)
        with (
            service(upstream.url, policy=retired(**facts)) as (url, _),
            anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0) as client,
        ):
            if facts:
                assert client.messages.count_tokens(**counting).input_tokens > 0
            else:
                with pytest.raises(anthropic.NotFoundError):
                    client.messages.count_tokens(**counting)
        assert [call.status for call in upstream.calls[n_before:]] == statuses


def test_a_successor_that_the_ladder_knows_gets_its_own_shape(upstream, tmp_path):
    policy = retired(replaced_by=SONNET, accepts=("sampling",))
    with (
        service(upstream.url, policy=policy, log=tmp_path / "log.db") as (url, router),
        anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0) as client,
    ):
        raw = client.messages.with_raw_response.create(**ASKING, extra_body={"temperature": 0.5})
        (attempt,) = router.log.attempts()
    assert (attempt.model, attempt.n_requests, attempt.cost_is_exact) == (SONNET, 2, True)
    assert attempt.cost_usd == pytest.approx(upstream.cost_usd)
    assert "temperature" not in upstream.calls[-1].request
    assert raw.headers["x-tierwise-left-out"] == "temperature"
