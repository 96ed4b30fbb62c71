"""Results of a batch that come partly, late, or not at all: nothing is sent twice."""

from __future__ import annotations

import pytest
from batch_runs import sent

from tierwise import Task
from tierwise.classifier.errors import BudgetExceeded, RequestRefused
from tierwise.router.run import Limits, checks
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Fault, MessagesServer

TASKS = [Task(f"Tag ticket {number}, JSON out", "tags", verifiable=True) for number in range(6)]
ONCE = Limits(max_retries=0)


class Kept:
    """The results that the API keeps of a server's only batch."""

    def __init__(self, server):
        batches = server._service.batches
        [self.batch] = batches.newest_first()
        batches.poll(self.batch)
        self._all, self._delete = self.batch.results, batches.delete

    def show(self, n_items):
        self.batch.results = self._all[:n_items]

    def delete(self):
        self._delete(self.batch)


@pytest.fixture
def server():
    with MessagesServer("[]") as made:
        yield made


def test_what_has_come_is_taken_and_the_rest_when_it_comes(server, router, tmp_path):
    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    kept = Kept(server)
    kept.show(4)
    assert len(router.collect_batch(job, check=checks.json_schema())) == 4
    assert router.collect_batch(job, check=checks.json_schema()) == ()
    kept.show(6)
    assert len(router.collect_batch(job, check=checks.json_schema())) == 2
    assert job.status().by_status == {"passed": 6}
    attempts = router.log.attempts()
    assert (len(sent(server)), len(attempts)) == (1, 6)
    assert sum(each.cost_usd for each in attempts) == pytest.approx(server.cost_usd)


def test_what_never_comes_is_run_at_once_past_the_wait_ceiling(server, router, tmp_path):
    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    Kept(server).show(5)
    assert len(router.collect_batch(job)) == 5
    late = BatchJob.open(tmp_path / "job", clock=lambda: job._clock() + 90_000)
    [last] = router.collect_batch(late)
    assert (last.mode, last.status, len(sent(server))) == ("sync", "unchecked", 1)


def test_what_is_run_at_once_is_within_the_limit_of_a_task(server, router, tmp_path):
    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    server.then(*[Fault.expired()] * 5)
    poor, rich = Limits(max_usd=1e-9), Limits(max_usd=0.01)
    [first] = router.collect_batch(job, limits=poor)
    assert first.mode == "batch"
    with pytest.raises(
        BudgetExceeded, match=r"expected to cost 0.000\d+ USD .* Raise Limits.max_usd and collect"
    ):
        router.collect_batch(job, limits=poor)
    assert {call.endpoint for call in server.calls} == {"batches", "batch_item"}
    assert [each.mode for each in router.collect_batch(job, limits=rich)] == ["sync"] * 5
    assert job.is_finished


def test_a_batch_that_was_taken_at_its_size_is_known_by_a_part_of_its_results(server, router, tmp_path):
    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    kept = Kept(server)
    [part] = job.parts
    part.is_proved = False  # as where the answer to its making was lost
    kept.show(0)
    assert router.collect_batch(job) == ()
    kept.show(2)
    assert len(router.collect_batch(job)) == 2
    kept.show(6)
    assert len(router.collect_batch(job)) == 4
    assert len(sent(server)) == 1


def test_a_batch_that_is_gone_is_named(server, router, tmp_path):
    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    Kept(server).delete()
    [part] = job.parts
    with pytest.raises(RequestRefused, match=f"There is no batch {part.batch_id}: it was deleted"):
        router.collect_batch(job, limits=ONCE)
    assert len(sent(server)) == 1


def test_results_that_are_no_longer_kept_are_named(server, router, tmp_path, monkeypatch):
    from tierwise.testing import _batches

    job = router.submit_batch(TASKS, journal=tmp_path / "job")
    Kept(server)
    said = _batches.as_json
    monkeypatch.setattr(_batches, "as_json", lambda *given: {**said(*given), "results_url": None})
    with pytest.raises(RequestRefused, match="keeps no results of msgbatch_.* for 29 days"):
        router.collect_batch(job, limits=ONCE)
