"""Which attempt answers which: a task tried again tells what two tiers do with the very same work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..outcomes.frame import Outcomes

Int = NDArray[np.int64]


def answered_rows(outcomes: Outcomes, ids: Sequence[Any], follows: Sequence[Any]) -> Int:
    """(n,): for each row the earlier one whose failed attempt it answers, or -1.

    By `follows`; without it, the latest failure of the same text and type at one of the row's `attempts`.
    """
    row_of = {name: row for row, name in enumerate(ids)}
    found = np.full(len(outcomes), -1, dtype=np.int64)
    tried_again = {
        (int(outcomes.types[row]), outcomes.tasks[row].specification)
        for row, failed in enumerate(outcomes.failed)
        if failed
    }
    latest: dict[tuple[int, str, int], int] = {}
    for row, task in enumerate(outcomes.tasks):
        before = follows[row]
        if isinstance(before, str) and row_of.get(before, row) < row:
            found[row] = row_of[before]
            continue
        key = int(outcomes.types[row]), task.specification
        if key not in tried_again:
            continue
        earlier = [latest[(*key, tier)] for tier in outcomes.failed[row] if (*key, tier) in latest]
        if earlier:
            found[row] = max(earlier)
        if not outcomes.clean[row]:
            latest[(*key, int(outcomes.tiers[row]))] = row
    return found


def known_outcomes(outcomes: Outcomes, answers: Int, n_tiers: int) -> tuple[Int, NDArray[np.int8]]:
    """(rows that are the first attempt at their task; per such row and tier 1 clean, 0 not, -1 unknown).

    A row with `attempts` whose first attempt is not here is a first one itself; those attempts failed.
    """
    known = np.full((len(outcomes), n_tiers), -1, dtype=np.int8)
    root = np.arange(len(outcomes))
    for row in range(len(outcomes)):
        if answers[row] >= 0:
            root[row] = root[answers[row]]
        task = root[row]
        for tier in outcomes.failed[row]:
            if known[task, tier] == -1:  # a verdict of its own counts: it may have been given after the retry
                known[task, tier] = 0
        tier = outcomes.tiers[row]
        if known[task, tier] == -1:  # a second run at the same tier doesn't undo the first one
            known[task, tier] = outcomes.clean[row]
    first = np.flatnonzero(answers < 0)
    return first, known[first]
