"""Forgetting by type, by id and by age: the rows, their texts, and what was learned from them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from small_decisions import HOUR, NOON, SetClock, decided

from tierwise.classifier.errors import InvalidOutcome, NotInLog

SECRET = "Marmalade"


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def log(open_log, clock):
    log = open_log(clock=clock)
    for number, task_type in enumerate(["meta", "meta", "other", None]):
        decision = decided(
            f"d{number}", task_type=task_type, text=f"{SECRET} number {number}, please, and soon"
        )
        log.record_decision(decision, at=NOON - number * 24 * HOUR)
        log.record_outcome(f"d{number}", "clean", note=SECRET)
    for task_type in ("meta", "other"):
        with log.type_states(task_type) as states:
            states.put("m1", 0, b"learned", 1)
    return log


def learned(log) -> set[str]:
    known = set()
    for task_type in ("meta", "other"):
        with log.type_states(task_type) as states:
            known |= {task_type} if states.get("m1") else set()
    return known


def test_forgetting_a_type_removes_all_of_it_and_nothing_else(log):
    assert log.forget(task_type="meta") == 2
    assert log.to_pandas().decision_id.tolist() == ["d2", "d3"]
    assert (log.history("meta"), log.stats().n_outcomes, learned(log)) == ({}, 2, {"other"})


def test_forgetting_one_decision_drops_what_its_type_had_learned(log):
    assert log.forget(decision_id="d0") == 1
    assert log.history("meta") == {"haiku": (1, 0)}
    assert learned(log) == {"other"}
    assert log.forget(decision_id="d3") == 1
    with pytest.raises(NotInLog):
        log.record_outcome("d0", "clean")


def test_the_other_attempts_of_a_forgotten_task_are_named(log, caplog):
    """They have the same text, which whoever forgets a task would think gone."""
    text = f"{SECRET} once more"
    for name, follows in (("first", None), ("second", "first"), ("third", "second")):
        log.record_decision(decided(name, text=text), follows=follows)
    assert log.forget(decision_id="d0") == 1
    assert caplog.messages == []
    assert log.forget(decision_id="second") == 1
    [said] = caplog.messages
    assert said.startswith("The task of second was tried more than once: the log still holds first, third.")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"task_type": "mata"}, "holds nothing of the type 'mata'; did you mean 'meta'"),
        ({"decision_id": "d9"}, "holds no decision with the id 'd9'"),
    ],
)
def test_what_is_not_there_can_not_be_forgotten(log, what, message):
    with pytest.raises(NotInLog, match=message) as caught:
        log.forget(**what)
    assert caught.value.about in what.values()


@pytest.mark.parametrize("what", [{}, {"task_type": "meta", "decision_id": "d0"}])
def test_one_thing_is_forgotten_at_a_time(log, what):
    with pytest.raises(InvalidOutcome, match="give task_type or decision_id"):
        log.forget(**what)


def test_old_decisions_expire_with_their_outcomes(log):
    assert log.expire(older_than=timedelta(days=2)) == 1
    assert log.expire(older_than=timedelta(hours=30)) == 1
    assert log.to_pandas().decision_id.tolist() == ["d0", "d1"]
    assert learned(log) == {"meta"}
    assert log.expire(older_than=timedelta(hours=30)) == 0


@pytest.mark.parametrize("store_text", ["features", "none"])
def test_decisions_whose_texts_were_never_kept_expire_too(open_log, clock, store_text):
    log = open_log(clock=clock, store_text=store_text)
    for day in range(3):
        log.record_decision(decided(f"d{day}"), at=NOON - day * 24 * HOUR)
        log.record_outcome(f"d{day}", "clean")
    assert log.expire(older_than=timedelta(hours=30), text_only=True) == 0
    assert log.expire(older_than=timedelta(hours=30)) == 1
    assert log.to_pandas().decision_id.tolist() == ["d0", "d1"]


def test_texts_may_expire_alone(log):
    assert log.expire(older_than=timedelta(0), text_only=True) == 3
    frame = log.to_pandas()
    assert frame.specification.isna().tolist() == frame.note.isna().tolist() == [False, True, True, True]
    assert frame.text_stored.tolist() == ["full", "none", "none", "none"]
    assert (log.history("meta"), learned(log), log.replay("d1").same) == (
        {"haiku": (2, 0)},
        {"meta", "other"},
        True,
    )
    assert log.expire(older_than=timedelta(0), text_only=True) == 0


def test_many_expire_in_several_transactions(log, monkeypatch, clock):
    monkeypatch.setattr("tierwise.router.log._erase.CHUNK", 2)
    clock.now += 1000 * HOUR
    assert log.expire(older_than=timedelta(days=1)) == 4
    assert log.stats().n_decisions == log.stats().n_outcomes == 0


@pytest.mark.parametrize("age", [timedelta(-1), 90, None, "90 days"])
def test_an_age_that_is_none_is_refused(log, age):
    with pytest.raises(InvalidOutcome, match="older_than must be a timedelta >= 0"):
        log.expire(older_than=age)


@pytest.mark.parametrize(
    "forget",
    [
        lambda log: [log.forget(decision_id=f"d{number}") for number in range(4)],
        lambda log: log.expire(older_than=timedelta(days=-0)) + log.forget(decision_id="d0"),
        lambda log: (log.expire(older_than=timedelta(0), text_only=True), log.forget(decision_id="d0")),
    ],
)
@pytest.mark.parametrize("log_url", ["sqlite"], indirect=True)
def test_no_word_of_what_was_forgotten_is_left_in_the_files_of_sqlite(log, log_url, forget):
    path = Path(log_url.removeprefix("sqlite:///"))

    def left() -> int:
        return sum(file.read_bytes().count(SECRET.encode()) for file in path.parent.glob(f"{path.name}*"))

    assert left() > 0
    forget(log)
    assert left() == 0


@pytest.mark.parametrize("log_url", ["sqlite"], indirect=True)
def test_where_a_reader_keeps_old_pages_a_warning_says_so(log, log_url, open_log, caplog):
    reader = open_log(log_url)
    log._database.timeout_s = 0.1
    log._database.close_idle()
    log._database._engine = None
    with reader._database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM tierwise_decisions").all()
        log.forget(task_type="meta")
    assert "because others are reading" in caplog.text
    written = Path(f"{log._database.url.database}-wal")
    assert written.stat().st_size > 0
    with pytest.raises(NotInLog, match="holds nothing of the type 'meta'"):
        log.forget(task_type="meta")  # as the warning says
    assert written.stat().st_size == 0
