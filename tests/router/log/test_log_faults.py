"""Faults: locked, full, read-only, gone, closed, killed. Nothing lost, nothing half, and a clear error."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import traceback

import pytest
from packages import SUPPORT
from small_decisions import decided
from sqlalchemy import create_engine, text

from tierwise import OutcomeLog
from tierwise.classifier.errors import LogError, LogFull, LogLocked, LogUnavailable, MissingExtra
from tierwise.router.log.database._statement import Statement


def test_a_log_that_another_writer_holds_is_named_after_the_timeout(open_log, log_url):
    log = open_log(timeout_s=0.2)
    log.record_outcome(decided("d1"), "clean")
    engine = create_engine(log_url)
    with engine.connect() as holder:
        lock = "DELETE FROM tierwise_decisions" if log_url.startswith("sqlite") else "LOCK tierwise_decisions"
        holder.execute(text(lock))
        with pytest.raises(
            LogLocked, match=r"was held by another writer for more than 0.2 s; nothing was written"
        ):
            log.record_outcome("d1", "failed")
        holder.rollback()
    engine.dispose()
    assert log.history("meta") == {"sonnet": (1, 0)}
    log.record_outcome("d1", "failed")
    assert log.history("meta") == {"sonnet": (0, 1)}


def fill(log: OutcomeLog) -> int:
    """How many outcomes went in before the space ran out."""
    for number in range(10_000):
        try:
            log.record_outcome(
                decided(f"d{number}", text=os.urandom(20_000).hex()), "clean"
            )  # no database compresses that
        except LogFull as error:
            assert "No space left" in str(error)
            assert "nothing was written, and what it holds is intact" in str(error)
            assert "Make room on its disk, then try again." in str(error)
            return number
    raise AssertionError("never full")


def is_intact(log: OutcomeLog, n: int) -> bool:
    stats = log.stats()
    return (stats.n_decisions, stats.n_outcomes, stats.n_without_verdict) == (n, n, 0)


def test_a_full_sqlite_log_keeps_what_it_holds_and_goes_on_when_there_is_room(sqlite_url):
    with OutcomeLog(sqlite_url) as log:
        with log._database.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 200")
        n = fill(log)
        assert n > 5
        assert is_intact(log, n)
        with log._database.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        log.record_outcome(decided("more"), "clean")
        assert is_intact(log, n + 1)


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk):
    with OutcomeLog(small_disk / "log.db") as log:
        n = fill(log)
        assert is_intact(log, n)
    with OutcomeLog(small_disk / "log.db") as log:
        assert is_intact(log, n)


def test_a_log_that_a_full_disk_keeps_from_being_made_says_so(small_disk):
    with (small_disk / "fill").open("wb") as fill_all:
        fill_all.write(bytes(2**21 - 2**13))  # a page for the log, none for what SQLite keeps beside it
    with pytest.raises(LogUnavailable, match="disk full|No space left"):
        OutcomeLog(small_disk / "log.db")


def test_a_full_tablespace_of_postgresql_is_the_same_error(small_disk, postgres, postgres_url):
    import shutil

    import psycopg

    if os.geteuid() == 0:
        shutil.chown(small_disk, "embedded_postgres")
        for parent in small_disk.parents[:3]:
            parent.chmod(0o755)
    name = f"small_{os.urandom(4).hex()}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'")
    with OutcomeLog(f"{postgres_url}&options=-cdefault_tablespace%3D{name}") as log:
        n = fill(log)
        assert is_intact(log, n)
        with log._database.write() as connection:
            for table in (
                "attempts",
                "outcomes",
                "decisions",
                "policies",
                "type_states",
                "counts",
                "version",
            ):
                connection.execute(text(f"DROP TABLE tierwise_{table}"))
    with psycopg.connect(postgres.get_uri(), autocommit=True) as admin:
        admin.execute(f"DROP TABLESPACE {name}")


WRITING = """
import sys
from small_decisions import decided
from tierwise import OutcomeLog
log = OutcomeLog(sys.argv[1])
for number in range(1_000_000):
    log.record_outcome(decided(f"d{number}"), "clean", learn=lambda outcome, states: states.put(
        "m1", 0, b"s", 1 + sum(each.n_outcomes for each in states.get("m1").values())))
    print(number, flush=True)
"""


def test_a_process_killed_while_it_writes_loses_nothing_and_leaves_nothing_half(log_url, open_log):
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    command = [sys.executable, "-c", WRITING, log_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        acknowledged = [process.stdout.readline() for _ in range(25)][-1]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
    acknowledged = int(rest[-1] if rest else acknowledged) + 1
    log = open_log()
    stats = log.stats()
    assert stats.n_outcomes in (acknowledged, acknowledged + 1)  # the last one may not have been told
    assert is_intact(log, stats.n_outcomes)
    with log.type_states("meta") as states:
        assert states.get("m1")[0].n_outcomes == stats.n_outcomes
    log.record_outcome(decided("after"), "clean")


IMPORTING = """
import os, signal, sys
from tierwise import OutcomeLog
from tierwise.router.log.files import _move
settle = _move._settle
def killed(connection):
    settle(connection)
    os.kill(os.getpid(), signal.SIGKILL)
_move._settle = killed
OutcomeLog(sys.argv[1]).import_file(sys.argv[2])
"""


def test_a_process_killed_at_the_end_of_an_import_has_imported_nothing(log_url, open_log, tmp_path):
    row = '{"tier": "haiku", "verdict": "clean", "at": "2026-02-01T00:00:00Z", "task_type": "meta"}\n'
    (tmp_path / "in.jsonl").write_text(row * 500, encoding="utf-8")
    log = open_log()
    done = subprocess.run([sys.executable, "-c", IMPORTING, log_url, str(tmp_path / "in.jsonl")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert log.stats().n_decisions == 0
    assert log.import_file(tmp_path / "in.jsonl").n_decisions == 500


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "The log has no url. Give a path, sqlite:///path.db, or postgresql"),
        ("sqlite://", "A log in memory would be lost"),
        ("sqlite:///:memory:", "A log in memory would be lost"),
        ("mysql://u:hunter2@host/db", "A log can't be kept in 'mysql'"),
        ("postgresql+asyncpg://u:hunter2@host/db", "A log can't be kept in 'postgresql.asyncpg'"),
        ("postgresql://u:hunter2@host:port/db", "The url of the log can't be read"),
        ("nowhere/log.db", "unable to open database file. Its folder must exist and be writable"),
        ("postgresql://u:hunter2@127.0.0.1:1/db?password=hunter2", "Is it reachable, and is the url right"),
    ],
)
def test_a_place_where_no_log_can_be_is_refused_without_its_password(url, message):
    with pytest.raises(LogError, match=message) as caught:
        OutcomeLog(url, timeout_s=2)
    assert "hunter2" not in f"{caught.value}{caught.value.about}"


def test_a_password_is_never_shown(postgres_url):
    url = postgres_url.replace("postgres:@", "postgres:hunter2@")
    with OutcomeLog(url) as log:
        assert "hunter2" not in repr(log)
        assert "***" in repr(log)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "log.db").write_text("no database " * 500)
    with pytest.raises(LogUnavailable, match="file is not a database. Is this a log of tierwise"):
        OutcomeLog(tmp_path / "log.db")


def test_a_log_that_may_not_be_written_says_so(sqlite_url):
    with OutcomeLog(sqlite_url) as log:
        log.record_outcome(decided("d1"), "clean")
        with log._database.transaction() as transaction:
            transaction.ask((Statement(text("PRAGMA query_only = ON")), {}))
        with pytest.raises(LogUnavailable, match="readonly database. Its folder must exist and be writable"):
            log.record_outcome("d1", "failed")


def test_a_closed_log_is_named(open_log):
    log = open_log()
    log.close()
    log.close()
    with pytest.raises(LogError, match="was closed. Open it again"):
        log.history("meta")


def test_no_text_stands_in_errors_of_the_database(open_log):
    from sqlalchemy import insert

    from tierwise.router.log._schema import decisions

    log = open_log()
    with pytest.raises(LogError, match="refused a row: ") as caught, log._database.write() as connection:
        connection.execute(insert(decisions), {"decision_id": "d", "specification": "Marmalade", "tier": "x"})
    assert "Marmalade" not in "".join(traceback.format_exception(caught.value))


MISSING = """
import sys
sys.modules[sys.argv[1]] = None
try:
    from tierwise import OutcomeLog
    OutcomeLog(sys.argv[2])
except ImportError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("package", "url", "extra"),
    [
        ("sqlalchemy", "log.db", "log"),
        ("alembic", "log.db", "log"),
        ("psycopg", "postgresql://h/d", "postgres"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(tmp_path, package, url, extra):
    command = [sys.executable, "-c", MISSING, package, url]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.startswith(f"{MissingExtra.__name__} This needs the package '{package}'")
    assert f"pip install 'tierwise[{extra}]'" in done.stdout


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [("psycopg", "postgresql://host/database", "postgres"), ("alembic.config", "log.db", "log")],
)
def test_a_package_that_is_missing_when_it_is_needed_is_named(tmp_path, monkeypatch, module, url, extra):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'tierwise\[{extra}\]'"):
        OutcomeLog(url)


def test_who_may_not_read_the_log_is_told_to_ask(postgres_url, postgres):
    import psycopg

    role = f"guest_{os.urandom(4).hex()}"
    with OutcomeLog(postgres_url) as log, psycopg.connect(postgres.get_uri(), autocommit=True) as admin:
        log.record_outcome(decided("d1"), "clean")
        admin.execute(f"CREATE ROLE {role} LOGIN")
        guest = postgres_url.replace("postgres:@", f"{role}:@")
        with pytest.raises(LogUnavailable, match="permission denied .*Ask its owner for the right"):
            OutcomeLog(guest)
        admin.execute(f"DROP ROLE {role}")


def test_sqlite_is_set_up_as_promised(sqlite_url):
    for durable, synchronous in ((False, 1), (True, 2)):
        with OutcomeLog(sqlite_url, durable=durable) as log, log._database.connect() as connection:
            asked = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
            assert found == ["wal", synchronous, 1, 1, 30_000]
    assert sqlite3.sqlite_version_info >= (3, 35)  # RETURNING
