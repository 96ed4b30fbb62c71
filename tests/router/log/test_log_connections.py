"""Connections to a server that went away meanwhile are not handed out."""

from __future__ import annotations

import time

import pytest
from small_decisions import decided
from sqlalchemy import event, text

from tierwise import OutcomeLog
from tierwise.classifier.errors import LogError, LogUnavailable
from tierwise.router.log._states import state_alone
from tierwise.router.log.database._statement import Statement


@pytest.mark.parametrize("pause_s", [0.0, 1.1])  # just used, or idle
@pytest.mark.parametrize(
    "use",
    [
        lambda log: log.history("meta"),
        lambda log: log.record_decision(decided("d2")),
        lambda log: log.record_outcome("d1", "failed"),
        lambda log: state_alone(log._database, "meta", "m1", 0),
    ],
)
def test_a_server_that_was_started_anew_is_found_again(postgres_url, use, pause_s):
    import psycopg

    with OutcomeLog(postgres_url) as log:
        log.record_outcome(decided("d1"), "clean")
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        time.sleep(pause_s)
        use(log)
        log.record_outcome("d1", "corrected")
        assert log.history("meta") == {"sonnet": (0, 1)}


def test_a_connection_that_dies_while_it_is_asked_is_an_error_of_the_log_and_never_used_again(postgres_url):
    dies = Statement(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with OutcomeLog(postgres_url) as log:
        log.record_outcome(decided("d1"), "clean")
        with pytest.raises(LogUnavailable, match="Is it reachable"):
            log._database.first(dies, {})
        with (
            pytest.raises(LogUnavailable, match="Is it reachable"),
            log._database.transaction() as transaction,
        ):
            transaction.ask((dies, {}), (dies, {}))
        assert log.history("meta") == {"sonnet": (1, 0)}
        assert state_alone(log._database, "meta", "m1", 0) is None


def test_a_copy_that_takes_the_place_of_the_file_is_what_is_written_then(tmp_path):
    path, copy = tmp_path / "log.db", tmp_path / "copy.db"
    with OutcomeLog(copy) as log:
        log.record_outcome(decided("d1"), "clean")
    with OutcomeLog(path) as log:
        log.record_decision(decided("d2"))
        for each in tmp_path.glob("log.db*"):
            each.unlink()
        with pytest.raises(LogUnavailable, match="moved or removed while it was in use"):
            log.history("meta")
        copy.rename(path)
        assert log.history("meta") == {"sonnet": (1, 0)}
        log.record_outcome("d1", "corrected")
    with OutcomeLog(path) as log:
        assert log.history("meta") == {"sonnet": (0, 1)}


def test_short_transactions_go_by_one_connection_and_one_that_failed_gives_it_back(open_log):
    log, taken = open_log(), []
    event.listen(log._database.engine(), "checkout", lambda *_: taken.append(1))
    log.record_outcome(decided("d1"), "clean")
    log.record_outcome("d1", "corrected")
    assert state_alone(log._database, "meta", "m1", 0) is None
    assert len(taken) == 1

    def fails():
        with log._database.transaction() as transaction:
            transaction.ask((Statement(text("DELETE FROM tierwise_outcomes RETURNING verdict")), {}))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert (log._database._at_hand, len(taken)) == ([], 1)
    log.record_outcome(decided("d2"), "failed")  # on the connection that the pool has made clean
    assert log.history("meta") == {"sonnet": (0, 2)}


def test_a_failure_is_one_error_and_no_warnings_of_the_driver_besides(postgres_url, caplog):
    fails, waits = Statement(text("SELECT 1 / 0")), Statement(text("SELECT 2"))
    with OutcomeLog(postgres_url) as log:
        for asked in ([(fails, {})], [(fails, {}), *[(waits, {})] * 30], [*[(waits, {})] * 30, (fails, {})]):
            with (
                pytest.raises(LogError, match="division by zero"),
                log._database.transaction() as transaction,
            ):
                transaction.ask(*asked)
        log.record_outcome(decided("d1"), "clean")
        assert log.stats().n_outcomes == 1
    assert [record.name for record in caplog.records] == []


def test_a_reader_waits_for_no_longer_than_it_was_told_before_a_short_writer(sqlite_url):
    with OutcomeLog(sqlite_url, timeout_s=9.0) as log:
        log.record_decision(decided("d1"), wait_s=0.5)
        with log._database.connect() as connection:  # another one than the writer's, or told anew
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 9000
        for wait_s, ms in ((0.5, 500), (None, 9000)):
            with log._database.transaction(wait_s=wait_s) as transaction:
                [[(told,)]] = transaction.ask((Statement(text("PRAGMA busy_timeout")), {}))
                assert told == ms
