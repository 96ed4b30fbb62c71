"""Which rows are judged: by when they were decided, and by when their verdict came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tierwise.classifier.errors import InvalidTraining
from tierwise.classifier.model import TierModel
from tierwise.training.evaluation._cutoff import after, moment, outside, trained_until, unseen, up_to
from tierwise.training.evaluation._rows import read_rows

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Asia/Kolkata"


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


@pytest.fixture(scope="module")
def rows():
    """Decided at hours 0 to 5, each verdict half an hour later, written down in another time zone."""
    at = pd.date_range(hour(0.5), periods=6, freq="h").tz_convert(ZONE)
    frame = pd.DataFrame({"at": at, "decided_at": at - pd.Timedelta(minutes=30)})
    given = {"specification": "Tag these", "task_type": "a", "tier": "haiku", "verdict": "clean"}
    return read_rows(frame.assign(**given), ("haiku", "sonnet", "opus"))


def hours(found) -> list[int]:
    return np.flatnonzero(found).tolist()


def test_since_and_until_count_the_moment_itself(rows):
    assert hours(after(rows, hour(2))) == [2, 3, 4, 5]
    assert hours(up_to(rows, hour(2))) == [0, 1, 2]
    assert hours(after(rows, None)) == hours(up_to(rows, None)) == [0, 1, 2, 3, 4, 5]


def test_a_span_has_its_end_and_not_its_beginning(rows):
    assert hours(outside(rows, [(hour(1), hour(3))])) == [0, 1, 4, 5]
    assert hours(outside(rows, [(hour(-9), hour(0)), (hour(3), hour(4)), (hour(4), hour(99))])) == [1, 2, 3]
    assert hours(outside(rows, [])) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("since", [datetime(2026, 1, 1), "2026-01-01", 0], ids=repr)
def test_a_moment_needs_a_time_zone(rows, since):
    with pytest.raises(InvalidTraining, match="since must be a datetime with a time zone") as caught:
        after(rows, since)
    assert caught.value.about == since


@pytest.mark.parametrize(("until", "expected"), [(2.5, [3, 4, 5]), (2.4, [2, 3, 4, 5]), (9, [])])
def test_a_row_is_unseen_whose_verdict_came_after_the_last_in_training(rows, champion, until, expected):
    """The decision of hour 2 was judged at 2:30."""
    trained = {"training": {"trained_until": hour(until).astimezone().isoformat()}}
    model = TierModel(champion.reader, {**champion.manifest, **trained})
    assert trained_until(model) == hour(until)
    assert hours(unseen(rows, model)) == expected


def test_a_model_of_labelled_tasks_has_seen_no_row(rows, champion):
    assert trained_until(champion) is None
    assert unseen(rows, champion).all()


def test_moments_are_told_in_utc():
    assert moment(hour(1).timestamp()) == "2026-01-01T01:00:00+00:00"
