"""Times: with a zone, not in the future, to the microsecond."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_decisions import HOUR, NOON, SetClock, decided

from tierwise.classifier.errors import InvalidOutcome
from tierwise.router.log._times import SKEW, from_us, to_us

NAIVE = NOON.replace(tzinfo=None)
BAD = [
    (NAIVE, "must say its time zone; got '2026-03-01 12:00:00'. Write 2026-03-01T09:30:00"),
    ("2026-03-01", "must say its time zone; got '2026-03-01'"),
    (pd.Timestamp(NAIVE), "must say its time zone"),
    (
        NOON + SKEW + timedelta(seconds=1),
        "must not lie in the future; got 2026-03-01T12:02:01.*Is its time zone",
    ),
    ("2026-03-01T12:30:00-05:00", "must not lie in the future"),
    ("1969-12-31T23:59:59Z", "must not lie before 1970; got 1969-12-31T23:59:59+00:00"),
    ("0001-01-01T00:00:00+10:00", "must not lie before 1970"),
    (pd.NaT, "must be a date and time with its time zone, .* got NaT"),
    ("yesterday", "must be a date and time .* got 'yesterday'"),
    (1_772_366_400, "must be a date and time .* got 1772366400"),
    (date(2026, 3, 1), "must be a date and time"),
    ("", "must be a date and time"),
]


@pytest.fixture
def log(open_log):
    return open_log(clock=SetClock())


@pytest.mark.parametrize(("at", "message"), BAD)
def test_naive_and_future_and_other_times_are_refused_everywhere(log, at, message):
    message = (
        message.replace(".*", "§")
        .replace("(", r"\(")
        .replace(".", r"\.")
        .replace("+", r"\+")
        .replace("§", ".*")
    )
    with pytest.raises(InvalidOutcome, match=f"at {message}"):
        log.record_outcome(decided("d1"), "clean", at=at)
    with pytest.raises(InvalidOutcome, match=f"at {message}"):
        log.record_decision(decided("d1"), at=at)
    with pytest.raises(InvalidOutcome, match=f"as_of {message}"):
        log.history("meta", as_of=at)
    assert log.stats().n_decisions == 0


@pytest.mark.parametrize(
    "at",
    [
        NOON - HOUR,
        (NOON - HOUR).astimezone(timezone(-8 * HOUR)),
        "2026-03-01T11:00:00Z",
        "2026-03-01T20:00:00+09:00",
        pd.Timestamp(NOON - HOUR),
    ],
)
def test_a_time_with_a_zone_is_the_same_moment_in_every_zone(log, at):
    assert log.record_outcome(decided("d1"), "clean", at=at).at == NOON - HOUR


def test_clocks_of_other_machines_may_be_ahead_a_little(log):
    assert log.record_outcome(decided("d1"), "clean", at=NOON + SKEW).at == NOON + SKEW


def test_a_clock_without_a_zone_is_refused(open_log):
    log = open_log(clock=lambda: NAIVE)
    with pytest.raises(InvalidOutcome, match="clock must answer with a time zone"):
        log.record_outcome(decided("d1"), "clean")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))
def test_microseconds_keep_a_moment_exactly(moment):
    assert from_us(to_us(moment)) == moment.astimezone(
        UTC
    )  # zones compare oddly in the hour that comes twice
