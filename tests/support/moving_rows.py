"""Outcomes of task types, written down row by row, and what a log says should become of the types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from tierwise.router.log import movements_of

START = datetime(2026, 1, 1, tzinfo=UTC)
SONNETS = "Write the product FAQ for our new kettle"  # what its text says: Sonnet's
HAIKUS = "Tag these 40 tickets by product area, one label each, JSON out"


def rows(kind, text, tier, verdict, n, *, start=0, **facts):
    """n rows, an hour apart."""
    return [
        {
            "task_type": kind,
            "specification": text,
            "tier": tier,
            "verdict": verdict,
            "at": START + timedelta(hours=start + hour),
            **facts,
        }
        for hour in range(n)
    ]


def moved_of(log, *parts, **options):
    """Fill the log with these rows and ask for movements, by type."""
    log.import_frame(pd.DataFrame([row for part in parts for row in part]))
    return {each.task_type: each for each in movements_of(log, **options).types}
