"""Batches: sent once, collected item by item, resumed after a crash. Against the real server."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from batch_runs import sent

from tierwise import predict_tier
from tierwise.classifier.errors import AccountRefused, InvalidRequest
from tierwise.router.run import Limits, Options, checks
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Answer, Fault, MessagesServer

QUICK = Limits(first_backoff_s=0.01, max_retries=2)
TEXTS = [f"Tag ticket {number} by product area, JSON out" for number in range(5)]


@pytest.fixture
def decisions():
    return [predict_tier(text, task_type="tags") for text in TEXTS]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "job.jsonl"


def test_a_job_is_sent_collected_and_costs_what_the_server_bills(decisions, path):
    seen = []
    with MessagesServer("[]", batch_polls=1) as server:
        client = server.client()
        job = BatchJob.create(path, decisions)
        assert server.calls == ()
        job.submit(client)
        assert job.collect(client) == ()
        assert not job.is_finished
        results = BatchJob.open(path).collect(client, check=checks.json_schema(), on_item=seen.append)
        assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd)
    assert list(results) == seen
    assert {result.id for result in results} == {decision.decision_id for decision in decisions}
    assert {(r.status, r.verdict, r.mode, r.text) for r in results} == {("passed", "clean", "batch", "[]")}
    job = BatchJob.open(path)
    assert job.is_finished
    assert job.results[seen[0].id] == seen[0]
    assert job.tasks[decisions[0].decision_id] == decisions[0].task
    status = job.status()
    assert (status.items, status.done, status.parts, status.sent, status.by_status) == (
        5,
        5,
        1,
        1,
        {"passed": 5},
    )


@pytest.mark.parametrize("name", ["extra_headers", "extra_query", "user_profile_id", "workspace_id"])
def test_what_is_sent_beside_a_body_is_refused_before_anything_is_sent(decisions, path, name):
    options = Options(other={name: {"x-team": "search"}})
    with pytest.raises(InvalidRequest, match=f"{name} is sent beside a request's body"):
        BatchJob.create(path, decisions, options=options)
    assert not path.exists()


def test_more_of_the_body_stands_in_the_body_of_an_item(decisions, path):
    options = Options(other={"extra_body": {"service_tier": "auto"}})
    with MessagesServer(["[]", Fault.error(529), "[]"]) as server:
        job = BatchJob.create(path, decisions[:2], options=options)
        job.submit(server.client())
        results = job.collect(server.client())
    assert {result.mode: result.status for result in results} == {"batch": "unchecked", "sync": "unchecked"}
    asked = [call.request for call in server.calls if call.endpoint in ("batch_item", "messages")]
    assert [each["service_tier"] for each in asked] == ["auto"] * 3
    assert all("extra_body" not in each for each in asked)


def test_in_asyncio_it_is_the_same(decisions, path):
    async def run(server):
        async with server.async_client() as client:
            job = BatchJob.create(path, decisions)
            await job.asubmit(client)
            return await job.acollect(client)

    with MessagesServer() as server:
        assert {result.status for result in asyncio.run(run(server))} == {"unchecked"}


def test_parts_are_of_one_tier_and_within_the_limits(decisions, path):
    opus = predict_tier("Plan our strategy for the coming year.", floor="opus")
    with MessagesServer() as server:
        job = BatchJob.create(path, [*decisions[:3], opus, *decisions[3:]], max_requests=2)
        job.submit(server.client())
        assert [len(each) for each in sent(server)] == [2, 2, 1, 1]
        results = job.collect(server.client())
    assert Counter(result.tier for result in results) == {"haiku": 5, "opus": 1}


def test_each_kind_of_result_is_handled_on_its_own(decisions, path):
    script = [
        Answer("[]"),
        Fault.error(400),
        Fault.error(529),
        Fault.expired(),
        Answer.refusal(),
        Answer("late"),
    ]
    with MessagesServer(script) as server:
        job = BatchJob.create(path, decisions)
        results = job.collect(server.client(), limits=QUICK, check=checks.json_schema())
        assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd)
    found = [(r.mode, r.status, r.verdict) for r in (job.results[d.decision_id] for d in decisions)]
    assert found == [
        ("batch", "passed", "clean"),
        ("batch", "error", None),
        ("sync", "failed", "failed"),
        ("sync", "failed", "failed"),
        ("batch", "refused", "refused"),
    ]


def test_after_the_wait_ceiling_the_batch_is_cancelled_and_its_items_run_in_sync_mode(decisions, path):
    import time

    late = 0.0
    clock = lambda: time.time() + late  # noqa: E731
    with MessagesServer(batch_polls=10) as server:
        client = server.client()
        job = BatchJob.create(path, decisions, clock=clock)
        assert job.collect(client) == ()
        late = 86_500.0
        assert job.collect(client) == ()  # cancels
        results = job.collect(client)
        assert {(result.mode, result.status) for result in results} == {("sync", "unchecked")}
        assert sum(result.cost_usd for result in results) == pytest.approx(server.cost_usd)


def test_what_somebody_else_cancelled_is_not_run(decisions, path):
    with MessagesServer(batch_polls=10) as server:
        client = server.client()
        job = BatchJob.create(path, decisions)
        job.submit(client)
        client.messages.batches.cancel(client.messages.batches.list().data[0].id)
        job.collect(client)
        results = job.collect(client) or tuple(job.results.values())
        assert {result.status for result in results} == {"canceled"}
        assert server.cost_usd == 0.0


@pytest.mark.parametrize("polls", [0, 5])
def test_a_batch_whose_answer_was_lost_is_found_again_and_not_sent_twice(decisions, path, polls):
    with MessagesServer(batch_polls=polls) as server:
        client = server.client()
        job = BatchJob.create(path, decisions)
        job.submit(client)
        crash_before(path, "sent")
        for _ in range(9):
            BatchJob.open(path).collect(client)
        assert BatchJob.open(path).is_finished
        assert len(sent(server)) == 1


def test_somebody_elses_batch_of_the_same_size_is_not_taken_for_ours(decisions, path):
    params = {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    foreign = [{"custom_id": f"foreign-{number}", "params": params} for number in range(5)]
    with MessagesServer(batch_polls=2) as server:
        client = server.client()
        BatchJob.create(path, decisions).submit(client)
        crash_before(path, "sent")
        client.messages.batches.create(requests=foreign)  # the newest of that size
        for _ in range(20):
            BatchJob.open(path).collect(client)
        job = BatchJob.open(path)
        assert job.is_finished
        assert {result.id for result in job.results.values()} == {d.decision_id for d in decisions}
        assert len(sent(server)) == 2  # ours once, theirs once


def test_a_crash_between_result_and_journal_asks_for_the_result_again_but_pays_once(decisions, path):
    with MessagesServer() as server:
        client = server.client()
        job = BatchJob.create(path, decisions)
        job.collect(client)
        before = server.cost_usd
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(
            b"".join(lines[:-2]) + lines[-2][:20]
        )  # the last two are lost, one was being written
        assert len(BatchJob.open(path).collect(client)) == 2
        assert server.cost_usd == before


def test_an_item_that_was_in_flight_in_sync_mode_says_so(decisions, path):
    with MessagesServer([*[Fault.expired()] * 5, Answer("[]")]) as server:
        client = server.client()
        BatchJob.create(path, decisions).collect(client)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]))  # died between the last begin and its done
        (result,) = BatchJob.open(path).collect(client)
        assert (result.mode, result.was_in_flight) == ("sync", True)


def test_errors_that_may_pass_leave_the_job_as_it_was(decisions, path):
    seen = Counter()

    def script(request):
        """All expire; asked again, the first meets a busy service three times."""
        text = request["messages"][0]["content"]
        seen[text] += 1
        if seen[text] == 1:
            return Fault.expired()
        return Fault.error(529) if text == TEXTS[0] and seen[text] <= 4 else Answer("[]")

    with MessagesServer(script) as server:
        client = server.client()
        job = BatchJob.create(path, decisions)
        others = job.collect(client, limits=QUICK)
        results = BatchJob.open(path).collect(client, limits=QUICK)
        assert (len(others), len(results)) == (4, 1)
        assert {(result.status, result.was_in_flight) for result in results} == {("unchecked", False)}
        with pytest.raises(AccountRefused):
            BatchJob.create(path.with_name("other.jsonl"), decisions).submit(server.client(api_key="no"))


def test_a_journal_is_checked_before_it_is_used(decisions, path):
    with pytest.raises(InvalidRequest, match="holds no job"):
        BatchJob.open(path)
    BatchJob.create(path, decisions)
    with pytest.raises(InvalidRequest, match="holds a job already"):
        BatchJob.create(path, decisions)
    with pytest.raises(InvalidRequest, match="at least one decision"):
        BatchJob.create(path.with_name("empty.jsonl"), [])
    head = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**head, "format": 99}) + "\n" + '{"kind": "planned"}\n')
    with pytest.raises(InvalidRequest, match="format 99"):
        BatchJob.open(path)
    path.write_text("[1]\n")
    with pytest.raises(InvalidRequest, match="no journal"):
        BatchJob.open(path)


def test_a_job_that_was_never_finished_writing_is_made_anew(decisions, path):
    BatchJob.create(path, decisions)
    crash_before(path, "planned")
    assert BatchJob.create(path, decisions).status().items == 5


def test_a_refused_account_is_not_asked_of_every_part(decisions, path):
    with MessagesServer("[]") as server:
        job = BatchJob.create(path, decisions, max_requests=1)
        job.submit(server.client())
        n_before = len(server.calls)
        with pytest.raises(AccountRefused):
            job.collect(server.client(api_key="no"))
        assert len(server.calls) - n_before == 1  # of five parts
        assert len(job.collect(server.client())) == 5


def crash_before(path, kind):
    """The journal as it is after a crash that lost this line and all after it."""
    kept = []
    for line in path.read_text().splitlines(keepends=True):
        if json.loads(line)["kind"] == kind:
            break
        kept.append(line)
    path.write_text("".join(kept))
