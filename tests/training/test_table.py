"""The table of task types, the rival that every model must beat: its rates and choices by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tierwise import Policy, Task
from tierwise.router.ladder import Ladder
from tierwise.training.evaluation._replay import NOT_ROUTED
from tierwise.training.evaluation._rows import read_rows
from tierwise.training.evaluation._table import table_choices, table_rates

TIERS = ("haiku", "sonnet", "opus")
LADDER = Ladder.load()
TASK = Task("Tag these tickets by product area")
EARLIER = {
    ("a", "haiku"): (1, 3),
    ("b", "opus"): (2, 0),
}  # clean and not, of rows that are too old to be read
ROWS = [  # hour, type, tier, verdict
    (0, "a", "haiku", "clean"),
    (1, "a", "haiku", "corrected"),
    (2, "b", "haiku", "clean"),
    (3, "a", "sonnet", "clean"),
    (4, "a", "haiku", "clean"),
    (5, "b", "haiku", "corrected"),
    (6, "b", "sonnet", "clean"),
]


def rows_of():
    frame = pd.DataFrame(ROWS, columns=["hour", "task_type", "tier", "verdict"])
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(frame.pop("hour"), unit="h")
    rows = read_rows(frame.assign(at=at, specification="Tag these tickets"), TIERS)
    earlier = [[EARLIER.get((kind, tier), (0, 0)) for tier in TIERS] for kind in "ab"]
    return replace(rows, earlier=np.array(earlier, dtype=float))


def rate(strength, row, tier):
    """What was known before the row: of its type, shrunk to the rate of all types."""
    before = [(kind, verdict == "clean") for _, kind, t, verdict in ROWS[:row] if t == tier]
    for (kind, t), counts in EARLIER.items():
        before += [
            (kind, clean)
            for clean, n in zip((True, False), counts, strict=True)
            for _ in range(n * (t == tier))
        ]
    of_all = [clean for _, clean in before]
    of_type = [clean for kind, clean in before if kind == ROWS[row][1]]
    overall = (sum(of_all) + 1) / (len(of_all) + 2)
    return (sum(of_type) + strength * overall) / (len(of_type) + strength)


@pytest.mark.parametrize("judged", [[4, 5], [0, 1, 2, 3, 4, 5, 6], [6]])
def test_rates_are_of_what_was_known_shrunk_as_predicts_the_judged_best(judged):
    def loss(strength):
        found = [rate(strength, row, ROWS[row][2]) for row in judged]
        clean = [ROWS[row][3] == "clean" for row in judged]
        return -sum(np.log(p if c else 1 - p) for p, c in zip(found, clean, strict=True))

    best = min((1.0, 2.0, 4.0, 8.0, 16.0, 32.0), key=loss)
    expected = [[rate(best, row, tier) for tier in TIERS] for row in range(len(ROWS))]
    assert table_rates(rows_of(), 3, np.array(judged)) == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("rates", "tier"),
    [
        ([0.65, 0.7, 0.7], 0),  # enough, and nine tenths of the top
        ([0.65, 0.7, 0.75], 1),  # 0.65 is less than nine tenths
        ([0.55, 0.58, 0.59], 2),  # none is enough
        ([0.65, 0.2, 0.1], 0),  # a higher tier is no worse than a lower one
        ([0.2, 0.6, 0.6], 1),  # just enough
    ],
)
def test_the_lowest_tier_whose_rate_suffices_is_chosen(rates, tier):
    given = Policy(), LADDER, 0.6, 0.1
    assert table_choices(np.array([rates]), [TASK], *given).tolist() == [tier]


def test_rules_bind_the_table_as_they_bind_a_model():
    rates = np.tile([0.9, 0.9, 0.9], (3, 1))
    too_long = Task("Tag these tickets", input_tokens=10**9)
    tasks = [Task("Tag these tickets", floor="sonnet"), too_long, TASK]
    assert table_choices(rates, tasks, Policy(), LADDER, 0.6, 0.1).tolist() == [1, NOT_ROUTED, 0]


def test_where_corrections_are_priced_the_cheapest_is_chosen():
    """A correction at 8 USD: a failure in a hundred is 0.08 USD, more than the tokens of this task."""
    rates, policy = np.array([[0.8, 0.97, 0.98]]), Policy(correction_minutes=6, hourly_rate_usd=80)
    assert table_choices(rates, [TASK], Policy(), LADDER, 0.6, 0.2).tolist() == [0]
    assert table_choices(rates, [TASK], policy, LADDER, 0.6, 0.2).tolist() == [2]
