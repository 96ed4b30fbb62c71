"""What is logged agrees with what the server saw, also where a model is retired or a grader fails."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tierwise import Ladder, OutcomeLog, Policy, Router
from tierwise.classifier.errors import CallError
from tierwise.router.run import Grade, Limits, Options, checks
from tierwise.router.run._retired import FORGOTTEN_AFTER_S, Retired
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Answer, Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
QUICK = Limits(first_backoff_s=0.001)


@pytest.fixture
def log(tmp_path):
    with OutcomeLog(tmp_path / "log.db") as made:
        yield made


def ladder_where_haiku_is(**facts):
    plain = Ladder.load()
    return Ladder("claude", (replace(plain.rungs[0], **facts), *plain.rungs[1:]))


def router(server, log, **facts):
    policy = Policy(ladder=ladder_where_haiku_is(**facts)) if facts else None
    return Router(policy=policy, log=log, client=server.client())


def logged_usd(attempts):
    return sum(each.cost_usd + each.check_cost_usd for each in attempts)


def test_requests_to_a_retired_model_count_and_its_successor_has_its_own_prices(log):
    haiku, sonnet, _ = Ladder.load().rungs
    with MessagesServer("[]", retired=[haiku.model]) as server:
        server.then(Fault.error(529))
        result = router(server, log, replaced_by=sonnet.model).run(TAG, limits=QUICK)
        [attempt] = log.attempts()
        assert attempt.model == result.attempts[0].model == sonnet.model
        assert attempt.n_requests == len(server.calls) == 3
        assert attempt.cost_usd == pytest.approx(server.cost_usd)
        assert attempt.cost_is_exact


def test_a_tier_whose_model_stood_in_for_a_retired_one_and_failed_is_passed_over(log, tmp_path):
    haiku, sonnet, opus = Ladder.load().rungs
    with MessagesServer({"opus": "[]", "*": "Sure!"}, retired=[haiku.model]) as server:
        made = router(server, log, replaced_by=sonnet.model)
        result = made.run(TAG, check=checks.json_schema())
        assert [each.model for each in result.attempts] == [sonnet.model, opus.model]
        job = made.submit_batch([TAG], journal=tmp_path / "job")
        [item] = made.collect_batch(job, check=checks.json_schema())
        assert [each["model"] for each in item.attempts] == [sonnet.model, opus.model]


def test_a_successor_whose_prices_nobody_knows_makes_the_cost_inexact(log):
    with MessagesServer("[]", retired=["claude-haiku-4-5"]) as server:
        facts = {"model": "claude-haiku-4-5", "replaced_by": "claude-haiku-5-5"}
        router(server, log, **facts).run(TAG, limits=QUICK)
    [attempt] = log.attempts()
    assert not attempt.cost_is_exact


def test_an_error_of_the_successor_counts_the_request_to_the_retired_one(log):
    haiku, sonnet, _ = Ladder.load().rungs
    with MessagesServer(Fault.error(400), retired=[haiku.model]) as server:
        with pytest.raises(ValueError, match="refuses the request"):
            router(server, log, replaced_by=sonnet.model).run(TAG, limits=QUICK)
        assert log.attempts()[0].n_requests == len(server.calls) == 2


def test_a_graders_requests_count_and_may_make_the_cost_inexact(log):
    good = '{"passes": true, "reason": "fine"}'
    with MessagesServer({"haiku": "hello", "*": good}) as server, router(server, log) as made:
        made.run(TAG, check=Grade("sonnet", "good"), limits=QUICK)
        [attempt] = log.attempts()
        assert (attempt.n_requests, attempt.cost_is_exact) == (2, True)
        assert logged_usd([attempt]) == pytest.approx(server.cost_usd)
        server.then("hello", Fault.cut())
        made.run(TAG, check=checks.all_of(Grade("sonnet", "good")), limits=QUICK)
        attempt = log.attempts()[1]
        assert attempt.n_requests == 3
        assert not attempt.cost_is_exact  # what the broken answer used, nobody said


def test_an_answer_that_stopped_for_an_unknown_reason_is_not_judged(log):
    """It isn't whole: a check would call it a failure of the tier, and pay for every tier above."""
    with MessagesServer(Answer("half", stop_reason="pause_turn")) as server:
        result = router(server, log).run(TAG, task_type="tags", check=checks.json_schema())
        assert len(server.calls) == 1
    assert (result.status, result.stopped, result.check) == ("pause_turn", None, None)
    assert log.history("tags") == {}


def test_a_batch_of_a_retired_model_goes_on_with_its_successor(log, tmp_path):
    haiku, sonnet, _ = Ladder.load().rungs
    with MessagesServer("[]", retired=[haiku.model]) as server:
        made = router(server, log, replaced_by=sonnet.model)
        job = made.submit_batch(
            [f"Tag ticket {number}, JSON out" for number in range(25)], journal=tmp_path / "j"
        )
        made.collect_batch(job, check=checks.json_schema())
        assert job.status().by_status == {"passed": 25}
        assert {(each.mode, each.model) for each in job.results.values()} == {("sync", sonnet.model)}
        assert logged_usd(log.attempts()) == pytest.approx(server.cost_usd)
    with MessagesServer("[]", retired=[haiku.model]) as server:
        made = router(server, log, replaced_by=None)
        job = made.submit_batch(["Tag ticket 1, JSON out"], journal=tmp_path / "k")
        made.collect_batch(job)
        assert {each.detail for each in job.results.values()} == {"not_found_error"}


def test_an_item_of_a_batch_that_stopped_for_an_unknown_reason_is_not_judged(log, tmp_path):
    with MessagesServer(Answer("half", stop_reason="pause_turn")) as server:
        made = router(server, log)
        job = made.submit_batch(["Tag ticket 1, JSON out"], journal=tmp_path / "j")
        [result] = made.collect_batch(job, check=checks.json_schema())
        assert len([call for call in server.calls if call.endpoint == "messages"]) == 0
    assert (result.status, result.verdict) == ("pause_turn", None)


def test_an_item_run_in_sync_mode_keeps_what_earlier_tries_took(log, tmp_path):
    """A kill, a broken answer, a busy service, then the result: all of it is reported, and nothing as exact."""
    with MessagesServer("[]") as server:
        server.then(Fault.expired())
        made = router(server, log)
        job = made.submit_batch(["Tag ticket 1, JSON out"], journal=tmp_path / "j")
        [item_id] = job.tasks
        job._journal.write({"kind": "begin", "id": item_id})  # and the process died
        server.then(Fault.cut(), Fault.error(529))
        for _ in range(2):
            with pytest.raises(CallError):
                made.collect_batch(job.path, limits=Limits(max_retries=0))
        made.collect_batch(job.path)
        asked = [call for call in server.calls if call.endpoint == "messages"]
    result = BatchJob.open(job.path).results[item_id]
    [attempt] = log.attempts()
    assert (result.status, result.was_in_flight) == ("unchecked", True)
    assert attempt.n_requests == result.n_requests == len(asked) == 3
    assert not attempt.cost_is_exact


def test_what_an_error_in_sync_mode_cost_is_part_of_the_items_cost(log, tmp_path):
    """In a stream the beginning of an answer that breaks off says what it has cost."""
    with MessagesServer("[]") as server:
        server.then(Fault.expired())
        made = router(server, log)
        job = made.submit_batch(["Tag ticket 1"], journal=tmp_path / "j", options=Options(max_tokens=30_000))
        server.then(Fault.cut())
        with pytest.raises(CallError):
            made.collect_batch(job.path, limits=Limits(max_retries=0))
        made.collect_batch(job.path)
        asked_usd = sum(call.cost_usd for call in server.calls if call.endpoint == "messages")
    [attempt] = log.attempts()
    assert attempt.n_requests == 2
    assert 0 < attempt.cost_usd <= asked_usd
    assert attempt.cost_usd > server.calls[-1].cost_usd


@pytest.mark.parametrize(
    "said",
    [
        {"speed": "fast"},
        {"service_tier": "priority"},
        {"inference_geo": "us"},
        {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0}},
    ],
)
def test_what_costs_more_than_tokens_at_the_ladders_prices_is_not_exact(log, said):
    for given, is_exact in ((said, False), (dict.fromkeys(said), True), ({"service_tier": "standard"}, True)):
        with MessagesServer(Fault.body(message_using(**given))) as server:
            result = router(server, log).run(TAG)
        assert result.attempts[0].cost_is_exact == log.attempts()[-1].cost_is_exact == is_exact


def test_an_item_of_a_batch_that_costs_more_than_its_tokens_is_not_exact(log, tmp_path):
    searched = {"server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}}
    with MessagesServer(Fault.body(message_using(**searched))) as server:
        made = router(server, log)
        [result] = made.collect_batch(made.submit_batch([TAG], journal=tmp_path / "j"))
    assert not result.cost_is_exact
    assert not log.attempts()[0].cost_is_exact


def test_one_hour_writes_without_their_total_are_not_taken_off_the_others(log):
    written = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1_000}
    with MessagesServer(Fault.body(message_using(cache_creation=written))) as server:
        result = router(server, log).run(TAG, pin="haiku")
    assert result.cost_usd == pytest.approx((10 * 0.10 + 10 * 0.50 + 1_000 * 0.20) / 1_000_000)


def message_using(**usage) -> str:
    """An answer of the API as JSON, with this usage beside ten tokens each way."""
    ids = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5"}
    said = {"content": [{"type": "text", "text": "[]"}], "stop_reason": "end_turn", "stop_sequence": None}
    message = {**ids, **said, "usage": {"input_tokens": 10, "output_tokens": 10, **usage}}
    return json.dumps(message)


def test_a_retired_grader_has_its_successor(log):
    plain = Ladder.load()
    old = replace(plain.rungs[1], model="claude-sonnet-4-9", replaced_by=plain.rungs[2].model)
    policy = Policy(ladder=Ladder("claude", (plain.rungs[0], old, plain.rungs[2])))
    good = '{"passes": true, "reason": "fine"}'
    with MessagesServer({"haiku": "hello", "*": good}) as server:
        made = Router(policy=policy, log=log, client=server.client())
        result = made.run(TAG, pin="haiku", check=Grade("sonnet", "good"))
        assert [call.status for call in server.calls] == [200, 404, 200]
    [attempt] = log.attempts()
    assert (result.status, attempt.n_requests, attempt.cost_is_exact) == ("passed", 3, True)
    assert logged_usd([attempt]) == pytest.approx(server.cost_usd)


def test_a_grade_in_flight_when_the_process_died_is_reported(log, tmp_path):
    """It may have been paid; the item is judged again, and nobody says that its cost is exact."""
    good = '{"passes": true, "reason": "fine"}'

    def killed(*_):
        raise SystemExit

    with MessagesServer({"haiku": "hello", "*": good}) as server:
        made = router(server, log)
        tasks = [{"specification": TAG, "pin": "haiku"}]
        job = made.submit_batch(tasks, journal=tmp_path / "j")
        died = BatchJob.open(job.path)
        with pytest.raises(SystemExit):
            died.collect(client=server.client(), check=Grade("sonnet", "good"), on_item=killed)
        [result] = made.collect_batch(job.path, check=Grade("sonnet", "good"))
        asked = [call for call in server.calls if call.endpoint == "messages"]
    [attempt] = log.attempts()
    assert len(asked) == 2
    assert (result.status, result.was_in_flight, result.cost_is_exact) == ("passed", True, False)
    assert not attempt.cost_is_exact


def test_a_batch_whose_items_are_judged_once_is_exact(log, tmp_path):
    good = '{"passes": false, "reason": "poor"}'
    with MessagesServer({"haiku": "hello", "*": good}) as server:
        made = router(server, log)
        job = made.submit_batch([{"specification": TAG, "pin": "haiku"}], journal=tmp_path / "j")
        [result] = made.collect_batch(job, check=Grade("sonnet", "good"))
    assert (result.status, result.was_in_flight, result.cost_is_exact) == ("failed", False, True)
    assert logged_usd(log.attempts()) == pytest.approx(server.cost_usd)


def test_a_model_that_is_found_retired_is_not_asked_first_again(log):
    haiku, sonnet, _ = Ladder.load().rungs
    with MessagesServer("[]", retired=[haiku.model]) as server:
        made = router(server, log, replaced_by=sonnet.model)
        for _ in range(3):
            made.run(TAG, limits=QUICK)
        assert [call.status for call in server.calls] == [404, 200, 200, 200]
        assert [each.n_requests for each in log.attempts()] == [2, 1, 1]
        assert {(each.model, each.cost_is_exact) for each in log.attempts()} == {(sonnet.model, True)}
        assert logged_usd(log.attempts()) == pytest.approx(server.cost_usd)
        router(server, None, replaced_by=sonnet.model).run(TAG)  # another client knows nothing of it
        assert [call.status for call in server.calls[4:]] == [404, 200]


def test_a_model_whose_successor_gave_no_answer_is_asked_again(log):
    """A wrong base_url says 404 too."""
    with MessagesServer("[]", retired=["claude-haiku-5-5", "claude-sonnet-5-5"]) as server:
        made = router(server, log, replaced_by="claude-sonnet-5-5")
        for _ in range(2):
            with pytest.raises(CallError):
                made.run(TAG, pin="haiku", limits=QUICK)
    assert [call.model for call in server.calls] == ["claude-haiku-5-5", "claude-sonnet-5-5"] * 2


def test_what_is_retired_is_forgotten_after_some_minutes():
    now_s = [1_000.0]
    retired = Retired(lambda: now_s[0])
    retired.add("old")
    assert "old" in retired
    assert "new" not in retired
    now_s[0] += FORGOTTEN_AFTER_S
    assert "old" not in retired
