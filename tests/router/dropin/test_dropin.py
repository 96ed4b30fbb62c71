"""`tierwise.wrap`: the real SDK on loopback, with `model="auto"`."""

from __future__ import annotations

import copy
import pickle

import anthropic
import pytest
from anthropic.types import Message, ParsedMessage
from asked import EASY, asking

import tierwise
from tierwise import OutcomeLog
from tierwise.classifier.errors import InvalidRequest, InvalidTask, NotInLog, UnknownFact
from tierwise.router._champion import forget_champion
from tierwise.testing import Answer, Fault

HARD = "Plan the migration of the billing service"
HAIKU, SONNET, OPUS = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"


def test_a_message_comes_from_the_tier_that_the_task_needs(client, server):
    easy = client.messages.create(**asking())
    opus = client.messages.create(**asking(), tierwise={"role": "orchestrator"})
    assert (easy.model, opus.model) == (HAIKU, OPUS)
    assert [call.model for call in server.calls] == [HAIKU, OPUS]
    assert type(easy) is Message
    assert (easy.tierwise.tier, opus.tierwise.reason) == ("haiku", "floor:orchestrator")
    assert easy.tierwise.task.specification == EASY
    assert easy.tierwise.explain().startswith("haiku (claude-haiku-5-5), sync.")


def test_what_is_sent_is_the_callers_own_but_for_the_model(client, server):
    tool = {"name": "look", "description": "Looks", "input_schema": {"type": "object"}}
    given = asking(tools=[tool], system="Be brief.", metadata={"user_id": "u1"}, stop_sequences=["END"])
    client.messages.create(**given, tierwise={"task_type": "tags", "items": 40, "live": False})
    assert server.calls[0].request == {**given, "model": HAIKU}


def test_the_decision_is_no_part_of_the_message(client, server):
    message = client.messages.create(**asking())
    plain = server.client().messages.create(**asking(model=HAIKU))
    assert message.to_dict().keys() == plain.to_dict().keys()
    assert "tierwise" not in message.model_dump_json()
    without = Message.construct(**message.to_dict())
    assert set(vars(message)) - set(vars(plain)) == {"tierwise"}
    assert message.to_dict() == without.to_dict()
    for copied in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert copied == message
        assert copied.tierwise.decision_id == message.tierwise.decision_id
    conversation = [*asking()["messages"], message.to_param(), {"role": "user", "content": HARD}]
    client.messages.create(**asking(messages=conversation))
    assert "tierwise" not in str(server.calls[-1].request)


def test_usage_cost_and_latency_are_in_the_log_as_the_server_counted_them(client, server):
    server.then(
        Answer("ok", input_tokens=500, output_tokens=70, cache_read_tokens=30, cache_write_1h_tokens=9),
        Answer("ok", input_tokens=5, output_tokens=7, thinking_tokens=3, delay_s=0.05),
    )
    messages = [client.messages.create(**asking()), client.messages.create(**asking(HARD))]
    attempts = client.router.log.attempts()
    assert [each.decision_id for each in attempts] == [each.tierwise.decision_id for each in messages]
    assert [each.cost_usd for each in attempts] == pytest.approx([call.cost_usd for call in server.calls])
    first, second = attempts
    assert (first.input_tokens, first.output_tokens, first.cache_read_tokens) == (500, 70, 30)
    assert (first.cache_write_1h_tokens, second.thinking_tokens) == (9, 3)
    assert (first.status, first.cost_is_exact, first.n_requests, first.mode) == ("completed", True, 1, "sync")
    assert 50 < second.latency_ms < 10_000


def test_the_sdk_retries_and_the_log_knows_how_often(server, tmp_path):
    client = tierwise.wrap(server.client(max_retries=2), log=tmp_path / "log.db")
    server.then(Fault.error(529), Fault.error(500))
    client.messages.create(**asking())
    assert [call.status for call in server.calls] == [529, 500, 200]
    assert [each.n_requests for each in client.router.log.attempts()] == [3]
    client.router.close()


def test_errors_are_the_sdks_own_and_are_logged(client, server):
    server.then(Fault.error(429), Fault.reset())
    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(**asking("Tag my secret ticket"))
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**asking())
    busy, reset = client.router.log.attempts()
    assert (busy.status, busy.error, busy.cost_usd, busy.cost_is_exact) == ("error", "ServiceBusy", 0.0, True)
    assert (reset.error, reset.cost_is_exact) == ("NotReachable", False)


def test_a_person_says_what_became_of_a_message(client):
    message = client.messages.create(**asking(), tierwise={"task_type": "tags"})
    client.record_outcome(message, "corrected", note="wrong area")
    client.record_outcome(client.messages.create(**asking(), tierwise={"task_type": "tags"}), "clean")
    assert client.router.log.history("tags") == {"haiku": (1, 1)}


def test_a_message_that_follows_a_failed_one_goes_higher(client):
    facts = {"task_type": "tags"}
    first = client.messages.create(**asking(), tierwise=facts)
    for follows in (first, first.id, first.tierwise, first.tierwise.decision_id):
        second = client.messages.create(**asking(), tierwise={**facts, "follows": follows})
        assert (second.tierwise.tier, second.tierwise.task.attempts) == ("sonnet", ("haiku",))
    assert {each.number for each in client.router.log.attempts()} == {1, 2}
    with pytest.raises(NotInLog):
        client.messages.create(**asking(), tierwise={"follows": "no such id"})
    with pytest.raises(InvalidRequest, match="follows must be a message"):
        client.messages.create(**asking(), tierwise={"follows": object()})


@pytest.mark.parametrize(("reason", "verdict"), [("refusal", "refused"), ("max_tokens", "cut_off")])
def test_refusals_and_cut_answers_are_recorded_apart(client, server, reason, verdict):
    server.then(Answer("", stop_reason=reason) if reason == "refusal" else Answer("word " * 1_000))
    message = client.messages.create(**asking(), tierwise={"task_type": "tags"})
    assert message.stop_reason == reason
    (attempt,) = client.router.log.attempts()
    assert attempt.status == verdict
    assert client.router.log.history("tags") == {}  # no evidence on what a tier can do
    assert client.router.log.stats().types["tags"]["haiku"].counts == {verdict: 1}


def test_other_models_go_through_byte_for_byte(client, server):
    given = asking(model=SONNET, system="Be brief.")
    plain = server.client()
    plain.messages.create(**given)
    message = client.messages.create(**given, tierwise={"task_type": "tags"})  # facts are for "auto"
    assert server.calls[0].request == server.calls[1].request
    assert not hasattr(message, "tierwise")
    with pytest.raises(NotInLog, match="has routed no message"):
        client.decision_of(message)
    assert client.router.log.attempts() == []


def test_what_is_not_routed_is_the_sdks_own(client, server):
    assert [model.id for model in client.models.list()][:2] == [
        model.id for model in server.client().models.list()
    ][:2]
    request = {"custom_id": "a", "params": asking(model=HAIKU)}
    batch = client.messages.batches.create(requests=[request])
    assert client.messages.batches.retrieve(batch.id).id == batch.id
    assert type(client.beta.messages) is type(server.client().beta.messages)


def test_a_call_that_the_sdk_refuses_is_refused_by_the_sdk(client, server):
    with pytest.raises(TypeError, match="Missing required arguments"):
        client.messages.create(model="auto", messages=asking()["messages"])
    with pytest.raises(TypeError, match="Missing required arguments"):
        client.messages.create(max_tokens=5, messages=asking()["messages"])
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        client.messages.create(**asking(), temprature=1)
    assert server.calls == ()


def test_bad_facts_are_refused_before_anything_is_sent(client, server):
    with pytest.raises(UnknownFact, match="did you mean 'task_type'"):
        client.messages.create(**asking(), tierwise={"tasktype": "tags"})
    with pytest.raises(InvalidRequest, match="tierwise= takes a mapping"):
        client.messages.create(**asking(), tierwise="tags")
    with pytest.raises(InvalidTask, match="role must be one of"):
        client.messages.create(**asking(), tierwise={"role": "boss"})
    assert server.calls == ()


def test_without_a_model_it_asks_sonnet(server, tmp_path, monkeypatch, caplog):
    broken = tmp_path / "model"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    monkeypatch.setenv("TIERWISE_MODEL", str(broken))
    forget_champion()
    try:
        message = tierwise.wrap(server.client()).messages.create(**asking())
    finally:
        forget_champion()
    assert "every decision is the production tier" in caplog.text
    assert (message.model, message.tierwise.reason) == (SONNET, "model_unavailable")


def test_a_log_that_others_share(server, tmp_path):
    with OutcomeLog(tmp_path / "log.db") as log:
        client = tierwise.wrap(server.client(), log=log)
        message = client.messages.create(**asking())
        assert log.attempts(message.tierwise.decision_id)[0].model == HAIKU
        client.router.close()
        assert len(log.attempts()) == 1  # it is still open


def test_parse_gives_the_parsed_message(server):
    from pydantic import BaseModel

    class Tags(BaseModel):
        tags: list[str]

    server.then('{"tags": ["billing"]}')
    message = tierwise.wrap(server.client()).messages.parse(**asking(), output_format=Tags)
    assert isinstance(message, ParsedMessage)
    assert message.parsed_output == Tags(tags=["billing"])
    assert message.tierwise.tier == "haiku"
    assert server.calls[0].request["output_config"]["format"]["type"] == "json_schema"


def test_tokens_are_counted_for_the_tier_and_no_decision_is_logged(client, server):
    counted = client.messages.count_tokens(model="auto", messages=asking()["messages"])
    assert (
        counted.input_tokens
        == server.client().messages.count_tokens(model=HAIKU, messages=asking()["messages"]).input_tokens
    )
    client.messages.count_tokens(
        model="auto", messages=asking()["messages"], tierwise={"pin": "opus", "follows": "x"}
    )
    assert [call.model for call in server.calls] == [HAIKU, HAIKU, OPUS]
    assert client.router.log.stats().n_decisions == 0
