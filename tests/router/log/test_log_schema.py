"""The schema: migrations say what the tables say; older logs are upgraded, newer and foreign ones refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import log_sample
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from small_decisions import decided
from sqlalchemy import create_engine, inspect, text

from tierwise import OutcomeLog
from tierwise.classifier.errors import LogTooNew, LogUnavailable
from tierwise.router.log import _upgrade
from tierwise.router.log._schema import SCHEMA, VERSION_TABLE, metadata

OLDER = sorted({path.name.split(".")[0].removeprefix("log_") for path in log_sample.FOLDER.glob("log_*.sql")})


def run_sql(url: str, script: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(script)
        connection.close()
        return
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(script)


def version_of(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()
    engine.dispose()
    return found


@pytest.fixture(params=OLDER)
def old_log(request, log_url) -> str:
    kind = "sqlite" if log_url.startswith("sqlite") else "postgresql"
    sample = log_sample.FOLDER / f"log_{request.param}.{kind}.sql"
    run_sql(log_url, sample.read_text(encoding="utf-8"))
    assert version_of(log_url) == request.param
    return log_url


def test_the_newest_revision_is_the_schema_of_the_code():
    scripts = ScriptDirectory(str(_upgrade.MIGRATIONS))
    assert scripts.get_heads() == [SCHEMA]
    revisions = [revision.revision for revision in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)  # "newer" is asked by comparing their names
    assert sorted(revisions)[:-1] == OLDER  # a sample of each older schema


def test_migrations_make_the_tables_that_the_code_describes(open_log, log_url):
    open_log()
    engine = create_engine(log_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        if log_url.startswith("sqlite"):
            assert inspect(connection).get_foreign_keys("tierwise_outcomes")[0]["options"] == {
                "ondelete": "CASCADE"
            }
    engine.dispose()


def test_an_older_log_is_upgraded_when_it_is_opened_and_keeps_everything(old_log, open_log):
    log = open_log()
    assert version_of(old_log) == SCHEMA
    assert list(log.history("meta-description").values()) == [(0, 1)]  # at the tier that its model chose
    assert (log.stats().n_decisions, log.stats().n_outcomes) == (3, 4)
    frame = log.to_pandas()
    assert (frame.specification[0], frame["at"][0]) == (
        "Write meta descriptions for 12 posts",
        log_sample.WHEN,
    )
    assert [log.replay(name * 32).same for name in "abc"] == [True] * 3
    log.record_outcome("c" * 32, "clean", learn=lambda outcome, states: None)
    log.record_outcome(decided("new"), "clean")
    with log.type_states("meta-description") as states:
        states.put("m1", 0, b"x", 1)


def test_an_upgrade_that_fails_half_way_leaves_the_old_log(old_log, open_log, monkeypatch):
    before = version_of(old_log)
    monkeypatch.setattr(_upgrade, "upgrade", lambda connection: (real(connection), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        open_log()
    assert version_of(old_log) == before
    engine = create_engine(old_log)
    assert inspect(engine).has_table("tierwise_type_states") == (before != "0001")
    engine.dispose()
    monkeypatch.setattr(_upgrade, "upgrade", real)
    assert list(open_log().history("meta-description").values()) == [(0, 1)]


real = _upgrade.upgrade


def test_a_newer_log_is_refused(open_log, log_url):
    open_log().close()
    run_sql(log_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(
        LogTooNew, match=f"has the schema 9999; this tierwise knows schemas up to {SCHEMA}. Upgrade"
    ):
        open_log()
    assert version_of(log_url) == "9999"


def test_opened_twice_it_is_the_same_log(open_log):
    open_log().record_outcome(decided("d1"), "clean")
    assert open_log().history("meta") == {"sonnet": (1, 0)}


def test_without_leave_to_create_nothing_is_made(log_url, open_log):
    with pytest.raises(LogUnavailable, match="There is no log at .* Is the url right"):
        open_log(create=False)
    if log_url.startswith("sqlite"):
        assert not Path(log_url.removeprefix("sqlite:///")).exists()
    open_log().close()
    open_log(create=False)


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "mine.db"
    run_sql(f"sqlite:///{path}", "CREATE TABLE songs (name)")
    before = path.read_bytes()
    with pytest.raises(LogUnavailable, match=r"holds the tables of something else. Choose a path of its own"):
        OutcomeLog(path)
    assert path.read_bytes() == before


OPENING = "import sys; from tierwise import OutcomeLog; OutcomeLog(sys.argv[1]).history('meta')"


def test_several_processes_that_open_a_new_log_at_once_make_one(log_url, open_log):
    opening = [
        subprocess.Popen([sys.executable, "-c", OPENING, log_url], stderr=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in opening] == [("", 0)] * 5
    assert open_log().stats().n_decisions == 0


def test_who_opens_a_log_while_another_process_makes_it_waits(tmp_path):
    path = tmp_path / "log.db"
    making = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    making.execute("BEGIN IMMEDIATE")  # SQLite then refuses the switch to WAL at once, whatever the timeout
    release = threading.Timer(0.3, making.rollback)
    release.start()
    with OutcomeLog(path) as log:
        assert log.stats().n_decisions == 0
    release.join()
    making.close()


def test_threads_that_make_logs_of_their_own_at_once_make_each_whole(tmp_path):
    def opened(number: int) -> int:
        with OutcomeLog(tmp_path / f"{number}.db") as log:
            return log.stats().n_decisions

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(opened, range(24))) == [0] * 24
