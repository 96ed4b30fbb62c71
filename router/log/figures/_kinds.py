"""The task types of a log: at which tiers they were judged, and how much of each there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .._verdicts import CLEAN, NOT_CLEAN
from ._tally import OfVerdict, Tally

_US_PER_DAY = 86_400e6


class Kind(NamedTuple):
    """outcomes : tier -> (clean, not clean)."""

    task_type: str
    outcomes: dict[str, tuple[int, int]]
    n_decisions: int
    days: float  # from its first verdict to the last of the log


def kinds(counted: Tally) -> list[Kind]:
    """Those with most verdicts first; only verdicts that count and say something of a tier."""
    by_type: dict[str, list[OfVerdict]] = {}
    for each in counted.verdicts:
        speaks = each.is_effective and each.tier is not None and each.verdict in (CLEAN, *NOT_CLEAN)
        if speaks and each.task_type is not None:
            by_type.setdefault(each.task_type, []).append(each)
    n_decisions = {each.task_type: each.n for each in counted.decisions}
    last = max((each.last_us for some in by_type.values() for each in some), default=0)
    found = [
        (
            -sum(each.n for each in some),
            Kind(
                task_type,
                _by_tier(some),
                n_decisions.get(task_type, 0),
                (last - min(each.first_us for each in some)) / _US_PER_DAY,
            ),
        )
        for task_type, some in by_type.items()
    ]
    return [kind for _, kind in sorted(found, key=lambda pair: (pair[0], pair[1].task_type))]


def _by_tier(verdicts: Iterable[OfVerdict]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for each in verdicts:
        clean, unclean = found.get(str(each.tier), (0, 0))
        is_clean = each.verdict == CLEAN
        found[str(each.tier)] = clean + each.n * is_clean, unclean + each.n * (not is_clean)
    return dict(sorted(found.items()))
