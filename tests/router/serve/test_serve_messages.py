"""The drop-in endpoint, asked by the real SDK: base_url and model="auto" is all that changes."""

from __future__ import annotations

import asyncio
import logging
import re

import anthropic
import httpx2
import pytest
from messages_served import service, until

from tierwise.router._champion import forget_champion
from tierwise.router.serve.routes._auto_model import listed_first
from tierwise.testing import Answer, Fault, MessagesServer

TEXT = "Tag these 40 tickets by product area"
HAIKU, SONNET, OPUS = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
ASKING = {"model": "auto", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]}
ANSWER = Answer("word " * 200, input_tokens=900, cache_read_tokens=100)
KEY = "sk-ant-of-the-caller"


@pytest.fixture
def upstream():
    with MessagesServer(answers=ANSWER, api_key=KEY) as server:
        yield server


@pytest.fixture
def live(upstream, tmp_path):
    with service(upstream.url, log=tmp_path / "log.db") as found:
        yield found


@pytest.fixture
def client(live):
    with anthropic.Anthropic(base_url=live[0], api_key=KEY, max_retries=0) as made:
        yield made


def check_noted(upstream, router):
    (attempt,) = router.log.attempts()
    assert attempt.cost_usd == pytest.approx(upstream.calls[-1].cost_usd)
    assert (attempt.input_tokens, attempt.cache_read_tokens, attempt.output_tokens) == (900, 100, 250)
    assert (attempt.status, attempt.cost_is_exact) == ("completed", True)


def test_a_message(client, upstream, live):
    raw = client.messages.with_raw_response.create(**ASKING)
    message = raw.parse()
    assert (message.model, message.content[0].text) == (HAIKU, ANSWER.text)
    assert upstream.calls[0].request == {**ASKING, "model": HAIKU}
    said = {name: raw.headers[f"x-tierwise-{name}"] for name in ("tier", "model", "reason", "confidence")}
    assert (said["tier"], said["model"], said["reason"]) == ("haiku", HAIKU, "classifier")
    assert float(said["confidence"]) > 0.6
    (attempt,) = live[1].log.attempts(raw.headers["x-tierwise-decision-id"])
    assert attempt.latency_ms > 0
    assert raw.request_id.startswith("req_")
    check_noted(upstream, live[1])


def test_facts_come_in_headers_and_go_no_further(client, live):
    headers = {
        "x-tierwise-task-type": "tickets",
        "x-tierwise-role": "orchestrator",
        "x-tierwise-specification": "Plan%20it",
    }
    raw = client.messages.with_raw_response.create(**ASKING, extra_headers=headers)
    assert (raw.headers["x-tierwise-tier"], raw.parse().model) == ("opus", OPUS)
    live[1].record_outcome(raw.headers["x-tierwise-decision-id"], "clean")
    assert live[1].log.history("tickets") == {"opus": (1, 0)}


def test_a_failed_one_is_followed_one_tier_up(client):
    first = client.messages.with_raw_response.create(**ASKING).headers["x-tierwise-decision-id"]
    again = client.messages.with_raw_response.create(**ASKING, extra_headers={"x-tierwise-follows": first})
    assert again.headers["x-tierwise-tier"] == "sonnet"


def test_a_stream_passes_byte_for_byte(client, upstream, live):
    with client.messages.stream(**ASKING) as stream:
        assert "".join(stream.text_stream) == ANSWER.text
        assert stream.get_final_message().usage.input_tokens == 900
        assert stream.response.headers["x-tierwise-tier"] == "haiku"
    check_noted(upstream, live[1])
    with client.messages.with_streaming_response.create(**ASKING, stream=True) as routed:
        found = routed.read()
    direct = anthropic.Anthropic(base_url=upstream.url, api_key=KEY)
    with (
        direct,
        direct.messages.with_streaming_response.create(**{**ASKING, "model": HAIKU}, stream=True) as response,
    ):
        expected = response.read()
    assert _without_ids(found) == _without_ids(expected)


def _without_ids(events: bytes) -> bytes:
    return re.sub(rb"msg_\w+", b"msg", events)


def test_in_asyncio(upstream, live):
    async def ask():
        async with anthropic.AsyncAnthropic(base_url=live[0], api_key=KEY, max_retries=0) as client:
            messages = await asyncio.gather(*(client.messages.create(**ASKING) for _ in range(30)))
            async with client.messages.stream(**ASKING) as stream:
                text = "".join([piece async for piece in stream.text_stream])
            return messages, text

    messages, text = asyncio.run(ask())
    assert ({message.model for message in messages}, text) == ({HAIKU}, ANSWER.text)
    attempts = live[1].log.attempts()
    assert len(attempts) == len(upstream.calls) == 31
    assert sum(each.cost_usd for each in attempts) == pytest.approx(upstream.cost_usd)


@pytest.mark.parametrize("model", [SONNET, "claude-unknown", "Auto"])
def test_other_models_pass_untouched(live, upstream, model):
    body = (
        b'{"model": "%s",   "max_tokens": 5, "messages": [{"role":"user","content":"auto \\u00e9"}]}'
        % model.encode()
    )
    headers = {"x-api-key": KEY, "anthropic-version": "2026-10-21", "content-type": "application/json"}
    found = [
        httpx2.post(f"{url}/v1/messages", content=body, headers=headers) for url in (live[0], upstream.url)
    ]
    assert found[0].status_code == found[1].status_code
    assert upstream.calls[0].request == upstream.calls[1].request
    assert not [name for name in found[0].headers if name.startswith("x-tierwise")]
    assert live[1].log.attempts() == []


def test_beta_and_the_second_name_are_routed_too(client, upstream):
    message = client.beta.messages.create(**{**ASKING, "model": "tierwise-auto"}, betas=["new-2026-01-01"])
    assert message.model == HAIKU


def test_tokens_models_and_batches(client, upstream, live):
    counted = client.messages.count_tokens(model="auto", messages=ASKING["messages"])
    assert (counted.input_tokens > 0, upstream.calls[0].model) == (True, HAIKU)
    assert client.messages.count_tokens(model=OPUS, messages=ASKING["messages"]) == counted
    assert client.models.retrieve(OPUS).id == OPUS
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-none")
    params = {**ASKING, "model": HAIKU}
    batch = client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    assert client.messages.batches.retrieve(batch.id).id == batch.id
    assert [each.id for each in client.messages.batches.list()] == [batch.id]
    assert live[1].log.stats().n_decisions == 0


def test_who_lists_models_finds_auto(client, upstream):
    with upstream.client() as direct:
        for options in ({}, {"limit": 2}, {"limit": 1_000}):
            theirs = [model.to_dict() for model in direct.models.list(**options)]
            found = [model.to_dict() for model in client.models.list(**options)]  # every page
            assert found[1:] == theirs
            assert len(theirs) > 2
        first = client.models.list(limit=2)
        assert (first.last_id, first.has_more) == (theirs[1]["id"], True)
        assert [each.id for each in first.data] == ["auto", theirs[0]["id"], theirs[1]["id"]]
        assert [each.id for each in client.models.list(before_id=theirs[2]["id"])] == [
            each["id"] for each in theirs[:2]
        ]
    listed, named = first.data[0], client.models.retrieve("auto")
    assert listed == named
    assert named.display_name.startswith("tierwise")
    assert (named.type, named.lifecycle, named.line) == ("model", "active", None)
    assert named.created_at.utcoffset() is not None
    assert client.models.retrieve("tierwise-auto").id == "tierwise-auto"


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b'{"data": null}', b'{"data": "x"}'])
def test_what_is_no_page_of_models_stays_as_it_is(body):
    assert listed_first(body) == body


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.error(429, retry_after_s=7), anthropic.RateLimitError),
        (Fault.error(529), anthropic.OverloadedError),
        (Fault.error(400, "prompt is too long"), anthropic.BadRequestError),
    ],
)
@pytest.mark.parametrize("model", ["auto", SONNET])
def test_errors_of_the_api_pass_with_status_and_body(client, upstream, live, fault, error, model):
    upstream.then(fault)
    with pytest.raises(error) as raised:
        client.messages.create(**{**ASKING, "model": model})
    assert raised.value.body["error"]["message"] == fault.message
    assert raised.value.response.headers.get("retry-after") == ("7" if fault.retry_after_s else None)
    attempts = live[1].log.attempts()
    assert [(each.status, each.cost_usd) for each in attempts] == (
        [("error", 0.0)] if model == "auto" else []
    )


def test_the_callers_key_is_forwarded_and_kept_nowhere(client, live, upstream, caplog, tmp_path):
    caplog.set_level(logging.DEBUG, logger="tierwise")
    client.messages.create(**ASKING)
    with pytest.raises(anthropic.AuthenticationError) as raised:
        client.with_options(api_key="sk-ant-wrong").messages.create(**ASKING)
    assert raised.value.status_code == 401
    with anthropic.Anthropic(base_url=live[0], auth_token=KEY) as bearer:
        assert bearer.messages.create(**ASKING).model == HAIKU
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (KEY, "sk-ant-wrong"):
        assert secret.encode() not in kept
        assert secret not in caplog.text


def test_without_a_model_it_asks_sonnet(upstream, tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text("{")
    monkeypatch.setenv("TIERWISE_MODEL", str(tmp_path))
    forget_champion()
    try:
        with service(upstream.url) as (url, _), anthropic.Anthropic(base_url=url, api_key=KEY) as client:
            raw = client.messages.with_raw_response.create(**ASKING)
    finally:
        forget_champion()
    assert (raw.parse().model, raw.headers["x-tierwise-reason"]) == (SONNET, "model_unavailable")


def test_a_conversation_stays_where_its_cache_is(client, upstream):
    upstream.then(Answer("Ok.", input_tokens=40, output_tokens=300, cache_write_5m_tokens=60_000))
    messages = [{"role": "user", "content": "Draft a blog post of 900 words about our bakery."}]
    asking = {"model": "auto", "max_tokens": 900, "cache_control": {"type": "ephemeral"}}
    first = client.messages.create(**asking, messages=messages, extra_headers={"x-tierwise-pin": "opus"})
    messages += [first.to_param(), {"role": "user", "content": "Draft a post about our flour."}]
    raw = client.messages.with_raw_response.create(**asking, messages=messages)
    assert (raw.headers["x-tierwise-reason"], raw.headers["x-tierwise-tier"]) == ("cached_prefix", "opus")
    other_key = {"x-api-key": KEY, "authorization": "Bearer of somebody else"}
    raw = client.messages.with_raw_response.create(**asking, messages=messages, extra_headers=other_key)
    assert raw.headers["x-tierwise-tier"] == "sonnet"  # caches belong to an account
    until(lambda: len(upstream.calls) == 3)
