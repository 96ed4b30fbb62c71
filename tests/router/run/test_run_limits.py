"""Answers that were cut off get more room; that says nothing about capability. And bounds that are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tierwise import Ladder, OutcomeLog, Policy, Router, predict_tier
from tierwise.classifier.errors import InvalidRequest
from tierwise.router.run import Hooks, Limits, Options, execute
from tierwise.router.run._limits import checked_concurrency
from tierwise.router.run.jobs import run_many
from tierwise.testing import Answer, MessagesServer, tokens_in

TAG = "Tag these 40 tickets by product area, JSON out"


def small_ladder(**facts):
    """Haiku with smaller limits than the others."""
    haiku, *others = Ladder.load().rungs
    return Ladder("small", (replace(haiku, **facts), *others))


def run(answer, ladder, **options):
    decision = predict_tier(TAG, policy=Policy(ladder=ladder))
    assert decision.tier == "haiku"
    with MessagesServer(answer, ladder=ladder) as server:
        result = execute(decision, client=server.client(), **options)
        assert result.cost_usd == pytest.approx(server.cost_usd)
    return result


def test_more_room_at_the_same_tier_by_the_same_decision(ladder):
    told = []
    hooks = Hooks(on_decision=lambda decision, follows: told.append((decision.decision_id, follows)))
    result = run(Answer("x" * 4 * 30_000), ladder, hooks=hooks)
    assert told == [(result.decision.decision_id, None)]
    assert [attempt.max_tokens for attempt in result.attempts] == [8_192, 32_768]
    assert [attempt.verdict for attempt in result.attempts] == ["cut_off", None]
    assert len({attempt.decision_id for attempt in result.attempts}) == 1
    assert (result.tier, result.status, len(result.text)) == ("haiku", "unchecked", 120_000)


def test_room_is_raised_up_to_the_models_cap_then_a_tier_with_a_larger_one_is_asked():
    result = run(Answer("x" * 4 * 30_000), small_ladder(max_output_tokens=10_000))
    assert [(str(a.tier), a.max_tokens) for a in result.attempts] == [
        ("haiku", 8_192),
        ("haiku", 10_000),
        ("sonnet", 40_000),
    ]
    assert result.decision.task.attempts == ()  # haiku has not failed
    assert result.status == "unchecked"


def test_a_tier_without_a_limit_has_room_for_all_that_is_wanted():
    haiku, sonnet, opus = small_ladder(max_output_tokens=8_192).rungs
    ladder = Ladder("open", (haiku, replace(sonnet, max_output_tokens=None), opus))
    result = run(Answer("x" * 4 * 30_000), ladder)
    assert [(str(a.tier), a.max_tokens) for a in result.attempts] == [("haiku", 8_192), ("sonnet", 32_768)]


def test_a_full_window_needs_a_larger_window():
    room = 100 + tokens_in({"messages": [{"role": "user", "content": TAG}]})
    result = run(Answer("x" * 4 * 5_000), small_ladder(context_window_tokens=room))
    assert [attempt.stop_reason for attempt in result.attempts] == [
        "model_context_window_exceeded",
        "end_turn",
    ]
    assert result.tier == "sonnet"


def test_where_no_limit_can_be_raised_the_cut_answer_comes_back(ladder):
    result = run(Answer("x" * 4 * 200_000), ladder, limits=Limits(max_attempts=9))
    assert [attempt.max_tokens for attempt in result.attempts] == [8_192, 32_768, 128_000]
    assert (result.status, result.stopped, result.is_usable) == ("cut_off", "max_tokens", False)
    full = run(Answer("x", stop_reason="model_context_window_exceeded"), ladder)
    assert (full.status, full.stopped, len(full.attempts)) == ("cut_off", "context_window", 1)


def test_the_callers_ceiling_bounds_the_room(ladder):
    limits = Limits(max_tokens_ceiling=500)
    result = run(Answer("x" * 9999), ladder, options=Options(max_tokens=200), limits=limits)
    assert [attempt.max_tokens for attempt in result.attempts] == [200, 500]
    assert (result.status, result.stopped) == ("cut_off", "max_tokens")


def test_no_larger_tier_is_asked_for_room_that_the_caller_forbids():
    result = run(
        Answer("x" * 99_999),
        small_ladder(max_output_tokens=8_192),
        limits=Limits(max_tokens_ceiling=8_192),
    )
    assert (result.stopped, [attempt.max_tokens for attempt in result.attempts]) == ("max_tokens", [8_192])


def test_a_ceiling_of_the_task_forbids_the_larger_tier():
    decision = predict_tier(TAG, ceiling="haiku", policy=Policy(ladder=small_ladder(max_output_tokens=8_192)))
    with MessagesServer(Answer("x" * 99_999)) as server:
        result = execute(decision, client=server.client())
    assert (result.status, result.stopped, len(result.attempts)) == ("cut_off", "max_tokens", 1)


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        ({"deadline_s": 0}, "deadline_s must be a number > 0; got 0"),
        ({"timeout_s": "5"}, "timeout_s must be a number > 0; got '5'"),
        ({"max_usd": float("nan")}, "max_usd must be a number >= 0; got nan"),
        ({"max_usd": None}, "max_usd must be a number >= 0; got None"),
        ({"max_retries": 1.5}, "max_retries must be a whole number >= 0; got 1.5"),
        ({"max_attempts": True}, "max_attempts must be a whole number >= 1; got True"),
        ({"max_tokens_ceiling": 2.5}, "max_tokens_ceiling must be a whole number >= 1; got 2.5"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"max_retries": -1}, "max_retries must be a whole number >= 0"),
        ({"max_retry_after_s": float("nan")}, "max_retry_after_s"),
        ({"max_usd": -0.1}, "max_usd"),
        ({"max_attempts": 0}, "max_attempts must be a whole number >= 1"),
        ({"max_tokens_ceiling": 0}, "max_tokens_ceiling"),
    ],
)
def test_limits_outside_their_range_are_refused(limits, match):
    with pytest.raises(InvalidRequest, match=match):
        Limits(**limits)


@pytest.mark.parametrize("stream", [False, True])
def test_no_limit_of_time_is_a_limit_that_is_never_met(stream):
    endless = Limits(deadline_s=math.inf, timeout_s=math.inf)
    result = run("tagged", Ladder.load(), limits=endless, options=Options(stream=stream))
    assert (result.text, result.attempts[0].n_requests) == ("tagged", 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"options": {"system": "x"}}, "options must be a .*Options; got dict"),
        ({"limits": 3}, "limits must be"),
    ],
)
def test_what_is_no_options_and_no_limits_is_said_before_anything_is_decided(tmp_path, given, said):
    with MessagesServer() as server, OutcomeLog(tmp_path / "log.db") as log:
        with Router(log=log, client=server.client()) as router:
            for call in (router.run, lambda task, **given: run_many(router, [task], journal=None, **given)):
                with pytest.raises(InvalidRequest, match=said):
                    call(TAG, **given)
        assert (log.stats().n_decisions, server.calls) == (0, ())
        with pytest.raises(InvalidRequest, match=said):
            execute(predict_tier(TAG), client=server.client(), **given)


@pytest.mark.parametrize("wrong", [True, 0, 2.0, "2", np.float64(2)])
def test_how_many_run_at_once_is_a_whole_number(wrong):
    assert checked_concurrency(np.int64(3)) == 3
    with pytest.raises(InvalidRequest, match=r"concurrency must be a whole number >= 1; got "):
        checked_concurrency(wrong)
