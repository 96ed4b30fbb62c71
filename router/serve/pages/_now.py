"""The page Now: money, mix, promise, news."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ....classifier.artifact._pointer import Change
from ...log._times import utc_now
from ...log.figures._promise import added
from . import _counts, _svg
from ._cached import Cached
from ._mix import LATELY, shifted, tier_mix
from ._savings import Savings, savings
from ._state import State, ladder_of, policy_of
from ._store import changes_of
from ._words import usd

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "all": "all time"}
_DAYS = "30"


def now_page(state: State, cached: Cached, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """What the template shows; None while it is being counted."""
    ladder, policy = ladder_of(state), policy_of(state)
    names = ladder.names
    spent, stats, by_day = (
        _counts.money(state, cached),
        _counts.stats(state, cached),
        _counts.under(state, cached),
    )
    if spent is None or stats is None or by_day is None:
        return None
    days = asked["days"] if asked.get("days") in PERIODS else _DAYS
    baseline = asked["baseline"] if asked.get("baseline") in names else names[ladder.production]
    last = max((each.day for each in spent), default=utc_now().date())
    since = date.min if days == "all" else last - timedelta(days=int(days) - 1)
    under = added(each for day, each in by_day.items() if day >= since)
    n_first = sum(each.n for each in spent if each.day >= since and not each.is_retry)
    interval = under.interval(n_first)
    given = correction_usd(asked.get("correction_usd", ""))
    own = policy.correction_cost_usd(None)
    price = (lambda _: given) if given is not None else lambda kind: policy.correction_cost_usd(kind) or 0.0
    saved = savings(spent, stats, baseline, price, since)
    mix = tier_mix(spent, since, date.max)
    return {
        "periods": PERIODS,
        "days": days,
        "tiers": names,
        "baseline": baseline,
        "correction_usd": given if given is not None else own,
        "saved": saved,
        "plot": _plot(saved),
        "mix": _mix(names, mix),
        "n_first": n_first,
        "n_decisions": sum(mix.values()),
        "last_day": last,
        "under": under,
        "promise": policy.max_under_tier,
        "interval": interval,
        "verdict": _verdict(interval, policy.max_under_tier),
        "shifts": shifted(spent, last + timedelta(days=1)),
        "lately_days": LATELY.days,
        "changes": _lately(changes_of(state)),
        "counted_at": cached.counted_at(_counts.MONEY, _counts.STATS, _counts.UNDER),
    }


def correction_usd(text: str) -> float | None:
    """A price that the viewer gave; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1e6 else None


def _plot(saved: Savings) -> Any:
    if not any(value for _, value in saved.by_day):
        return None  # an empty plot
    total = usd(saved.tokens_usd)
    return _svg.by_day(saved.by_day, f"Tokens saved per day; {total} over {len(saved.by_day)} days")


def _mix(names: tuple[str, ...], mix: Mapping[str, int]) -> dict[str, Any] | None:
    total = sum(mix.values())
    if not total:
        return None
    order = [*names, *sorted(set(mix) - set(names))]
    shares = {name: mix.get(name, 0) / total for name in order}
    label = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return {"shares": shares, "counts": mix, "bar": _svg.mix_bar(shares, f"Tier mix: {label}")}


def _verdict(interval: tuple[float, float] | None, promise: float) -> str:
    if interval is None:
        return "unknown"
    return "kept" if interval[1] <= promise else "broken" if interval[0] > promise else "open"


def _lately(changes: tuple[Change, ...]) -> list[Change]:
    return list(reversed(changes))[:3]
