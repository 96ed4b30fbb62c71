"""Batches through a Router: decided, logged, collected, escalated, resumed. Against the real server."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from batch_runs import IS_JSON, KIND, TASKS, sent
from pipeline_runs import QUICK

from tierwise import Ladder, Policy, Router, Task
from tierwise.classifier.errors import InvalidRequest, ServiceBusy
from tierwise.router._champion import champion
from tierwise.router.run import Limits, Options
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Answer, Fault, MessagesServer

PLAN = Task("Plan our strategy for the coming year.", "plan", floor="opus")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "job.jsonl"


@pytest.fixture
def server():
    with MessagesServer("[]") as server:
        yield server


@pytest.fixture
def router(log, server):
    with server.client() as client, Router(log=log, client=client) as router:
        yield router


def test_each_item_is_decided_logged_and_judged(router, server, log, path):
    job = router.submit_batch([*TASKS, PLAN], journal=path)
    assert Counter(map(len, sent(server))) == {5: 1, 1: 1}  # by tier
    results = router.collect_batch(job, check=IS_JSON, limits=QUICK)
    assert job.is_finished
    assert [result.status for result in results] == ["passed"] * 6
    rows = log.to_pandas(columns=["decision_id", "verdict", "basis", "tier"])
    assert set(rows.decision_id) == {result.id for result in results}
    assert (set(rows.verdict), set(rows.basis)) == ({"clean"}, {"check"})
    assert log.learned(KIND, champion()).n_outcomes == 5
    attempts = log.attempts()
    assert {(each.mode, each.status, each.number, each.latency_ms) for each in attempts} == {
        ("batch", "completed", 1, None)
    }
    assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)


def test_a_tier_without_a_batch_price_is_in_no_batch_and_run_in_sync_mode(log, server, path):
    policy = Policy(ladder=Ladder.load(enable=["fable"]))
    tasks = [*TASKS[:2], Task("Tag it, JSON out", KIND, pin="fable", verifiable=True)]
    with server.client() as client, Router(log=log, client=client, policy=policy) as router:
        job = router.submit_batch(tasks, journal=path)
        assert list(map(len, sent(server))) == [2]
        assert len(router.collect_batch(path, check=IS_JSON, limits=QUICK)) == 3
        assert router.collect_batch(path, check=IS_JSON, limits=QUICK) == ()
    status = BatchJob.open(path).status()
    assert (status.parts, status.sent, status.by_status, job.is_finished) == (1, 1, {"passed": 3}, False)
    attempts = log.attempts()
    assert sorted((each.tier, each.mode) for each in attempts) == [
        ("fable", "sync"),
        *[("haiku", "batch")] * 2,
    ]
    assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)


def test_an_answer_that_fails_goes_up_in_sync_mode_with_the_same_options(log, path):
    system = "You tag tickets."
    with MessagesServer({"haiku": "Sure!", "sonnet": "Of course!", "opus": "[]"}) as server:
        with server.client() as client, Router(log=log, client=client) as router:
            job = router.submit_batch(TASKS[:1], journal=path, options=Options(system=system))
            (result,) = router.collect_batch(job, check=IS_JSON, limits=QUICK)
        sync = [call for call in server.calls if call.endpoint == "messages"]
        assert [call.request["system"] for call in sync] == [system] * 2
        assert result.cost_usd == pytest.approx(server.cost_usd)
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    assert (result.tier, result.mode, result.status, result.text) == ("opus", "sync", "passed", "[]")
    assert (result.escalated_from, result.was_in_flight) == ("haiku", False)
    rows = log.to_pandas(columns=["decision_id", "follows", "tier", "verdict"])
    assert rows.tier.tolist() == ["haiku", "sonnet", "opus"]
    assert rows.verdict.tolist() == ["failed", "failed", "clean"]
    assert rows.follows.tolist()[1:] == rows.decision_id.tolist()[:-1]
    assert rows.decision_id.tolist()[::2] == [result.id, result.decision_id]
    assert [each.number for each in log.attempts()] == [1, 2, 3]


def test_items_may_have_options_of_their_own_which_they_keep_when_they_go_up(log, path):
    said = [
        Options(
            system=f"You tag for team {number}.",
            max_tokens=100 + number,
            messages=[{"role": "user", "content": f"m{number}"}],
        )
        for number in range(3)
    ]
    with MessagesServer({"haiku": "Sure!", "*": "[]"}) as server, server.client() as client:
        with Router(log=log, client=client) as router:
            with pytest.raises(InvalidRequest, match="one for each of the 3 items; got 2"):
                router.submit_batch(TASKS[:3], journal=path, options=said[:2])
            router.submit_batch(TASKS[:3], journal=path, options=said)
            results = Router(log=log, client=client).collect_batch(
                path, check=IS_JSON
            )  # by another process, say
        calls = {
            name: [call.request for call in server.calls if call.endpoint == name]
            for name in ("batch_item", "messages")
        }
    assert [result.status for result in results] == ["passed"] * 3
    for requests in calls.values():
        found = {(each["system"], each["max_tokens"], each["messages"][0]["content"]) for each in requests}
        assert found == {(f"You tag for team {n}.", 100 + n, f"m{n}") for n in range(3)}


def test_without_escalation_a_failure_stays_one(log, path):
    with MessagesServer("Sure!") as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path)
        (result,) = router.collect_batch(job, check=IS_JSON, escalate=False)
        assert (result.status, result.tier) == ("failed", "haiku")
        assert not [call for call in server.calls if call.endpoint == "messages"]


@pytest.mark.parametrize(
    ("limits", "tiers"), [(Limits(max_attempts=1), 1), (Limits(max_attempts=2), 2), (Limits(max_usd=1e-9), 1)]
)
def test_escalation_keeps_to_the_limits(log, path, limits, tiers):
    with MessagesServer("Sure!") as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path)
        (result,) = router.collect_batch(job, check=IS_JSON, limits=limits)
    assert (result.status, job.is_finished, len(log.attempts())) == ("failed", True, tiers)


def test_each_kind_of_result_is_logged_as_what_it_is(log, path):
    script = [
        Answer("[]"),
        Fault.error(400),
        Fault.expired(),
        Answer.refusal(),
        Answer("[1,", stop_reason="max_tokens"),
    ]
    with MessagesServer([*script, Answer("[]")]) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS, journal=path)
        router.collect_batch(job, check=IS_JSON, limits=QUICK)
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    found = {each.decision_id: (each.mode, each.status, each.error) for each in log.attempts()}
    assert [found[each] for each in job.tasks] == [
        ("batch", "completed", None),
        ("batch", "error", "invalid_request_error"),
        ("sync", "completed", None),
        ("batch", "refused", None),
        ("sync", "completed", None),  # cut off in the batch, and whole with more room
    ]
    assert sorted((each.mode, each.status) for each in log.attempts()) == [
        *[("batch", "completed"), ("batch", "cut_off"), ("batch", "error"), ("batch", "refused")],
        *[("sync", "completed")] * 2,
    ]
    assert sorted(log.to_pandas().verdict) == ["clean", "clean", "clean", "refused"]
    assert log.history(KIND) == {"haiku": (3, 0)}


def test_past_the_wait_ceiling_items_are_run_in_sync_mode_and_logged_so(log, path, monkeypatch):
    import time

    with MessagesServer("[]", batch_polls=10) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS, journal=path)
        assert router.collect_batch(job) == ()
        job._clock = lambda: time.time() + 86_500.0
        assert router.collect_batch(job) == ()  # cancels
        assert {result.mode for result in router.collect_batch(job, check=IS_JSON)} == {"sync"}
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    assert {(each.mode, each.n_requests) for each in log.attempts()} == {("sync", 1)}


def test_the_same_again_goes_on_and_decides_nothing_twice(router, server, log, path):
    first = router.submit_batch(TASKS, journal=path)
    again = router.submit_batch(iter(TASKS), journal=path)
    assert (list(again.tasks), log.stats().n_decisions, len(sent(server))) == (list(first.tasks), 5, 1)
    with pytest.raises(InvalidRequest, match="holds a job of other tasks"):
        router.submit_batch(TASKS[:2], journal=path)


def test_a_job_is_found_by_its_id_and_by_that_of_its_batch(router, server, tmp_path, monkeypatch):
    monkeypatch.setenv("TIERWISE_BATCHES", str(tmp_path / "batches"))
    jobs = [router.submit_batch(TASKS) for _ in range(2)]
    assert {job.path.parent for job in jobs} == {tmp_path / "batches"}
    assert len(router.collect_batch(jobs[0].path.stem)) == 5
    batch_id = server.client().messages.batches.list().data[0].id
    assert len(router.collect_batch(batch_id)) == 5
    with pytest.raises(InvalidRequest, match=r"no journal nothing, .* TIERWISE_BATCHES"):
        router.collect_batch("nothing")


def test_a_job_with_a_journal_of_its_own_is_collected_with_it(router, server, path, tmp_path, monkeypatch):
    router.submit_batch(TASKS, journal=path)
    (tmp_path / "tasks.jsonl").write_text('{"specification": "Tag ticket 1"}\n')  # lies there, too
    batch_id = server.client().messages.batches.list().data[0].id
    said = f"no journal {batch_id}, .* submitted with journal=... is collected with the same path"
    with pytest.raises(InvalidRequest, match=said):
        router.collect_batch(batch_id)
    monkeypatch.setenv("TIERWISE_BATCHES", str(tmp_path))
    assert len(router.collect_batch(batch_id)) == 5


@pytest.mark.parametrize(
    ("task", "message"),
    [(Task("x", live=True), "Task 2 is live"), (Task("x", deterministic=True), "Task 2 needs no model")],
)
def test_what_is_no_work_for_a_batch_is_said_before_anything_is_logged(
    router, server, log, path, task, message
):
    with pytest.raises(InvalidRequest, match=message):
        router.submit_batch([TASKS[0], task], journal=path)
    assert (log.stats().n_decisions, server.calls, path.exists()) == (0, (), False)


def test_in_asyncio_it_is_the_same(log, path):
    async def go(server):
        async with server.async_client() as client, Router(log=log, client=client) as router:
            job = await router.asubmit_batch(TASKS, journal=path)
            return await router.acollect_batch(job, check=IS_JSON, limits=QUICK)

    with MessagesServer({"haiku": ["[]", "Sure!", "[]"], "sonnet": "[]"}) as server:
        results = asyncio.run(go(server))
        assert sum(each.cost_usd for each in log.attempts()) == pytest.approx(server.cost_usd)
    assert Counter(result.tier for result in results) == {"haiku": 4, "sonnet": 1}
    assert Counter(log.to_pandas().verdict) == {"clean": 5, "failed": 1}


def test_what_was_paid_before_a_crash_is_not_paid_again(log, path):
    """Killed while the second escalation is in flight: the first one's answer had been paid and judged."""
    judged = []

    def check(text):
        judged.append(text)
        if len(judged) == 3:
            raise KeyboardInterrupt  # after the call, before anything of it is on disk
        return text == "opus"

    with MessagesServer({"haiku": "haiku", "sonnet": "sonnet", "opus": "opus"}) as server:
        with server.client() as client:
            router = Router(log=log, client=client)
            router.submit_batch(TASKS[:1], journal=path)
            with pytest.raises(KeyboardInterrupt):
                router.collect_batch(path, check=check, limits=QUICK)
            (result,) = Router(log=log, client=client).collect_batch(path, check=check, limits=QUICK)
        tiers = [call.request["model"].split("-")[1] for call in server.calls if call.endpoint == "messages"]
    assert tiers == ["sonnet", "opus", "opus"]
    assert (result.status, result.tier, result.was_in_flight) == ("passed", "opus", True)
    attempts = log.attempts()  # what was in flight is among them: it was paid
    assert [each.tier for each in attempts] == ["haiku", "sonnet", "opus", "opus"]
    assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)
    assert Counter(log.to_pandas().verdict) == {"failed": 2, "clean": 1}


def test_a_busy_service_leaves_the_item_for_later(log, path):
    script = {"haiku": "Sure!", "sonnet": [*[Fault.error(529)] * 2, "[]"]}
    with MessagesServer(script) as server, server.client() as client:
        router = Router(log=log, client=client)
        job = router.submit_batch(TASKS[:1], journal=path)
        with pytest.raises(ServiceBusy):
            router.collect_batch(job, check=IS_JSON, limits=QUICK)
        assert not job.is_finished
        (result,) = router.collect_batch(job, check=IS_JSON, limits=QUICK)
    assert (result.status, result.tier, result.was_in_flight) == ("passed", "sonnet", False)
