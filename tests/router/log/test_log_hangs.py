"""A PostgreSQL server that hangs, and one where somebody holds a lock: work goes on, and the log catches up."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager

import pytest
from small_decisions import decided
from sqlalchemy import text

from tierwise import OutcomeLog, Router, TierModel
from tierwise.classifier.errors import LogError, LogUnavailable
from tierwise.data import CHAMPION

HANGS = "answer_timeout=0.5&connect_timeout=2"
TASK = "Tag these 40 tickets by product area"


def with_limits(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{HANGS}"


@contextmanager
def silent_server():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql+psycopg://somebody@127.0.0.1:{server.getsockname()[1]}/log"


@contextmanager
def stopped(pids: list[int]):
    """These processes of the server do nothing, as on a machine that hangs."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def locked_for_all(url: str):
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as holder:
        for table in ("tierwise_decisions", "tierwise_outcomes", "tierwise_type_states"):
            holder.execute(f"LOCK {table} IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


def backends(url: str) -> list[int]:
    """Of this database, but for the one that asks."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as admin:
        found = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in found]


def seconds(call) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_a_server_that_takes_connections_and_says_nothing_is_an_error():
    with silent_server() as url:
        started = time.monotonic()
        with pytest.raises(LogUnavailable, match="timeout"):
            OutcomeLog(with_limits(url))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "use",
    [
        lambda log: log.history("tag"),
        lambda log: log.record_decision(decided("d2")),
        lambda log: log.record_outcome("d1", "failed"),
    ],
)
def test_a_server_that_hangs_while_it_is_asked_is_an_error_and_its_connection_is_given_up(postgres_url, use):
    with OutcomeLog(with_limits(postgres_url), timeout_s=0.2) as log:
        log.record_outcome(decided("d1"), "clean")
        log.history("meta")  # there is a connection for either kind of work
        with stopped(backends(postgres_url)):
            started = time.monotonic()
            with pytest.raises(LogUnavailable, match=r"no answer within 0\.7 s"):
                use(log)
            assert time.monotonic() - started < 10
        assert log.history("meta") == {"sonnet": (1, 0)}  # by another connection


def test_decisions_go_on_while_the_server_hangs_and_are_logged_when_it_is_back(postgres_url):
    model = TierModel.load(CHAMPION)
    with (
        OutcomeLog(with_limits(postgres_url)) as log,
        Router(model, log=log, log_wait_s=0.1) as router,
    ):
        first = router.decide(TASK, task_type="tag")
        router.record_outcome(first, "clean")
        with stopped(backends(postgres_url)):
            assert seconds(lambda: router.decide(TASK, task_type="tag")) < 10
            assert seconds(lambda: [router.decide(TASK, task_type="tag") for _ in range(50)]) < 10
            assert router.unlogged >= 51
        router._logged._recorder.away.tried_again()
        router.decide(TASK, task_type="tag")
        assert (router.unlogged, log.stats().n_decisions) == (0, 53)


def test_decisions_go_on_while_somebody_holds_the_tables(postgres_url):
    model = TierModel.load(CHAMPION)
    with (
        OutcomeLog(with_limits(postgres_url)) as log,
        Router(model, log=log, log_wait_s=0.1) as router,
    ):
        router.record_outcome(router.decide(TASK, task_type="tag"), "clean")
        with locked_for_all(postgres_url):
            assert seconds(lambda: [router.decide(TASK, task_type="tag") for _ in range(50)]) < 10
            assert router.unlogged == 50
        router._logged._recorder.away.tried_again()
        router.decide(TASK, task_type="tag")
        assert (router.unlogged, log.stats().n_decisions) == (0, 52)


def test_an_analysis_may_take_longer_than_an_answer(postgres_url):
    with (
        OutcomeLog(with_limits(postgres_url), timeout_s=0.2) as log,
        log._database.read() as connection,
    ):
        assert connection.execute(text("SELECT 1 FROM pg_sleep(1)")).scalar() == 1


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan", "inf"])
def test_a_limit_in_the_url_that_is_no_time_is_an_error(given):
    with pytest.raises(LogError, match="answer_timeout in the url of the log must be seconds"):
        OutcomeLog(f"postgresql+psycopg://somebody:secret@127.0.0.1:1/log?answer_timeout={given}")
