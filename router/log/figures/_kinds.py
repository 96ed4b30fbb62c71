"""The task types of a log: at which tiers they were judged, and how much of each there is."""

from __future__ import annotations

from typing import NamedTuple

from .._verdicts import CLEAN, NOT_CLEAN
from ._tally import OfVerdict, Tally

_US_PER_DAY = 86_400e6


class Kind(NamedTuple):
    task_type: str
    tiers: tuple[str, ...]
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
                tuple(sorted({each.tier for each in some if each.tier is not None})),
                n_decisions.get(task_type, 0),
                (last - min(each.first_us for each in some)) / _US_PER_DAY,
            ),
        )
        for task_type, some in by_type.items()
    ]
    return [kind for _, kind in sorted(found)]
