"""Money saved against one tier for everything, corrections included, with what is not known of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ...log.figures._money import Spent
from ...log.figures._stats import Stats, Z, wilson

Price = Callable[[str | None], float]  # USD of a correction of this task type
_LEAST_JUDGED = 20  # of a type at the baseline, before its verdicts stand for it rather than the model


@dataclass(frozen=True)
class Extra:
    """Corrections more than the baseline would have needed; USD by the price of each type.

    variance, usd_variance : squares of half a 90 % interval, from the verdicts.
    """

    n: float
    variance: float
    usd: float
    usd_variance: float
    n_by_model: int


@dataclass(frozen=True)
class Savings:
    """Over the decisions whose costs are known.

    tokens_usd : what the baseline would have cost in tokens, less what was spent, retries included.
    tokens_interval : 90 %, of as many days that vary as these did; None of a single day.
    extra : results that needed a correction and with the baseline would not have; None without verdicts.
    prices_usd : lowest and highest price of a correction of these types, 0 where it has none.
    by_day : (day, USD of tokens saved).
    """

    n: int
    n_unpriced: int
    spent_usd: float
    baseline_usd: float
    tokens_interval: tuple[float, float] | None
    extra: Extra | None
    prices_usd: tuple[float, float]
    by_day: tuple[tuple[date, float], ...]

    @property
    def tokens_usd(self) -> float:
        return self.baseline_usd - self.spent_usd

    @property
    def extra_corrections(self) -> tuple[float, float, float] | None:
        """(estimate, low, high)."""
        return None if self.extra is None else _around(self.extra.n, self.extra.variance)

    @property
    def n_by_model(self) -> int:
        """Decisions of a type and tier without a verdict."""
        return 0 if self.extra is None else self.extra.n_by_model

    @property
    def usd(self) -> tuple[float, float, float] | None:
        """(estimate, low, high) with corrections; None where nobody gave a verdict."""
        if self.extra is None:
            return None
        of_tokens = 0.0 if self.tokens_interval is None else self.tokens_usd - self.tokens_interval[0]
        return _around(self.tokens_usd - self.extra.usd, self.extra.usd_variance + of_tokens**2)

    @property
    def break_even_usd(self) -> float | None:
        """Price of a correction at which nothing is saved; None where there are no more of them."""
        if self.extra is None or self.extra.n <= 0:
            return None
        return self.tokens_usd / self.extra.n


def savings(spent: Sequence[Spent], stats: Stats, baseline: str, price: Price, since: date) -> Savings:
    """Of decisions since a day. Pass rates are those of the whole log, per type and tier."""
    rows = [each for each in spent if each.day >= since and {baseline, each.tier} <= each.usd.keys()]
    first = [each for each in rows if not each.is_retry]
    n = sum(each.n_priced for each in first)
    by_day: defaultdict[date, float] = defaultdict(float)
    for each in rows:
        before = 0.0 if each.is_retry else each.usd[baseline]
        by_day[each.day] += before - each.usd[each.tier]
    days = _every_day(by_day)
    prices = {price(each.task_type) for each in first} or {0.0}
    return Savings(
        n,
        sum(each.n for each in spent if each.day >= since) - sum(each.n_priced for each in rows),
        sum(each.usd[each.tier] for each in rows),
        sum(each.usd[baseline] for each in first),
        _over_days([value for _, value in days]),
        _extra(first, stats, baseline, price),
        (min(prices), max(prices)),
        days,
    )


def _over_days(saved: Sequence[float]) -> tuple[float, float] | None:
    """90 % interval of the sum of as many days."""
    n, total = len(saved), math.fsum(saved)
    if n < 2:
        return None
    half = Z * math.sqrt(n / (n - 1) * math.fsum((each - total / n) ** 2 for each in saved))
    return total - half, total + half


def _extra(first: Sequence[Spent], stats: Stats, baseline: str, price: Price) -> Extra | None:
    """What was judged stands for what was not, per type and tier; where nothing was, the model for both."""
    n = variance = usd = usd_variance = 0.0
    n_by_model, known = 0, False
    groups: defaultdict[tuple[str | None, str], list[Spent]] = defaultdict(list)
    for each in first:
        if each.tier != baseline:
            groups[each.task_type, each.tier].append(each)
    for (task_type, tier), some in groups.items():
        is_judged, worth = _counts(stats, task_type, tier)[1] > 0, price(task_type)
        misses, of_tier = _misses(some, stats, tier, least=1)
        others, of_baseline = _misses(some, stats, baseline, least=_LEAST_JUDGED if is_judged else math.inf)
        known = known or is_judged
        n_by_model += 0 if is_judged else sum(each.n_priced for each in some)
        n += misses - others
        variance += of_tier + of_baseline
        usd += (misses - others) * worth
        usd_variance += (of_tier + of_baseline) * worth**2
    return Extra(n, variance, usd, usd_variance, n_by_model) if known or not groups else None


def _misses(some: Sequence[Spent], stats: Stats, tier: str, *, least: float) -> tuple[float, float]:
    """How many of these, all of one type, need a correction at this tier, and the variance by its verdicts.

    The model's estimate, and none, where fewer than `least` were judged.
    """
    clean, judged = _counts(stats, some[0].task_type, tier)
    interval = wilson(clean, judged)
    if interval is None or judged < least:
        return sum(each.misses.get(tier, 0.0) for each in some), 0.0
    size = sum(each.n_priced for each in some)
    return size * (1.0 - clean / judged), (size * (interval[1] - interval[0]) / 2) ** 2


def _around(mean: float, variance: float) -> tuple[float, float, float]:
    half = math.sqrt(variance)
    return mean, mean - half, mean + half


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
