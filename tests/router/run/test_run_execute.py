"""A decision is run: check, escalate, bounds, records. Against the real server through the real SDK."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from small_model import small_model

from tierwise import Ladder, Policy, predict_tier
from tierwise.classifier.errors import (
    BudgetExceeded,
    InvalidRequest,
    ModelNotServed,
    ServiceBusy,
)
from tierwise.router.run import CheckResult, Hooks, Limits, Options, aexecute, checks, execute
from tierwise.testing import Answer, Fault, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
QUICK = Limits(first_backoff_s=0.01, max_retries=2)
IS_JSON = checks.json_schema()


class Diary(list):
    """What the hooks were told."""

    def hooks(self) -> Hooks:
        return Hooks(
            on_decision=lambda decision, follows: self.append(("decision", decision.decision_id, follows)),
            on_begin=lambda decision, begun: self.append(("begin", decision.decision_id, begun.number)),
            on_end=lambda decision, attempt: self.append(("end", decision.decision_id, attempt.status)),
            on_outcome=lambda decision, verdict, detail: self.append(
                ("outcome", decision.decision_id, verdict)
            ),
        )


@pytest.fixture
def decision():
    return predict_tier(TAG, verifiable=True)


def run(server, decision, *, is_async=False, **options):
    options = {"limits": QUICK, **options}
    if not is_async:
        return execute(decision, client=server.client(), **options)

    async def go():
        async with server.async_client() as client:
            return await aexecute(decision, client=client, **options)

    return asyncio.run(go())


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failed_check_goes_up_until_one_passes_and_every_step_is_told(decision, is_async):
    diary = Diary()
    with MessagesServer({"haiku": "Sure!", "sonnet": "Of course!", "opus": "[]"}) as server:
        result = run(server, decision, is_async=is_async, check=IS_JSON, hooks=diary.hooks())
        assert (result.status, result.text, result.tier, result.stopped) == ("passed", "[]", "opus", None)
        assert result.cost_usd == pytest.approx(server.cost_usd)
    assert [attempt.tier for attempt in result.attempts] == ["haiku", "sonnet", "opus"]
    assert [attempt.verdict for attempt in result.attempts] == ["failed", "failed", "clean"]
    first, second, third = [attempt.decision_id for attempt in result.attempts]
    assert first == decision.decision_id
    assert result.decision.decision_id == third
    assert result.decision.task.attempts == ("haiku", "sonnet")
    assert diary == [
        *[
            ("decision", first, None),
            ("begin", first, 1),
            ("end", first, "completed"),
            ("outcome", first, "failed"),
        ],
        *[("decision", second, first), ("begin", second, 2), ("end", second, "completed")],
        *[("outcome", second, "failed"), ("decision", third, second), ("begin", third, 3)],
        *[("end", third, "completed"), ("outcome", third, "clean")],
    ]


@pytest.mark.parametrize("is_exact", [True, False])
def test_what_a_check_costs_is_a_cost_of_its_attempt(decision, is_exact):
    found = CheckResult("dear", "passed", cost_usd=0.5, n_requests=2, cost_is_exact=is_exact)
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=lambda text: found)
        assert result.cost_usd == pytest.approx(server.cost_usd + 0.5)
    assert [attempt.cost_is_exact for attempt in result.attempts] == [is_exact]


def test_without_a_check_the_first_whole_answer_is_the_result_and_nothing_is_said_of_it(decision):
    diary = Diary()
    with MessagesServer("Sure!") as server:
        result = run(server, decision, hooks=diary.hooks())
    assert (result.status, result.text, result.is_usable, result.check) == ("unchecked", "Sure!", True, None)
    assert [what for what, *_ in diary] == ["decision", "begin", "end"]


def test_when_every_tier_fails_the_last_answer_comes_back_as_failed(decision):
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=IS_JSON)
    assert (result.status, result.stopped, result.tier, result.is_usable) == (
        "failed",
        "exhausted",
        "opus",
        False,
    )


def test_a_check_that_breaks_is_no_failure_of_the_task(decision):
    diary = Diary()
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=lambda text: text["x"], hooks=diary.hooks())
    assert (result.status, len(result.attempts), result.attempts[0].verdict) == ("check_not_run", 1, None)
    assert not any(what == "outcome" for what, *_ in diary)


@pytest.mark.parametrize(("facts", "tiers"), [({"ceiling": "sonnet"}, 2), ({"pin": "haiku"}, 1)])
def test_pin_and_ceiling_bound_the_escalation(facts, tiers):
    with MessagesServer("Sure!") as server:
        result = run(server, predict_tier(TAG, verifiable=True, **facts), check=IS_JSON)
    assert (len(result.attempts), result.stopped) == (tiers, "exhausted")


def test_attempts_are_bounded(decision):
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=IS_JSON, limits=replace(QUICK, max_attempts=2))
    assert (result.status, result.stopped, result.tier) == ("failed", "max_attempts", "sonnet")


def test_the_budget_forbids_what_it_cannot_pay(decision):
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=IS_JSON, limits=replace(QUICK, max_usd=0.001))
        assert (result.tier, result.stopped) == ("haiku", "budget")
        with pytest.raises(
            BudgetExceeded, match=r"haiku is expected to cost 0\.\d+ USD, the budget is 1e-09"
        ):
            run(server, decision, limits=replace(QUICK, max_usd=1e-9))
        assert len(server.calls) == 1


def test_the_next_rung_is_decided_by_the_caller_where_it_wants_to(decision):
    asked = []

    def redecide(task):
        asked.append(task.attempts)
        return predict_tier(task.specification, floor="opus", attempts=task.attempts)

    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
        result = run(server, decision, check=IS_JSON, redecide=redecide)
    assert (asked, [attempt.tier for attempt in result.attempts]) == ([("haiku",)], ["haiku", "opus"])


def test_never_a_tier_that_failed_whatever_is_decided(decision):
    with MessagesServer("Sure!") as server:
        result = run(server, decision, check=IS_JSON, redecide=lambda task: predict_tier(TAG, pin="haiku"))
    assert (len(result.attempts), result.stopped) == (1, "exhausted")


def test_a_policy_and_a_ladder_of_ones_own_are_kept_when_going_up():
    ladder = Ladder.load(enable=["fable"])
    decision = predict_tier(TAG, verifiable=True, floor="opus", policy=Policy(ladder=ladder))
    with MessagesServer({"opus": "Sure!", "fable": "[]"}) as server:
        result = run(server, decision, check=IS_JSON)
    assert [attempt.tier for attempt in result.attempts] == ["opus", "fable"]


def test_the_model_that_decided_decides_again():
    model = small_model(bias=[9.0, 0.0, 0.0])
    decision = predict_tier("tag the ticket the ticket", verifiable=True, model=model)
    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
        result = run(server, decision, check=IS_JSON)
    assert (decision.tier, result.decision.task.attempts) == ("haiku", ("haiku",))
    assert result.decision.evidence.model is model


def test_a_refusal_ends_the_run_and_is_recorded_apart(decision):
    diary = Diary()
    with MessagesServer(Answer.refusal()) as server:
        result = run(server, decision, check=IS_JSON, hooks=diary.hooks())
    assert (result.status, result.text, result.stopped, len(result.attempts)) == ("refused", "", None, 1)
    assert diary[-1][2] == "refused"


def test_an_unknown_stop_reason_is_kept_as_it_is(decision):
    with MessagesServer(Answer("half", stop_reason="pause_turn")) as server:
        assert run(server, decision).status == "pause_turn"


@pytest.mark.parametrize("is_async", [False, True])
def test_errors_carry_the_attempts_before_them_and_what_all_cost(decision, is_async):
    diary = Diary()
    with MessagesServer({"haiku": "Sure!", "*": Fault.error(529)}) as server:
        with pytest.raises(ServiceBusy) as caught:
            run(server, decision, is_async=is_async, check=IS_JSON, hooks=diary.hooks())
        assert server.cost_usd > 0
        assert caught.value.cost_usd == pytest.approx(server.cost_usd)
    assert [attempt.status for attempt in caught.value.attempts] == ["completed", "error"]
    assert caught.value.attempts[1].error is caught.value
    assert [what for what, *_ in diary][-3:] == ["decision", "begin", "end"]


def test_a_retired_model_is_replaced_by_the_one_that_the_ladder_names(decision):
    plain = Ladder.load()
    haiku, *others = plain.rungs
    old = Ladder("old", (replace(haiku, model="claude-haiku-3", replaced_by=haiku.model), *others))
    decision = predict_tier(TAG, policy=Policy(ladder=old))
    with MessagesServer() as server:
        result = run(server, decision)
        assert result.attempts[0].model == "claude-haiku-5-5"
        assert [call.status for call in server.calls] == [404, 200]
        server.retire("claude-haiku-5-5")
        with pytest.raises(ModelNotServed, match="claude-haiku-5-5"):
            run(server, decision)


@pytest.mark.parametrize("is_a_rung", [True, False])
def test_the_cost_of_a_successor_is_exact_where_the_ladder_has_its_prices(is_a_rung):
    haiku, sonnet, *others = Ladder.load().rungs
    successor = sonnet.model if is_a_rung else haiku.model
    ladder = Ladder("old", (replace(haiku, model="claude-haiku-3", replaced_by=successor), sonnet, *others))
    with MessagesServer() as server:
        [attempt] = run(server, predict_tier(TAG, policy=Policy(ladder=ladder))).attempts
    assert (attempt.tier, attempt.model, attempt.cost_is_exact) == ("haiku", successor, is_a_rung)


def test_a_task_without_a_model_cannot_be_executed():
    decision = predict_tier("Sort the list.", deterministic=True)
    with MessagesServer() as server, pytest.raises(InvalidRequest, match="mode 'none'"):
        run(server, decision)


def test_what_a_hook_raises_ends_the_run_before_the_call(decision):
    def full(decision, begun):
        raise OSError("disk full")

    with MessagesServer() as server:
        with pytest.raises(OSError, match="disk full"):
            run(server, decision, hooks=Hooks(on_begin=full))
        assert server.calls == ()


def test_in_asyncio_checks_and_hooks_may_be_async(decision):
    told = []

    async def check(text):
        await asyncio.sleep(0)
        return text == "[]"

    async def on_end(decision, attempt):
        told.append(attempt.verdict)

    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
        result = run(server, decision, is_async=True, check=check, hooks=Hooks(on_end=on_end))
    assert (result.status, told) == ("passed", ["failed", "clean"])


def test_results_and_attempts_have_plain_forms(decision):
    import json

    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server:
        result = run(
            server, decision, check=IS_JSON, options=Options(thinking={"type": "enabled", "budget_tokens": 9})
        )
    plain = json.loads(json.dumps(result.to_dict()))
    assert [attempt["verdict"] for attempt in plain["attempts"]] == ["failed", "clean"]
    assert plain["attempts"][0]["left_out"] == ["thinking.budget_tokens"]
    assert TAG not in json.dumps(plain)
