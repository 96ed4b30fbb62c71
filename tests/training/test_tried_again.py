"""A task with several rows: attempts at it, and verdicts of one decision."""

from __future__ import annotations

import pandas as pd
import pytest
from simulated_log import simulated

from tierwise import evaluate
from tierwise.classifier.errors import InvalidTraining


def test_work_that_was_tried_again_and_then_called_clean_after_all_costs_no_correction(champion):
    """The first of two people had said that it failed; the second one's word is later, and counts."""
    at = pd.date_range("2026-01-01", periods=8, freq="h", tz="UTC")
    first = pd.DataFrame(
        {
            "decision_id": [f"d{i}" for i in range(8)],
            "specification": [f"Answer the customer's mail {i}" for i in range(8)],
            "task_type": ["mails", "letters"] * 4,
            "tier": "haiku",
            "verdict": "clean",
            "at": at + pd.Timedelta(days=2),
            "decided_at": at,
        }
    )
    again = first.head(4).assign(
        decision_id=[f"r{i}" for i in range(4)],
        follows=[f"d{i}" for i in range(4)],
        attempts=[("haiku",)] * 4,
        tier="sonnet",
        at=at[:4] + pd.Timedelta(days=1),
        decided_at=at[:4] + pd.Timedelta(minutes=30),
    )
    report = evaluate(champion, pd.concat([first, again], ignore_index=True), correction_usd=4.0)
    logged = next(each for each in report.policies if each.name == "as logged")
    assert logged.cost_usd.value == pytest.approx(logged.token_usd)
    assert logged.under_tiered.value == 0.0
    assert report.upsets["retries"] == 0


def test_verdicts_of_one_decision_are_no_tasks_of_their_own(champion):
    """As in an export of the log, which has a row for each verdict."""
    rows = simulated(60, n_types=3)
    ids = [f"d{i}" for i in range(len(rows))]
    several = pd.concat([rows.assign(decision_id=ids), rows.head(3).assign(decision_id=ids[:3])])
    with pytest.raises(
        InvalidTraining, match="'decision_id': 'd0' is in rows 0 and 0; 6 rows .* give the log"
    ):
        evaluate(champion, several)
