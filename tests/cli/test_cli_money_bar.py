"""The bar of `tierwise run` and `tierwise pipeline run`: only where a person watches."""

from __future__ import annotations

import io
import sys
import time

import pytest

from tierwise.cli._money_bar import MoneyBar
from tierwise.router.run.jobs import TaskResult


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stderr", "is_shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_money_spent_and_saved_is_shown_to_a_person(monkeypatch, stderr, is_shown):
    monkeypatch.setattr(sys, "stderr", stderr)
    bar, out = MoneyBar(2, "steps"), io.StringIO()
    for number in (1, 2):
        time.sleep(0.15)  # it is drawn ten times a second at most
        bar.add(TaskResult(number, "a", "passed", cost_usd=0.01, would_cost_usd={"sonnet": 0.03, "opus": 1}))
    with bar.aside(out):
        out.write("a line")
    bar.close()
    assert ("spent $0.0200, saved $0.0400" in stderr.getvalue()) == is_shown
    assert ("2/2" in stderr.getvalue()) == is_shown
    assert out.getvalue() == "a line"
