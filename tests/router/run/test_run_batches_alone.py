"""The journal of a batch: one process at a time, a full disk, a look while another writes."""

from __future__ import annotations

import errno
import os
import threading

import pytest
from batch_runs import sent

from tierwise import predict_tier
from tierwise.classifier.errors import InvalidRequest, JournalError, ServiceBusy
from tierwise.router.run import Limits
from tierwise.router.run.batches import BatchJob
from tierwise.testing import Answer, Fault, MessagesServer


def decisions(n_items):
    return [predict_tier(f"Tag ticket {number}, JSON out") for number in range(n_items)]


class Expired:
    """Every item, in the batch; asked again in sync mode it is answered slowly."""

    def __init__(self):
        self.seen = set()

    def __call__(self, request):
        text = request["messages"][0]["content"]
        if text in self.seen:
            return Answer("[]", delay_s=0.05)
        self.seen.add(text)
        return Fault.expired()


def test_two_collectors_pay_once(tmp_path):
    with MessagesServer(Expired()) as server:
        made = BatchJob.create(tmp_path / "job", decisions(8))
        made.submit(server.client())
        others = [BatchJob.open(tmp_path / "job") for _ in range(2)]
        troubles = []

        def collect(job):
            try:
                job.collect(server.client())
            except JournalError as error:
                troubles.append(str(error))

        threads = [threading.Thread(target=collect, args=(job,)) for job in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(troubles) == 1
        assert "Another process is working" in troubles[0]
        assert sum(call.endpoint == "messages" for call in server.calls) == 8
        made.collect(server.client())  # an object that has not seen what the other one did
        assert sum(call.endpoint == "messages" for call in server.calls) == 8
        assert made.is_finished


def test_two_that_submit_make_one_batch(tmp_path):
    with MessagesServer("[]") as server:
        one = BatchJob.create(tmp_path / "job", decisions(3))
        other = BatchJob.open(tmp_path / "job")
        one.submit(server.client())
        other.submit(server.client())
        assert len(sent(server)) == 1


def test_a_job_is_not_planned_over_one_that_was_planned_meanwhile(tmp_path):
    def slow():
        BatchJob.create(tmp_path / "job", decisions(3))  # by another process, say
        yield from decisions(2)

    with pytest.raises(InvalidRequest, match="holds a job already"):
        BatchJob.create(tmp_path / "job", slow())
    assert BatchJob.open(tmp_path / "job").status().items == 3


def test_a_file_of_another_kind_is_left_alone(tmp_path):
    (tmp_path / "notes").write_text("no line end")
    with pytest.raises(InvalidRequest, match="no journal of a batch job"):
        BatchJob.create(tmp_path / "notes", decisions(1))
    assert (tmp_path / "notes").read_text() == "no line end"


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    """What was taken of the line is removed, and the job goes on when there is room."""
    with MessagesServer("[]") as server:
        job = BatchJob.create(tmp_path / "job", decisions(3))
        real, n_left = os.write, [10]

        def write(file, content):
            if not os.path.samestat(os.fstat(file), os.stat(tmp_path / "job")):
                return real(file, content)
            if not n_left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = real(file, bytes(content)[: n_left[0]])
            n_left[0] -= taken
            return taken

        monkeypatch.setattr(os, "write", write)
        with pytest.raises(JournalError, match="No space left on device"):
            job.submit(server.client())
        monkeypatch.setattr(os, "write", real)
        assert not server.calls
        job.collect(server.client())
    again = BatchJob.open(tmp_path / "job")
    assert again.is_finished
    assert again.status().by_status == {"unchecked": 3}


def test_who_only_looks_cuts_nothing(tmp_path):
    """A last line without its end may be one that another process is writing."""
    BatchJob.create(tmp_path / "job", decisions(2))
    with open(tmp_path / "job", "ab") as file:
        file.write(b'{"kind": "sending", "pa')
    size = (tmp_path / "job").stat().st_size
    job = BatchJob.open(tmp_path / "job")
    assert job.status().waiting == 2
    assert (tmp_path / "job").stat().st_size == size
    with MessagesServer("[]") as server:
        job.collect(server.client())
    assert BatchJob.open(tmp_path / "job").is_finished


def test_a_journal_that_cannot_be_made(tmp_path):
    with pytest.raises(JournalError, match="can't be opened"):
        BatchJob.create(tmp_path / "no" / "folder" / "job", decisions(1))
    (tmp_path / "other").write_text("a\n")
    with pytest.raises(InvalidRequest, match="no journal of a batch job"):
        BatchJob.open(tmp_path / "other")


class Down:
    """These items expire, and whoever asks for them again meets a busy service."""

    def __init__(self, *items):
        self.items, self.seen, self.is_up = items, set(), False

    def __call__(self, request):
        text = request["messages"][0]["content"]
        if int(text.split()[2].strip(",")) not in self.items:
            return Answer("[]")
        if text not in self.seen:
            self.seen.add(text)
            return Fault.expired()
        return Answer("[]") if self.is_up else Fault.error(529)


def test_an_item_without_an_answer_holds_no_other(tmp_path):
    script, quick = Down(0), Limits(max_retries=0)
    with MessagesServer(script) as server:
        job = BatchJob.create(tmp_path / "job", decisions(6))
        assert len(job.collect(server.client(), limits=quick)) == 5
        with pytest.raises(ServiceBusy):  # nothing else has come
            job.collect(server.client(), limits=quick)
        assert job.status().waiting == 1
        script.is_up = True
        [last] = job.collect(server.client(), limits=quick)
    assert (last.mode, last.status, last.n_requests) == ("sync", "unchecked", 3)
    assert job.is_finished


def test_an_outage_is_not_asked_for_every_item(tmp_path):
    with MessagesServer(Down(*range(40))) as server:
        job = BatchJob.create(tmp_path / "job", decisions(40))
        with pytest.raises(ServiceBusy):
            job.collect(server.client(), limits=Limits(max_retries=0), concurrency=4)
        assert 3 <= sum(call.endpoint == "messages" for call in server.calls) <= 3 + 4
