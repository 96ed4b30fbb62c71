"""What was learned of a type: in the transaction of the outcome, complete or absent."""

from __future__ import annotations

import pytest
from small_decisions import HOUR, NOON, SetClock, decided

from tierwise.router.log._outcome import Outcome
from tierwise.router.log._states import TypeState, TypeStates


def count_clean(outcome: Outcome, states: TypeStates) -> None:
    """A learner in four lines: the state is the number of clean verdicts, one bucket per hour."""
    rows = list(states.rows())
    for bucket in {int((row.at - NOON) / HOUR) for row in rows}:
        here = [row for row in rows if int((row.at - NOON) / HOUR) == bucket]
        states.put("m1", bucket, bytes([sum(row.verdict == "clean" for row in here)]), len(here))


@pytest.fixture
def log(open_log):
    return open_log(clock=SetClock())


def states_of(log, task_type="meta", model="m1") -> dict[int, tuple[bytes, int]]:
    return {bucket: (each.state, each.n_outcomes) for bucket, each in log.states_of(task_type, model).items()}


def test_states_are_written_with_the_outcome(log):
    log.record_outcome(decided("d1"), "clean", learn=count_clean)
    log.record_outcome(decided("d2"), "failed", learn=count_clean)
    log.record_outcome(decided("d3"), "clean", at=NOON - 3 * HOUR, learn=count_clean)
    assert states_of(log) == {-3: (b"\x01", 1), 0: (b"\x01", 2)}
    assert states_of(log, "other") == states_of(log, model="m2") == {}


def test_a_late_and_stronger_verdict_moves_what_counts(log):
    log.record_outcome(decided("d1"), "clean", basis="check", learn=count_clean)
    seen = []
    log.record_outcome(
        "d1", "failed", learn=lambda outcome, states: seen.append((outcome, list(states.rows())))
    )
    ((outcome, rows),) = seen
    assert (outcome.verdict, outcome.replaced) == ("failed", "clean")
    assert [(row.decision_id, row.verdict, row.tier) for row in rows] == [("d1", "failed", "sonnet")]
    assert rows[0].details["beliefs"]["text"]


def test_what_the_learner_raises_undoes_the_record(log):
    log.record_outcome(decided("d1"), "clean", learn=count_clean)

    def fails(outcome, states):
        states.put("m1", 0, b"half", 1)
        raise ArithmeticError("no posterior")

    with pytest.raises(ArithmeticError, match="no posterior"):
        log.record_outcome(decided("d2"), "failed", learn=fails)
    assert log.history("meta") == {"sonnet": (1, 0)}
    assert (log.stats().n_decisions, states_of(log)) == (1, {0: (b"\x01", 1)})


def test_whoever_records_without_the_learner_removes_what_would_be_stale(log):
    log.record_outcome(decided("d1"), "clean", learn=count_clean)
    log.record_outcome(decided("x", task_type="other"), "clean", learn=count_clean)
    log.record_outcome("d1", "failed", basis="check")  # weaker: nothing changed
    log.record_outcome("d1", "clean")  # a repetition: nothing changed
    assert states_of(log) != {}
    log.record_outcome(decided("d2"), "clean")
    assert (states_of(log), states_of(log, "other") != {}) == ({}, True)


def test_a_learner_of_another_model_version_removes_the_older_states(log):
    log.record_outcome(decided("d1"), "clean", learn=count_clean)
    log.record_outcome(decided("d2"), "clean", learn=lambda outcome, states: states.put("m2", 0, b"x", 2))
    assert (states_of(log), states_of(log, model="m2")) == ({}, {0: (b"x", 2)})


def test_the_learner_is_not_asked_where_nothing_that_counts_has_changed(log):
    asked = []

    def learn(outcome, states):
        asked.append(outcome.verdict)

    log.record_outcome(decided("d1"), "clean", learn=learn)
    log.record_outcome("d1", "clean", learn=learn)
    log.record_outcome("d1", "failed", basis="check", learn=learn)
    log.record_outcome(decided("d2", deterministic=True), "failed", learn=learn)
    log.record_outcome(decided("d3", task_type=None), "failed", learn=learn)
    assert asked == ["clean"]


def test_states_are_built_again_from_the_rows(log):
    for number in range(5):
        log.record_outcome(decided(f"d{number}"), "clean" if number else "failed", at=NOON - number * HOUR)
    assert states_of(log) == {}
    with log.type_states("meta") as states:
        rows = list(states.rows())
        states.put("m1", 0, bytes([sum(row.verdict == "clean" for row in rows)]), len(rows))
    assert states_of(log) == {0: (b"\x04", 5)}


def test_the_newest_rows_are_those_since_the_time_of_the_oldest_among_them(log):
    for number, hours in enumerate([5, 1, 3, 3, 2]):
        log.record_outcome(decided(f"d{number}"), "clean", at=NOON - hours * HOUR)
    log.record_outcome(decided("x", task_type="other"), "clean", at=NOON)
    with log.reading_states("meta") as states:
        found = {n: "".join(row.decision_id for row in states.rows(newest=n)) for n in (1, 2, 3, 4, 5, 9)}
        assert "".join(row.decision_id for row in states.rows()) == "d0d2d3d4d1"
    assert found == {1: "d1", 2: "d4d1", 3: "d2d3d4d1", 4: "d2d3d4d1", 5: "d0d2d3d4d1", 9: "d0d2d3d4d1"}


def test_one_bucket_is_read_alone(log):
    with log.type_states("meta") as states:
        for model, bucket, state in ("m1", 0, b"a"), ("m1", 1, b"b"), ("m2", 1, b"c"):
            states.put(model, bucket, state, 1)
    with log.reading_states("meta") as states:
        found = {(m, b): states.get_one(m, b) for m in ("m1", "m2") for b in (0, 1, 2)}
    nothing = dict.fromkeys([("m1", 2), ("m2", 0), ("m2", 2)])
    assert found == {("m1", 0): b"a", ("m1", 1): b"b", ("m2", 1): b"c", **nothing}


def test_a_state_comes_back_byte_for_byte(log):
    state = bytes(range(256)) * 40
    with log.type_states("meta") as states:
        states.put("m1", 2**40, state, 7)
        states.put("m1", 2**40, state + b"!", 8)
    with log.type_states("meta") as states:
        assert states.get("m1") == {2**40: TypeState("m1", "meta", 2**40, state + b"!", 8)}


def test_an_error_between_two_changes_of_states_undoes_both(log):
    def half() -> None:
        with log.type_states("meta") as states:
            states.put("m1", 0, b"a", 1)
            raise KeyError("x")

    with pytest.raises(KeyError):
        half()
    assert states_of(log) == {}
