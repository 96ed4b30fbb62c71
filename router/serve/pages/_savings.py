"""Money saved against one tier for everything, corrections included, with what is not known of it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...log.figures._money import Spent
from ...log.figures._stats import Stats, Z, wilson

Price = Callable[[str | None], float]  # USD of a correction of this task type


@dataclass(frozen=True)
class Savings:
    """Over the decisions whose costs are known.

    tokens_usd : what the baseline would have cost in tokens, less what was spent, retries included.
    tokens_interval : 90 %, of as many days that vary as these did; None of a single day.
    extra_corrections : results that needed a correction and with the baseline would not have, with a 90 %
        interval from the verdicts; None without verdicts. The baseline's own are the model's estimate.
    correction_usd : mean price of a correction, 0 where it has none.
    by_day : (day, USD of tokens saved).
    """

    n: int
    n_unpriced: int
    spent_usd: float
    baseline_usd: float
    tokens_interval: tuple[float, float] | None
    extra_corrections: tuple[float, float, float] | None
    correction_usd: float
    by_day: tuple[tuple[date, float], ...]

    @property
    def tokens_usd(self) -> float:
        return self.baseline_usd - self.spent_usd

    @property
    def usd(self) -> tuple[float, float, float] | None:
        """(estimate, low, high) with corrections; None where nobody gave a verdict."""
        if self.extra_corrections is None:
            return None
        extra, low, _ = self.extra_corrections
        mean, of_corrections = self.tokens_usd - extra * self.correction_usd, extra - low
        of_tokens = 0.0 if self.tokens_interval is None else self.tokens_usd - self.tokens_interval[0]
        half = math.hypot(of_corrections * self.correction_usd, of_tokens)
        return mean, mean - half, mean + half

    @property
    def break_even_usd(self) -> float | None:
        """Price of a correction at which nothing is saved; None where there are no more of them."""
        if self.extra_corrections is None or self.extra_corrections[0] <= 0:
            return None
        return self.tokens_usd / self.extra_corrections[0]


def savings(spent: Sequence[Spent], stats: Stats, baseline: str, price: Price, since: date) -> Savings:
    """Of decisions since a day. Pass rates are those of the whole log, per type and tier."""
    rows = [each for each in spent if each.day >= since and each.n_priced and each.tier in each.usd]
    first = [each for each in rows if not each.is_retry]
    n = sum(each.n_priced for each in first)
    by_day: defaultdict[date, float] = defaultdict(float)
    for each in rows:
        before = 0.0 if each.is_retry else each.usd[baseline]
        by_day[each.day] += before - each.usd[each.tier]
    days = _every_day(by_day)
    priced = sum(each.n_priced * price(each.task_type) for each in first)
    return Savings(
        n,
        sum(each.n - each.n_priced for each in spent if each.day >= since),
        sum(each.usd[each.tier] for each in rows),
        sum(each.usd[baseline] for each in first),
        _over_days([value for _, value in days]),
        _extra_corrections(first, stats, baseline),
        priced / n if n else 0.0,
        days,
    )


def _over_days(saved: Sequence[float]) -> tuple[float, float] | None:
    """90 % interval of the sum of as many days."""
    n, total = len(saved), math.fsum(saved)
    if n < 2:
        return None
    half = Z * math.sqrt(n / (n - 1) * math.fsum((each - total / n) ** 2 for each in saved))
    return total - half, total + half


def _extra_corrections(
    first: Sequence[Spent], stats: Stats, baseline: str
) -> tuple[float, float, float] | None:
    """What was judged stands for what was not: per type and tier where there are verdicts."""
    extra = variance = 0.0
    known = False
    groups: Counter[tuple[str | None, str]] = Counter()
    baselines: Counter[tuple[str | None, str]] = Counter()
    for each in first:
        if each.tier != baseline:
            groups[each.task_type, each.tier] += each.n_priced
            baselines[each.task_type, each.tier] += each.misses[baseline]  # type: ignore[assignment]
    for key, n in groups.items():
        clean, judged = _counts(stats, *key)
        other = _counts(stats, key[0], baseline)
        interval = wilson(clean, judged)
        if interval is None:
            continue
        known = True
        would_miss = 1.0 - other[0] / other[1] if other[1] >= 20 else baselines[key] / n
        extra += n * (1.0 - clean / judged - would_miss)
        variance += (n * (interval[1] - interval[0]) / 2) ** 2
        against = wilson(*other) if other[1] >= 20 else None
        if against is not None:
            variance += (n * (against[1] - against[0]) / 2) ** 2
    if not known and groups:
        return None
    half = math.sqrt(variance)
    return extra, extra - half, extra + half


def _counts(stats: Stats, task_type: str | None, tier: str) -> tuple[int, int]:
    """(clean, judged)."""
    found = stats.types.get(task_type, {}).get(tier)
    return (0, 0) if found is None else (found.counts.get("clean", 0), found.n_evidence)


def _every_day(by_day: Mapping[date, float]) -> tuple[tuple[date, float], ...]:
    if not by_day:
        return ()
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return tuple((day, by_day.get(day, 0.0)) for day in days)
