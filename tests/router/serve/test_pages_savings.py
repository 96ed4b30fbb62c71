"""Money saved, with what is not known of it: over days that vary, and over verdicts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tierwise.router.log.figures._money import Spent
from tierwise.router.log.figures._stats import Stats
from tierwise.router.serve.pages import _svg
from tierwise.router.serve.pages._savings import Extra, Savings, savings

FIRST = date(2026, 3, 1)
NOTHING = Stats(0, 0, 0, {}, {})
Z = 1.6448536


def spent(day: int, saved_usd: float) -> Spent:
    """A decision for haiku that saves this much against sonnet."""
    usd = {"haiku": 1.0, "sonnet": 1.0 + saved_usd}
    return Spent(
        FIRST + timedelta(days=day), "tags", "haiku", False, 1, 1, usd, {"haiku": 0.1, "sonnet": 0.1}
    )


def found(*rows: Spent) -> Savings:
    return savings(rows, NOTHING, "sonnet", lambda _: 0.0, FIRST)


def test_the_interval_is_of_as_many_days_that_vary_as_these_did():
    days = [4.0, 0.0, 2.0]  # the second has no decision
    result = found(spent(0, 4.0), spent(2, 2.0))
    assert result.by_day[1] == (FIRST + timedelta(days=1), 0.0)
    assert result.tokens_usd == pytest.approx(6.0)
    variance = sum((each - 2.0) ** 2 for each in days) / 2
    half = Z * (3 * variance) ** 0.5
    assert result.tokens_interval == pytest.approx((6.0 - half, 6.0 + half))


def test_days_that_are_all_alike_leave_nothing_open_and_a_single_day_says_nothing_of_others():
    alike = found(*(spent(day, 3.0) for day in range(5)))
    assert alike.tokens_interval == pytest.approx((15.0, 15.0))
    assert found(spent(0, 3.0)).tokens_interval is None


def test_with_a_price_both_that_is_unknown_of_tokens_and_of_corrections_is_in_the_interval():
    tokens = 6.0 - found(spent(0, 4.0), spent(2, 2.0)).tokens_interval[0]
    extra = Extra(n=3.0, variance=2.0**2, usd=3.0 * 2.0, usd_variance=4.0**2, n_by_model=0)
    of_both = Savings(2, 0, 4.0, 10.0, (6.0 - tokens, 6.0 + tokens), extra, (2.0, 2.0), ())
    mean, low, high = of_both.usd
    assert mean == pytest.approx(6.0 - 3.0 * 2.0)
    assert high - mean == pytest.approx(mean - low) == pytest.approx((tokens**2 + 4.0**2) ** 0.5)


def test_labels_of_an_axis_do_not_stand_on_each_other():
    first, second = (FIRST + timedelta(days=day) for day in range(2))
    assert ">−$5.00</text>" in _svg.by_day([(first, 10.0), (second, -5.0)], "")
    flat = _svg.by_day([(first, 100.0), (second, -1.0)], "")
    assert ">−$1.00</text>" not in flat
    assert ">$100</text>" in flat
