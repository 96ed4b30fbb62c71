"""Which tiers did the work, and what of that is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...log.figures._money import Spent

LATELY = timedelta(days=7)
_LEAST = 5  # decisions of a type in a week, before anything is said of it
MOST_SHOWN = 12


@dataclass(frozen=True)
class Shifted:
    """A type whose commonest tier has changed; `before` is None for a new type."""

    task_type: str
    before: str | None
    now: str
    n: int


def tier_mix(spent: Sequence[Spent], since: date, until: date) -> dict[str, int]:
    """Tier -> decisions from `since` to the day before `until`."""
    found: Counter[str] = Counter()
    for each in spent:
        if since <= each.day < until:
            found[each.tier] += each.n
    return dict(found)


def shifted(spent: Sequence[Spent], today: date) -> list[Shifted]:
    """Types that went elsewhere in the last seven days than in the four weeks before; retries apart."""
    lately, before = today - LATELY, today - 5 * LATELY
    now, then, ever = _by_type(spent, lately, None), _by_type(spent, before, lately), set()
    for each in spent:
        if each.day < lately:
            ever.add(each.task_type)
    found = []
    for task_type, tiers in now.items():
        n = sum(tiers.values())
        if n < _LEAST or (task_type in ever and task_type not in then):
            continue
        old = then[task_type].most_common(1)[0][0] if task_type in then else None
        tier = max(sorted(tiers), key=lambda name: (tiers[name], name == old))  # as many is no change
        if old != tier:
            found.append(Shifted(task_type, old, tier, n))
    return sorted(found, key=lambda each: (-each.n, each.task_type))[:MOST_SHOWN]


def _by_type(spent: Sequence[Spent], since: date, until: date | None) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for each in spent:
        named = each.task_type is not None and not each.is_retry
        if named and each.day >= since and (until is None or each.day < until):
            found.setdefault(str(each.task_type), Counter())[each.tier] += each.n
    return found
