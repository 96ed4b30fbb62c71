"""The journal of a job: cut anywhere, nothing is lost, nothing is paid twice but what was in flight."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource

import pytest

from tierwise import OutcomeLog, Router
from tierwise.classifier.errors import JournalError
from tierwise.router.run import checks
from tierwise.router.run.jobs import arun_many, run_many
from tierwise.router.run.jobs._journal import JournalFile
from tierwise.router.run.jobs._past import Past
from tierwise.router.run.jobs._state import JobState
from tierwise.testing import MessagesServer

CHECK = checks.json_schema({"type": "array"})
TASKS = [{"id": f"t{number}", "specification": f"Tag ticket {number}, JSON out"} for number in range(4)]


def answer_of_haiku(request):
    return "Sure!" if "ticket 1," in request["messages"][0]["content"] else "[1]"


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Of a whole job, one task at a time; task t1 fails at Haiku and passes at Sonnet."""
    with MessagesServer({"haiku": answer_of_haiku, "*": "[2]"}) as server:
        path = tmp_path_factory.mktemp("whole") / "job"
        with Router(client=server.client()) as router:
            run_many(router, TASKS, journal=path, check=CHECK, concurrency=1)
        return path.read_bytes()


def run_again(path, **options):
    """The same job on a server of its own: the summary, and (ticket, model) of each call."""
    with MessagesServer({"haiku": answer_of_haiku, "*": "[2]"}) as server:
        with Router(client=server.client()) as router:
            summary = run_many(router, TASKS, journal=path, check=CHECK, concurrency=1, **options)
        calls = [
            ("t" + call.request["messages"][0]["content"].split()[2].strip(","), call.model.split("-")[1])
            for call in server.calls
        ]
    return summary, calls


def test_a_journal_that_ends_anywhere_goes_on_from_there(journal, tmp_path):
    everything = [("t0", "haiku"), ("t1", "haiku"), ("t1", "sonnet"), ("t2", "haiku"), ("t3", "haiku")]
    lines = journal.splitlines(keepends=True)
    assert [json.loads(line)["kind"] for line in lines].count("attempt") == len(everything)
    for n_lines in range(len(lines) + 1):
        for half in (0, 20) if n_lines < len(lines) else (0,):
            path = tmp_path / f"{n_lines}-{half}"
            path.write_bytes(b"".join(lines[:n_lines]) + (lines[n_lines][:half] if half else b""))
            kept = [json.loads(line) for line in lines[:n_lines]]
            done = {line["key"] for line in kept if line["kind"] == "done"}
            begun = {line["key"] for line in kept if line["kind"] == "begin"} - done
            failed = {
                (line["key"], line["attempt"]["tier"])
                for line in kept
                if line["kind"] == "attempt" and line["attempt"]["verdict"] == "failed"
            }
            summary, calls = run_again(path)
            assert summary.by_status == {"passed": 4}
            assert summary.cut_bytes == half
            assert calls == [call for call in everything if call[0] not in done and call not in failed]
            assert {result.key for result in summary.results if result.was_in_flight} == begun
            assert set(summary.in_flight) == begun
            assert all(result.text == ("[2]" if result.key == "t1" else "[1]") for result in summary.results)
            known_usd = sum(line["attempt"]["cost_usd"] for line in kept if line["kind"] == "attempt")
            assert summary.cost_usd >= known_usd
            assert summary.cost_is_exact is not bool(begun)
            _, calls = run_again(path)
            assert calls == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not ours\n", "is no journal of a job, or was altered: line 1"),
        (b"a text without an end of line", "line 1 can't be read"),
        (b'{"kind": "job", "format": 1, "made_at": 0}\n', "line 1 can't be read"),  # of a batch
        (b'{"kind": "item"}\n', "line 1 can't be read"),
        (b'{"kind": "run", "format": 1}\n[]\n{"kind": "begin"}\n', "line 2 can't be read"),
        (b'{"kind": "run", "format": 1}\n{"kind": "begin", "key": "a"}\n', "a line lacks 'digest'"),
        (b'{"kind": "run", "format": 1}\n{"kind": "sent", "key": "a"}\n', "a line lacks 'sent'"),
        (b'{"kind": "run", "format": 99}\n', "has format 99; this tierwise reads up to 2"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path, content, message):
    path = tmp_path / "job"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=message):
        run_again(path)
    assert path.read_bytes() == content


def test_a_journal_that_cannot_be_opened_is_a_clear_error(tmp_path):
    with pytest.raises(JournalError, match=r"can't be opened \(No such file or directory\)"):
        run_again(tmp_path / "nowhere" / "job")


def test_only_one_process_works_on_a_journal(journal, tmp_path):
    path = tmp_path / "job"
    path.write_bytes(journal)
    held = JournalFile(path)
    with pytest.raises(JournalError, match="Another process is working on the journal"):
        run_again(path)
    held.close()
    assert run_again(path)[1] == []


def test_what_is_written_after_the_end_is_an_error_and_reaches_no_other_file(tmp_path):
    held = JournalFile(tmp_path / "job")
    held.close()
    with open(tmp_path / "other", "wb"), pytest.raises(JournalError, match="can't be written"):
        held.write({"kind": "begin"})
    assert (tmp_path / "other").read_bytes() == b""


@pytest.fixture
def largest_file():
    """Files of this process may have so many bytes: a write that the system cuts short and then refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(n_bytes):
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("n_bytes", [90, 200, 700, 1_000, 1_600])
def test_a_write_that_is_refused_is_a_clear_error_and_loses_no_line(journal, tmp_path, largest_file, n_bytes):
    path = tmp_path / "job"
    largest_file(n_bytes)
    with pytest.raises(JournalError, match=r"can't be written \(File too large\).*run the same again"):
        run_again(path)
    kept = path.read_bytes()
    assert kept.endswith(b"\n")
    assert json.loads(kept.splitlines()[0])["kind"] == "run"
    largest_file(10**9)
    summary, _ = run_again(path)
    assert (summary.by_status, summary.cut_bytes) == ({"passed": 4}, 0)
    assert path.read_bytes().startswith(kept)


def test_a_full_disk_ends_the_job_and_it_goes_on_when_there_is_room(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (2 * 1024 * 1024 - 8_192))
    tasks = [f"Tag ticket {number}, JSON out" for number in range(40)]
    with MessagesServer("[1]") as server, Router(client=server.client()) as router:
        seen = []
        with pytest.raises(JournalError, match="No space left on device"):
            run_many(router, tasks, journal=small_disk / "job", on_result=seen.append)
        n_calls = len(server.calls)
        assert 0 < n_calls < 40
        assert len(seen) == n_calls  # what was in flight came back, though it couldn't be written down
        filler.unlink()
        summary = run_many(router, tasks, journal=small_disk / "job")
        assert summary.by_status == {"unchecked": 40}
        twice = len(server.calls) - 40
    assert 0 <= twice <= len(summary.in_flight) <= 8


def test_the_cost_is_the_same_in_whichever_order_the_tasks_ended():
    costs = {"t0": 3.9e-05, "t1": 3.65e-05, "t2": 4e-05, "t3": 1e-07}
    found = set()
    for order in itertools.permutations(costs):
        past = Past(None)
        for key in order:
            attempt = {"tier": "haiku", "verdict": "clean", "cost_usd": costs[key]}
            past.write({"kind": "attempt", "key": key, "attempt": attempt})
        found.add(past.cost_usd)
    assert len(found) == 1


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("check", "status"), [(checks.json_schema(), "failed"), (None, "unchecked")])
def test_the_journal_knows_of_no_answer_that_the_log_does_not_have(
    tmp_path, monkeypatch, is_async, check, status
):
    """Else one who dies in between makes it never again, and the log never hears what it took or failed at."""
    told = JobState.attempted
    seen = []

    def attempted(job, begin, attempt):
        with OutcomeLog(tmp_path / "log.db") as log:  # as another process sees it
            seen.append(attempt.decision_id in {row.decision_id for row in log.attempts()})
        told(job, begin, attempt)

    monkeypatch.setattr(JobState, "attempted", attempted)
    given = {"journal": tmp_path / "job", "check": check}

    async def go(server):
        async with server.async_client() as client, Router(log=tmp_path / "log.db", client=client) as router:
            return await arun_many(router, ["Tag a ticket, JSON out"], **given)

    with MessagesServer("Sure!") as server:
        if is_async:
            summary = asyncio.run(go(server))
        else:
            with Router(log=tmp_path / "log.db", client=server.client()) as router:
                summary = run_many(router, ["Tag a ticket, JSON out"], **given)
    assert summary.by_status == {status: 1}
    assert len(seen) == len(summary.results[0].attempts)
    assert all(seen)
