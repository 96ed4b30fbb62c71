"""Decisions and verdicts: stored once, all kept, the latest of the strongest basis counts."""

from __future__ import annotations

from datetime import UTC, datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_decisions import HOUR, NOON, SetClock, decided

from tierwise.classifier.belief.history import parse_counts
from tierwise.classifier.errors import DecisionConflict, InvalidOutcome, NotInLog
from tierwise.router.log._verdicts import BASES, VERDICTS


def test_a_decision_is_stored_once(log):
    decision = decided("d1")
    assert log.record_decision(decision) is True
    assert log.record_decision(decision) is False
    assert (log.stats().n_decisions, log.stats().n_without_verdict) == (1, 1)


def test_another_decision_under_the_same_id_is_refused(log):
    log.record_decision(decided("d1", items=3))
    for other in (
        decided("d1", items=4),
        decided("d1", items=3, task_type="other"),
        decided("d1", pin="opus"),
    ):
        with pytest.raises(DecisionConflict, match="another decision with the id 'd1': its .* is .*, not "):
            log.record_decision(other)
        with pytest.raises(DecisionConflict):
            log.record_outcome(other, "clean")
    assert (log.stats().n_decisions, log.stats().n_outcomes) == (1, 0)


def test_another_text_under_the_same_id_is_refused_and_not_quoted(open_log):
    open_log().record_decision(decided("d1", text="Write the menu of our bakery", pin="sonnet"))
    another = decided("d1", text="Write the menu of our brewery", pin="sonnet")
    with pytest.raises(
        DecisionConflict, match="another decision with the id 'd1': its text differs"
    ) as caught:
        open_log().record_decision(another)
    assert "menu" not in str(caught.value)
    assert open_log(store_text="none").record_decision(another) is False  # no text to compare


def test_a_decision_that_was_never_logged_is_stored_with_its_outcome(log):
    outcome = log.record_outcome(decided("d1"), "clean")
    assert (outcome.decision_id, outcome.task_type, outcome.verdict, outcome.is_new) == (
        "d1",
        "meta",
        "clean",
        True,
    )
    assert log.record_decision(decided("d1")) is False
    assert log.history("meta") == {"sonnet": (1, 0)}


@pytest.mark.parametrize("unknown", ["nope", "' OR 1=1 --", "é" * 50])
def test_a_verdict_about_an_unknown_id_is_an_error_and_writes_nothing(log, unknown):
    log.record_decision(decided("d1"))
    with pytest.raises(NotInLog, match="no decision with the id .*Log the decision first"):
        log.record_outcome(unknown, "clean")
    assert log.stats().n_outcomes == 0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("d1", "good"), {}, "verdict must be one of clean, corrected, failed, refused, cut_off; got 'good'"),
        (("d1", "claen"), {}, "did you mean 'clean'"),
        (("d1", None), {}, "verdict must be one of .* got None"),
        (("d1", "clean"), {"basis": "guess"}, "basis must be one of person, check, downstream, imported"),
        (("d1", "clean"), {"note": 3}, "note must be text; got int"),
        (("d1", "clean"), {"note": "x" * 10_001}, "note has 10,001 characters"),
        (("d1", "clean"), {"note": "a\x00b"}, "note contains NUL"),
        ((None, "clean"), {}, "belongs to a Decision or to the id of one; got None"),
        (("", "clean"), {}, "got ''"),
        (("a\x00b", "clean"), {}, "without NUL"),
        (("a" * 201, "clean"), {}, "at most 200 characters"),
    ],
)
def test_what_can_not_be_recorded_is_named(log, arguments, options, message):
    log.record_decision(decided("d1"))
    with pytest.raises(InvalidOutcome, match=message):
        log.record_outcome(*arguments, **options)
    assert log.stats().n_outcomes == 0


def test_the_same_call_again_writes_nothing(log):
    log.record_decision(decided("d1"))
    first = log.record_outcome("d1", "clean", basis="check", note="ok")
    again = log.record_outcome("d1", "clean", basis="check", note="ok")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.recorded_at == first.recorded_at
    assert log.stats().n_outcomes == 1


def test_a_verdict_repeated_at_another_time_is_kept_and_counts_once(log):
    log.record_decision(decided("d1"))
    for hours in (3, 2, 2, 1):
        log.record_outcome("d1", "clean", at=datetime.now(tz=UTC) - hours * HOUR if hours != 2 else NOON)
    assert log.stats().n_outcomes == 3
    assert log.history("meta") == {"sonnet": (1, 0)}


@pytest.mark.parametrize(
    ("verdicts", "counts"),
    [
        ([("check", "clean"), ("person", "failed")], (0, 1)),
        ([("person", "failed"), ("check", "clean")], (0, 1)),
        ([("person", "clean"), ("person", "corrected")], (0, 1)),
        ([("person", "clean"), ("person", "corrected"), ("person", "clean")], (1, 0)),
        ([("imported", "failed"), ("downstream", "clean")], (1, 0)),
        ([("downstream", "clean"), ("imported", "failed")], (1, 0)),
        ([("check", "clean"), ("downstream", "failed"), ("imported", "failed")], (1, 0)),
    ],
)
def test_the_latest_verdict_of_the_strongest_basis_counts(open_log, verdicts, counts):
    clock = SetClock()
    log = open_log(clock=clock)
    log.record_decision(decided("d1"))
    for basis, verdict in verdicts:
        clock.now += HOUR
        log.record_outcome("d1", verdict, basis=basis)
    assert log.history("meta") == {"sonnet": counts}
    assert log.stats().n_outcomes == len(verdicts)


def test_a_late_verdict_lands_at_its_own_time(open_log):
    clock = SetClock()
    log = open_log(clock=clock)
    log.record_outcome(decided("d1"), "clean")
    clock.now += HOUR
    late = log.record_outcome("d1", "failed", at=NOON - HOUR)
    assert (late.is_effective, late.at, late.recorded_at) == (False, NOON - HOUR, NOON + HOUR)
    assert log.history("meta") == {"sonnet": (1, 0)}


def test_what_replaced_what_is_told(log):
    first = log.record_outcome(decided("d1"), "clean", basis="check", at=NOON)
    assert (first.replaced, first.replaced_at) == (None, None)
    second = log.record_outcome("d1", "failed")
    assert (second.replaced, second.replaced_at) == ("clean", NOON)
    assert log.record_outcome("d1", "clean", basis="check").replaced is None


@pytest.mark.parametrize("verdict", ["refused", "cut_off"])
def test_refused_and_cut_off_are_recorded_and_say_nothing_about_capability(log, verdict):
    log.record_outcome(decided("d1"), "clean", basis="check")
    log.record_outcome("d1", verdict)
    assert log.history("meta") == {}
    (found,) = log.stats().types["meta"].values()
    assert (found.counts, found.pass_rate, found.interval) == ({verdict: 1}, None, None)


def test_a_step_without_a_model_says_nothing_about_a_tier(log):
    outcome = log.record_outcome(decided("d1", deterministic=True), "failed")
    assert outcome.tier is None
    assert (log.history("meta"), log.stats().types, log.stats().n_outcomes) == ({}, {}, 1)


def test_history_is_what_a_prediction_takes(log):
    for number in range(5):
        decision = decided(f"d{number}", pin="haiku" if number < 3 else "opus")
        log.record_outcome(decision, "clean" if number else "corrected")
    log.record_outcome(decided("x", task_type="other"), "failed")
    log.record_outcome(decided("y", task_type=None), "failed")
    history = log.history("meta")
    assert history == {"haiku": (2, 1), "opus": (2, 0)}
    assert parse_counts(history, ("haiku", "sonnet", "opus")) == {0: (2.0, 1.0), 2: (2.0, 0.0)}
    assert log.history("never seen") == {}


@pytest.mark.parametrize("task_type", [None, "", " ", 3, "a\x00b", "\ud800"])
def test_the_history_of_no_type_is_refused(log, task_type):
    with pytest.raises(InvalidOutcome, match="task_type must be a non-empty text"):
        log.history(task_type)


def test_reading_as_of_a_moment_never_sees_what_was_recorded_later(open_log):
    clock = SetClock()
    log = open_log(clock=clock)
    log.record_outcome(decided("d1"), "clean", basis="check")
    clock.now += 2 * HOUR
    log.record_outcome("d1", "failed", at=NOON - HOUR)  # speaks of the past, was known only now
    clock.now += HOUR
    assert log.history("meta", as_of=NOON - HOUR) == {}
    assert log.history("meta", as_of=NOON) == {"sonnet": (1, 0)}
    assert log.history("meta", as_of=NOON + HOUR) == {"sonnet": (1, 0)}
    assert log.history("meta", as_of=NOON + 2 * HOUR) == log.history("meta") == {"sonnet": (0, 1)}
    other_zone = (NOON + HOUR).astimezone(timezone(5 * HOUR))
    assert log.history("meta", as_of=other_zone) == {"sonnet": (1, 0)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(VERDICTS), st.sampled_from(BASES), st.integers(0, 3)), max_size=6))
def test_what_is_marked_as_counting_is_what_the_order_by_finds(log, events):
    """The rule is written twice, for one verdict and for sets: both must say the same."""
    name = f"t{len(events)} {events}"
    log.record_decision(decided(name[:200], task_type=name))
    for verdict, basis, hours in events:
        log.record_outcome(name[:200], verdict, basis=basis, at=NOON + hours * HOUR)
    assert log.history(name) == log.history(name, as_of=datetime.now(tz=UTC))
