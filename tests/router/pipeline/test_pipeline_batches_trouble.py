"""Batches of pipelines in trouble: budgets, a busy service, refusals, cancellation, a log that goes away."""

from __future__ import annotations

import asyncio
import threading

import pytest
from batch_runs import OFTEN, SWARM, N, asked, sent
from pipeline_runs import BRIEF, OWN, TAGS, answer, run

from tierwise import OutcomeLog, Pipeline, Router, Step
from tierwise.classifier.errors import AccountRefused, InvalidRequest, JournalError
from tierwise.router.run import Limits
from tierwise.testing import Answer, MessagesServer


def test_a_budget_is_kept_over_both_modes_and_a_larger_one_goes_on(tmp_path):
    with MessagesServer(
        lambda request: Answer(answer(request), input_tokens=100, output_tokens=400)
    ) as server:
        done = run(server, SWARM, journal=tmp_path / "j", max_usd=0.12, **OFTEN)
        assert done.summary.stopped == "budget"
        assert server.cost_usd <= 0.12
        assert done.cost_usd == pytest.approx(server.cost_usd)
        done = run(server, SWARM, journal=tmp_path / "j", max_usd=5.0, **OFTEN)
        assert done.is_done
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert sorted(asked(server)) == ["Draft", "Write"]
        assert sum(map(len, sent(server))) == N


def test_a_busy_service_is_asked_again_later():
    with MessagesServer(answer) as server:
        real, n_left = server._service._batches, [3]

        def batches(*given):
            n_left[0] -= 1
            return server._service._failed(("v1", "batches"), 529, "busy") if n_left[0] >= 0 else real(*given)

        server._service._batches = batches
        done = run(server, SWARM, limits=Limits(max_retries=0), **OFTEN)
        assert n_left[0] < -1
        assert len(sent(server)) == 1
    assert done.is_done


def test_a_service_that_stays_busy_ends_the_run_after_twenty_errors(tmp_path):
    """Nothing is asked of a batch that could not be sent, so nothing that succeeds comes between them."""
    with MessagesServer(answer) as server:
        real, n_errors = server._service._batches, [0]

        def busy(*given):
            n_errors[0] += 1
            is_over = n_errors[0] > 60  # so that the test ends, whatever the rule does
            return real(*given) if is_over else server._service._failed(("v1", "batches"), 529, "busy")

        server._service._batches = busy
        once = {"journal": tmp_path / "j", "limits": Limits(max_retries=0), **OFTEN}
        done = run(server, SWARM, **once)
        assert (done.summary.stopped, n_errors[0]) == ("errors", 20)
        server._service._batches = real
        assert run(server, SWARM, **once).is_done
        assert [len(each) for each in sent(server)] == [N]


def test_a_batch_that_is_refused_ends_the_run_and_loses_nothing(tmp_path):
    with MessagesServer(answer) as server:
        real = server._service._batches
        server._service._batches = lambda *given: server._service._failed(
            ("v1", "batches"), 403, "no batches"
        )
        with pytest.raises(AccountRefused):
            run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        server._service._batches = real
        assert run(server, SWARM, journal=tmp_path / "j", **OFTEN).is_done
        assert [len(each) for each in sent(server)] == [N]
        assert asked(server)["Write"] == N


async def cancelled(server, journal):
    """A run of all, until only the batch is left."""
    async with server.async_client() as client, Router(client=client) as router:
        run_ = router.arun_pipeline(OWN, SWARM, journal=journal, batch_every_s=0.05)
        running = asyncio.create_task(run_)
        while not sent(server) or asked(server)["Draft"] < N:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)


def test_cancelled_in_asyncio_a_batch_goes_on_and_is_collected_by_the_next_run(tmp_path):
    with MessagesServer(answer, batch_polls=10**6) as server:
        asyncio.run(cancelled(server, tmp_path / "j"))
        server._service.batches.newest_first()[0].polls_left = 0
        done = run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        assert done.is_done
        assert [len(each) for each in sent(server)] == [N]
        assert done.cost_usd == pytest.approx(server.cost_usd)
        assert done.summary.in_flight == ()


def test_a_run_of_fewer_articles_collects_what_an_earlier_one_sent_and_leaves_the_rest_of_it(tmp_path):
    with MessagesServer(answer, batch_polls=10**6) as server:
        asyncio.run(cancelled(server, tmp_path / "j"))
        server._service.batches.newest_first()[0].polls_left = 0
        done = run(server, SWARM[:5], journal=tmp_path / "j", max_usd=1.0, **OFTEN)
        assert done.is_done
        assert {article.steps["tags"].mode for article in done.articles} == {"batch"}
        assert (tmp_path / "j.batches" / "1.jsonl").exists()  # the others' answers
        done = run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        assert done.is_done
        assert [len(each) for each in sent(server)] == [N]
        assert done.cost_usd == pytest.approx(server.cost_usd)
    assert not (tmp_path / "j.batches").exists()


def test_what_somebody_else_cancelled_fails_and_is_run_by_the_next_run(tmp_path):
    def cancel(note):
        timer.start()

    with MessagesServer(answer, batch_polls=10**6) as server, server.client() as client:
        batches = client.messages.batches
        timer = threading.Timer(0.5, lambda: batches.cancel(batches.list().data[0].id))
        done = run(server, SWARM, journal=tmp_path / "j", on_batch=cancel, **OFTEN)
        timer.join()
        assert {article.failed_step for article in done.articles} == {"tags"}
        tags = done.articles[0].steps["tags"]
        assert (tags.error, tags.cost_usd) == ("StepFailed", 0.0)
        assert tags.detail.startswith("Step 'tags' of article 1: somebody cancelled its batch.")
        assert run(server, SWARM, journal=tmp_path / "j", **OFTEN).is_done
        assert [len(each) for each in sent(server)] == [N]
        assert asked(server)["Assign"] == N


def test_a_journal_of_a_batch_that_is_gone_is_said(tmp_path):
    with MessagesServer(answer, batch_polls=10**6) as server:
        with pytest.raises(RuntimeError, match="enough"):
            run(server, SWARM, journal=tmp_path / "j", on_batch=lambda note: fail(), **OFTEN)
        (tmp_path / "j.batches" / "1.jsonl").rename(tmp_path / "elsewhere")
        with pytest.raises(JournalError, match=r"1\.jsonl is gone. Put it back"):
            run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        assert sent(server) == []
        (tmp_path / "elsewhere").rename(tmp_path / "j.batches" / "1.jsonl")
        server._service.batches.polls = 0
        assert run(server, SWARM, journal=tmp_path / "j", **OFTEN).is_done
        assert [len(each) for each in sent(server)] == [N]


def fail():
    raise RuntimeError("enough")


def test_a_log_that_goes_away_stops_no_batch(tmp_path):
    log = OutcomeLog(tmp_path / "log.db")
    away = Step("away", function=lambda fields, outputs: log.close())
    pipeline = Pipeline("own", [BRIEF, away, TAGS])
    with MessagesServer(answer) as server:
        done = run(server, SWARM, pipeline=pipeline, log=log, concurrency=1, **OFTEN)
        assert [len(each) for each in sent(server)] == [N]
    assert done.is_done


def test_what_a_kill_left_of_a_batch_that_is_done_with_is_removed_by_the_next_run(tmp_path):
    folder = tmp_path / "j.batches"
    with MessagesServer(answer) as server:
        run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        folder.mkdir()
        (folder / "1.jsonl").write_text("prompts")  # killed before it was removed
        (folder / "2.jsonl").write_text("prompts")  # killed before it was sent
        run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        assert not folder.exists()
        folder.mkdir()
        (folder / "notes.txt").write_text("somebody's own")
        run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_folder_for_batches_that_can_not_be_used_is_said(tmp_path):
    with MessagesServer(answer) as server:
        (tmp_path / "j.batches" / "1.jsonl").mkdir(parents=True)  # no file, so it can't be removed
        with pytest.raises(JournalError, match=r"j\.batches for the journals of batches can't be used"):
            run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        (tmp_path / "j.batches" / "1.jsonl").rmdir()
        (tmp_path / "j.batches").rmdir()
        (tmp_path / "j.batches").write_text("a file")
        with pytest.raises(JournalError, match=r"can't be used .*Put that right, and run the same again"):
            run(server, SWARM, journal=tmp_path / "j", **OFTEN)
        (tmp_path / "j.batches").unlink()
        assert run(server, SWARM, journal=tmp_path / "j", **OFTEN).is_done


@pytest.mark.parametrize("every_s", [-1, True, "1", float("nan"), float("inf"), 86_401])
def test_seconds_between_looks_are_a_number(every_s):
    with (
        MessagesServer(answer) as server,
        pytest.raises(InvalidRequest, match="batch_every_s must be a number of seconds from 0 to 86,400"),
    ):
        run(server, SWARM, batch_every_s=every_s)
