"""Threads, processes and forks write into one log, and all of it is there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pandas as pd
import pytest
from packages import SUPPORT
from small_decisions import NOON, decided
from small_router import TEXTS, kept, rebuilt

from tierwise import TierModel
from tierwise.data import CHAMPION

WRITING = """
import sys
from small_decisions import decided
from tierwise import OutcomeLog
url, writer, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
with OutcomeLog(url) as log:
    for number in range(n):
        decision = decided(f"{writer}-{number}", task_type=f"type {number % 3}")
        log.record_outcome(decision, "clean" if number % 2 else "failed", learn=lambda outcome, states: states.put(
            "m1", 0, b"s", 1 + sum(each.n_outcomes for each in states.get("m1").values())))
"""


def learned(log) -> dict[str, int]:
    types = ("type 0", "type 1", "type 2")
    return {task_type: log.states_of(task_type, "m1")[0].n_outcomes for task_type in types}


def test_processes_that_write_at_once_lose_nothing_and_learn_everything(log_url, open_log):
    log = open_log()
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITING, log_url, str(n), "60"], env=environment)
        for n in range(4)
    ]
    assert [writer.wait(timeout=300) for writer in writers] == [0] * 4
    stats = log.stats()
    assert (stats.n_decisions, stats.n_outcomes, stats.n_without_verdict) == (240, 240, 0)
    assert learned(log) == dict.fromkeys(("type 0", "type 1", "type 2"), 80)


LEARNING = """
import sys
from tierwise import OutcomeLog, Router
url, writer, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
with OutcomeLog(url, timeout_s=600.0) as log, Router(log=log) as router:
    for number in range(n):
        verdict = ("clean", "clean", "corrected", "failed")[number % 4]
        router.record_outcome(f"{writer}-{number}", verdict)
"""


@pytest.mark.parametrize("each", [40, pytest.param(10_000, marks=pytest.mark.slow)])
def test_of_eight_processes_no_outcome_is_lost_and_what_was_learned_is_what_the_rows_build(
    log_url, open_log, each
):
    log, kinds, model = open_log(), [f"type {n}" for n in range(5)], TierModel.load(CHAMPION)
    ids = [f"{writer}-{number}" for writer in range(8) for number in range(each)]
    frame = pd.DataFrame(
        {
            "decision_id": ids,
            "specification": [TEXTS[n % len(TEXTS)] for n in range(len(ids))],
            "task_type": [kinds[n % len(kinds)] for n in range(len(ids))],
            "tier": [model.tiers[n % len(model.tiers)] for n in range(len(ids))],
            "decided_at": pd.Timestamp(NOON),
        }
    )
    log.import_frame(frame)
    command = [sys.executable, "-c", LEARNING, log_url]
    writers = [subprocess.Popen([*command, str(n), str(each)]) for n in range(8)]
    assert [writer.wait(timeout=3_600) for writer in writers] == [0] * 8
    stats = log.stats()
    assert (stats.n_outcomes, stats.n_without_verdict) == (8 * each, 0)
    for kind in kinds:
        assert kept(log, kind, model) == rebuilt(log, kind, model)


def test_threads_share_one_log(log):
    decisions = [decided(f"d{number}", task_type=f"type {number % 3}") for number in range(120)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda decision: log.record_outcome(decision, "clean"), decisions))
        counts = list(threads.map(log.history, ["type 0", "type 1", "type 2"] * 10))
    assert counts == [{"sonnet": (40, 0)}] * 30


def test_the_same_outcome_from_many_threads_is_one(log):
    log.record_decision(decided("d1"))
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda _: log.record_outcome("d1", "clean"), range(36)))
    assert sum(outcome.is_new for outcome in found) == 1
    assert log.stats().n_outcomes == 1


def test_contradicting_verdicts_at_once_leave_exactly_one_that_counts(log):
    log.record_decision(decided("d1"))
    verdicts = ["clean", "failed", "corrected", "refused"] * 6
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda verdict: log.record_outcome("d1", verdict), verdicts))
    assert log.stats().n_without_verdict == 0
    assert len(log.to_pandas()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_writes_with_connections_of_its_own(log):
    log.record_outcome(decided("before"), "clean")
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            try:
                for each in range(20):
                    log.record_outcome(decided(f"child {number} {each}"), "clean")
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    for each in range(20):
        log.record_outcome(decided(f"parent {each}"), "clean")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert log.history("meta") == {"sonnet": (81, 0)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_is_in_a_transaction_disturbs_neither(log):
    inside, done = threading.Event(), threading.Event()

    def holds() -> None:
        with log.type_states("other") as states:
            states.put("m1", 0, b"x", 1)
            inside.set()
            done.wait(60)

    thread = threading.Thread(target=holds)
    thread.start()
    assert inside.wait(60)
    child = os.fork()
    if child == 0:
        try:
            known = log.history("meta")  # reading needs no lock that the parent holds
            os._exit(0 if known == {} else 2)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    done.set()
    thread.join()
    assert log.states_of("other", "m1")[0].n_outcomes == 1


def test_a_long_import_holds_up_no_other_writer_while_it_reads(log, open_log):
    """The rows are staged first; only the last step needs the write lock."""
    from tierwise.router.log.files._import import import_rows

    writer = open_log(timeout_s=0.5)

    def rows():
        for number in range(5_000):
            if number == 4_500:
                writer.record_outcome(decided("meanwhile"), "clean")
            yield (
                number,
                {"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "task_type": "meta"},
            )

    report = import_rows(log._database, rows(), store_text="full", now=log._now(), partial=False, what="row")
    assert report.n_decisions == 5_000
    assert log.history("meta") == {"haiku": (5_000, 0), "sonnet": (1, 0)}


IMPORTED = {"decision_id": "d2", "task_type": "meta", "tier": "haiku", "verdict": "clean", "at": NOON}


@pytest.mark.parametrize(
    "change",
    [
        lambda log: log.forget(decision_id="d1"),
        lambda log: log.forget(task_type="meta"),
        lambda log: log.import_frame(pd.DataFrame([IMPORTED])),
    ],
    ids=["forget one", "forget the type", "import"],
)
def test_who_changes_the_rows_waits_for_who_learns_from_them(log, open_log, change):
    """Else what was learned from the rows of before would be written over its removal, and stay."""
    for decision_id in ("d0", "d1"):
        log.record_outcome(decided(decision_id), "clean")
    with ThreadPoolExecutor(1) as pool:
        with open_log().type_states("meta") as states:
            n_rows = len(list(states.rows()))
            changing = pool.submit(change, log)
            assert not wait([changing], timeout=0.5).done
            states.put("m1", 0, b"learned", n_rows)
        changing.result(timeout=30)
    assert log.states_of("meta", "m1") == {}
