"""What was no good in a pipeline's batch goes on as it would in sync mode: one log, one count, one bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from batch_runs import OFTEN, SWARM, N, sent
from pipeline_runs import BRIEF, TAGS, answer, prompt_of, run

from tierwise import Ladder, OutcomeLog, Pipeline, Policy, Step
from tierwise.router.run import Limits
from tierwise.testing import Answer, MessagesServer

OWN = Pipeline("own", [BRIEF, TAGS])
ALONE = Step(
    "tags",
    "Assign up to five tags to an article on {topic} . Return JSON.",
    facts={"output_tokens": 50},
    check={"json": True},
)
IDS = ["decision_id", "follows", "tier", "verdict"]


def is_second(request):
    return prompt_of(request).startswith("Assign") and "tea 1 " in prompt_of(request)


def cut_off(request):
    """With little room."""
    is_cut = is_second(request) and request["max_tokens"] < 20_000
    return Answer("[1,", stop_reason="max_tokens") if is_cut else answer(request)


def too_long(request):
    """For the window of the first tier."""
    is_full = is_second(request) and "haiku" in request["model"]
    return Answer("[1,", stop_reason="model_context_window_exceeded") if is_full else answer(request)


def broken(request):
    """At the first tier."""
    return "no JSON" if is_second(request) and "haiku" in request["model"] else answer(request)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_cut_off_is_one_decision_and_two_attempts(tmp_path, is_async):
    with OutcomeLog(tmp_path / "log.db") as log, MessagesServer(cut_off) as server:
        done = run(server, SWARM, pipeline=OWN, log=log, is_async=is_async, **OFTEN)
        assert done.is_done
        assert log.stats().n_decisions == 2 * N  # one for each work, as in sync mode
        attempts = log.attempts()
        assert len(attempts) == 2 * N + 1
        assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)
        assert done.cost_usd == pytest.approx(server.cost_usd)
        (second,) = [each for each in attempts if each.number == 2]
        first = next(each for each in attempts if each.decision_id == second.decision_id)
    assert [(each.number, each.mode, each.status) for each in (first, second)] == [
        (1, "batch", "cut_off"),
        (2, "sync", "completed"),
    ]
    tags = done.articles[1].steps["tags"]
    assert [each["number"] for each in tags.attempts] == [1, 2]
    assert tags.decision_id == first.decision_id


@pytest.mark.parametrize("is_async", [False, True])
def test_a_full_window_is_followed_by_a_decision_for_a_larger_one(tmp_path, is_async):
    haiku, *others = Ladder.load().rungs
    policy = Policy(ladder=Ladder("small", (replace(haiku, context_window_tokens=100_000), *others)))
    with OutcomeLog(tmp_path / "log.db") as log, MessagesServer(too_long) as server:
        done = run(server, SWARM, pipeline=OWN, log=log, policy=policy, is_async=is_async, **OFTEN)
        assert done.is_done
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert log.stats().n_decisions == 2 * N + 1
        rows = log.to_pandas(columns=IDS).set_index("decision_id")
    first, second = done.articles[1].steps["tags"].attempts
    assert [(each["tier"], each["number"], each["mode"], each["verdict"]) for each in (first, second)] == [
        ("haiku", 1, "batch", "cut_off"),
        ("sonnet", 2, "sync", "clean"),
    ]
    assert rows.follows[second["decision_id"]] == first["decision_id"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failure_is_followed_by_one_more_decision(tmp_path, is_async):
    with OutcomeLog(tmp_path / "log.db") as log, MessagesServer(broken) as server:
        done = run(server, SWARM, pipeline=OWN, log=log, is_async=is_async, **OFTEN)
        assert done.is_done
        assert log.stats().n_decisions == 2 * N + 1
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
        rows = log.to_pandas(columns=IDS)
        failed, after = rows[rows.verdict == "failed"], rows[rows.tier == "sonnet"]
        linked = after[after.follows.isin(failed.decision_id)]
        assert len(failed) == len(linked) == 1
        assert [each.number for each in log.attempts() if each.decision_id == linked.decision_id.item()] == [
            2
        ]
    assert [each["number"] for each in done.articles[1].steps["tags"].attempts] == [1, 2]


def test_a_task_whose_own_budget_is_used_up_ends_as_in_sync_mode():
    limits, pipeline = Limits(max_usd=0.0003), Pipeline("own", [ALONE])
    found = []
    for articles in (SWARM, SWARM[:20]):
        with MessagesServer(broken) as server:
            done = run(server, articles, pipeline=pipeline, limits=limits, **OFTEN)
            assert done.cost_usd == pytest.approx(server.cost_usd)
            assert len(sent(server)) == (articles is SWARM)
        tags = done.articles[1].steps["tags"]
        assert [(each["tier"], each["verdict"]) for each in tags.attempts] == [("haiku", "failed")]
        found.append((tags.status, tags.stopped, tags.tier, tags.text, tags.error))
        assert [article.status for article in done.articles].count("done") == len(articles) - 1
    assert found == [("failed", "budget", "haiku", "no JSON", None)] * 2


def test_a_task_whose_own_budget_forbids_the_first_attempt_is_not_sent_either():
    limits, pipeline = Limits(max_usd=1e-9), Pipeline("own", [ALONE])
    for articles in (SWARM, SWARM[:20]):
        with MessagesServer(broken) as server:
            done = run(server, articles, pipeline=pipeline, limits=limits, **OFTEN)
            assert server.calls == ()
        assert {article.steps["tags"].error for article in done.articles} == {"BudgetExceeded"}


def test_the_runs_own_budget_pays_what_goes_on(tmp_path):
    with MessagesServer(broken) as server:
        done = run(server, SWARM, pipeline=OWN, max_usd=20.0, **OFTEN)
        assert done.is_done
        assert done.cost_usd == pytest.approx(server.cost_usd)
