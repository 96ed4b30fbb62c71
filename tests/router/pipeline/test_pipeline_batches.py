"""Steps of a pipeline that go in batches, as its plan says: through the real SDK, against the real server."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from batch_runs import OFTEN, SWARM, N, asked, sent
from pipeline_runs import BRIEF, DRAFT, OWN, TAGS, answer, prompt_of, run

from tierwise import OutcomeLog, Pipeline, Policy, Router, Step
from tierwise.router.run import Limits
from tierwise.testing import Answer, Fault, MessagesServer

META = Step(
    "meta",
    "Write a meta description of at most 155 characters. Return JSON.\n\n{steps.draft}",
    facts={"output_tokens": 60},
    options={"system": "You write for a tea shop.", "max_tokens": 500},
    check={"json": True},
)
TWO = Pipeline("two", [BRIEF, TAGS, DRAFT, META])


def said(request):
    return "{}" if "meta description" in prompt_of(request) else answer(request)


@pytest.mark.parametrize("is_async", [False, True])
def test_what_the_plan_has_in_batch_is_sent_so_and_the_rest_is_run_now(tmp_path, is_async):
    plan = Router().plan(TWO, SWARM)
    assert [step.mode for step in plan.steps] == ["sync", "batch", "sync", "batch"]
    notes = []
    with MessagesServer(said, batch_polls=1) as server:
        given = {"on_batch": notes.append, "journal": tmp_path / "j", **OFTEN}
        done = run(server, SWARM, pipeline=TWO, is_async=is_async, **given)
        assert done.is_done
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert [len(each) for each in sent(server)] == [N, N]
        assert asked(server) == {"Write": N, "Draft": N}
        items = [call.request for call in server.calls if call.endpoint == "batch_item"]
    for article in done.articles:
        assert {name: step.mode for name, step in article.steps.items()} == {
            step.name: step.mode for step in plan.steps
        }
        assert article.steps["meta"].status == "passed"
    assert done.summary.by_mode == {"sync": 2 * N, "batch": 2 * N}
    assert json.loads(json.dumps(done.to_dict()))["steps"]["by_mode"] == {"sync": 2 * N, "batch": 2 * N}
    assert Counter((each.step, each.n_articles) for each in notes) == {("tags", N): 1, ("meta", N): 1}
    systems = {(each.get("system"), each["max_tokens"]) for each in items}
    assert systems == {(None, 8192), ("You write for a tea shop.", 500)}
    assert not (tmp_path / "j.batches").exists()  # prompts are left nowhere
    assert "Return JSON" not in (tmp_path / "j").read_text()


def test_a_batch_costs_what_the_plan_says_it_does():
    exact = Step(
        "tags", TAGS.specification, check={"json": True}, facts={"output_tokens": 50, "input_tokens": 80}
    )
    pipeline = Pipeline("own", [BRIEF, exact])
    with MessagesServer(lambda request: Answer(answer(request), input_tokens=80, output_tokens=50)) as server:
        done = run(server, SWARM, pipeline=pipeline, **OFTEN)
    planned = Router().plan(pipeline, SWARM)["tags"]
    assert sum(each.steps["tags"].cost_usd for each in done.articles) == pytest.approx(planned.cost_usd)
    assert planned.batch_saves_usd == pytest.approx(planned.cost_usd)


def test_a_step_with_headers_of_its_own_is_run_at_once_since_no_batch_can_have_them():
    options = {"other": {"extra_headers": {"x-team": "tea"}}}
    own = Step("tags", TAGS.specification, check={"json": True}, options=options)
    with MessagesServer(answer) as server:
        done = run(server, SWARM, pipeline=Pipeline("own", [BRIEF, own]), **OFTEN)
        assert (done.is_done, sent(server), done.summary.by_mode) == (True, [], {"sync": 2 * N})


def test_twenty_articles_are_run_at_once_and_so_is_what_is_in_a_hurry():
    hurry = Step("tags", TAGS.specification, check={"json": True}, facts={"time_sensitive": True})
    with MessagesServer(answer) as server:
        assert run(server, SWARM[:20], **OFTEN).is_done
        assert run(server, SWARM, pipeline=Pipeline("own", [BRIEF, hurry]), **OFTEN).is_done
        assert sent(server) == []


def test_decisions_attempts_and_verdicts_are_in_the_log(log):
    with MessagesServer(answer) as server:
        run(server, SWARM, log=log, **OFTEN)
        cost_usd = server.cost_usd
    attempts = log.attempts()
    assert Counter((each.task_type, each.mode) for each in attempts) == {
        ("brief", "sync"): N,
        ("taxonomy-assignment", "batch"): N,
        ("draft", "sync"): N,
    }
    assert sum(each.cost_usd for each in attempts) == pytest.approx(cost_usd)
    assert log.to_pandas().verdict.tolist() == ["clean"] * N
    assert log.stats().n_decisions == 3 * N  # none twice
    assert log.history("taxonomy-assignment") == {"haiku": (N, 0)}


@pytest.mark.parametrize("is_async", [False, True])
def test_what_fails_its_check_there_goes_up_at_once(tmp_path, is_async):
    def broken(request):
        text = prompt_of(request)
        is_bad = text.startswith("Assign") and "tea 1 " in text and "haiku" in request["model"]
        return "no JSON" if is_bad else answer(request)

    with OutcomeLog(tmp_path / "log.db") as log, MessagesServer(broken) as server:
        done = run(server, SWARM, log=log, is_async=is_async, journal=tmp_path / "j", **OFTEN)
        assert done.is_done
        assert asked(server)["Assign"] == 1
        assert done.cost_usd == pytest.approx(server.cost_usd)
        rows = log.to_pandas(columns=["decision_id", "follows", "tier", "verdict"])
        failed, after = rows[rows.verdict == "failed"], rows[rows.tier == "sonnet"]
        assert after.follows.tolist() == failed.decision_id.tolist()
        assert log.history("taxonomy-assignment") == {"haiku": (N - 1, 1), "sonnet": (1, 0)}
    tags = done.articles[1].steps["tags"]
    assert [(each["tier"], each["mode"], each["verdict"]) for each in tags.attempts] == [
        ("haiku", "batch", "failed"),
        ("sonnet", "sync", "clean"),
    ]
    assert done.summary.by_mode == {"sync": 2 * N + 1, "batch": N - 1}


def test_a_cut_off_answer_gets_more_room_and_is_no_failure(log):
    long = Answer("[1,", stop_reason="max_tokens")

    def short(request):
        is_long = prompt_of(request).startswith("Assign") and "tea 1 " in prompt_of(request)
        return long if is_long and request["max_tokens"] < 20_000 else answer(request)

    with MessagesServer(short) as server:
        done = run(server, SWARM, log=log, **OFTEN)
        assert done.is_done
        again = [call.request for call in server.calls if call.endpoint == "messages"]
    (assign,) = [request for request in again if prompt_of(request).startswith("Assign")]
    assert (assign["model"], assign["max_tokens"]) == ("claude-haiku-5-5", 4 * 8192)
    assert log.history("taxonomy-assignment") == {"haiku": (N, 0)}


@pytest.mark.parametrize("limits", [Limits(max_attempts=1), Limits(max_attempts=3)])
def test_the_limits_of_a_task_hold_in_both_modes_together(limits):
    def broken(request):
        return "no JSON" if prompt_of(request).startswith("Assign") else answer(request)

    with MessagesServer(broken) as server:
        done = run(server, SWARM, limits=limits, **OFTEN)
    attempts = {len(article.steps["tags"].attempts) for article in done.articles}
    assert attempts == {limits.max_attempts}
    assert {article.status for article in done.articles} == {"failed"}
    assert {article.steps["tags"].status for article in done.articles} == {"failed"}


def test_what_the_batch_could_not_do_is_run_at_once():
    class Once:
        """Expired, refused for a moment, and refused for good, in the batch; asked again they are fine."""

        def __init__(self):
            self.faults = {3: Fault.expired(), 5: Fault.error(529), 7: Fault.error(400)}

        def __call__(self, request):
            number = int(prompt_of(request).rpartition("tea ")[2].split()[0].strip(":"))
            if prompt_of(request).startswith("Assign"):
                return self.faults.pop(number, None) or answer(request)
            return answer(request)

    with MessagesServer(Once()) as server:
        done = run(server, SWARM, **OFTEN)
        assert done.is_done
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert asked(server)["Assign"] == 3
    assert done.summary.by_mode == {"sync": 2 * N + 3, "batch": N - 3}


def test_past_the_wait_ceiling_the_batch_is_cancelled_and_run_at_once():
    policy = Policy(batch_wait_ceiling_s=1)
    with MessagesServer(answer, batch_polls=10**6) as server, server.client() as client:
        with Router(client=client, policy=policy) as router:
            done = router.run_pipeline(OWN, SWARM, journal=None, batch_every_s=0.2)
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert len(sent(server)) == 1
    assert done.is_done
    assert done.summary.by_mode == {"sync": 3 * N}


def test_an_article_that_fails_before_holds_no_batch():
    def no_second(request):
        text = prompt_of(request)
        return Fault.error(400) if text.startswith("Write") and "tea 2:" in text else answer(request)

    with MessagesServer(no_second) as server:
        done = run(server, SWARM, **OFTEN)
        assert [len(each) for each in sent(server)] == [N - 1]
    assert [article.status for article in done.articles].count("done") == N - 1
    assert done.articles[2].failed_step == "brief"


def test_few_that_are_left_are_run_at_once(tmp_path):
    with MessagesServer(answer) as server:
        run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        more = [*SWARM, {"id": "new", "topic": "tea 99"}]
        done = run(server, more, journal=tmp_path / "j", **OFTEN)
        assert [len(each) for each in sent(server)] == [N]
    assert done.is_done
    assert done.articles[-1].steps["tags"].mode == "sync"
