"""Checks: three answers, composed, without texts of the task in what they say."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from tierwise import Task
from tierwise.classifier.errors import InvalidRequest, MissingExtra
from tierwise.router.run import Check, CheckResult, Limits, checks
from tierwise.router.run._check import Surroundings, as_check
from tierwise.router.run._drive import OUTSIDE, Driver
from tierwise.router.run._steps import Ask, Interrupt, Told
from tierwise.testing import MessagesServer

SCHEMA = {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 1}


@pytest.fixture(scope="module")
def driver():
    with MessagesServer() as server:
        yield Driver(server.client())


@pytest.fixture
def run(driver, ladder):
    def run(check, text):
        around = Surroundings(Task("Name the colours."), ladder, Limits(), OUTSIDE)
        return driver.run(as_check(check).steps(text, around))

    return run


@pytest.mark.parametrize(
    ("check", "text", "status", "detail"),
    [
        (checks.json_schema(), '{"a": 1}', "passed", ""),
        (checks.json_schema(), "Sure! {}", "failed", "not JSON at line 1"),
        (checks.json_schema(), "", "failed", "not JSON at line 1"),
        (checks.json_schema(), "```json\n[]\n```", "failed", "not JSON at line 1"),
        (checks.json_schema(fenced=True), "```json\n[]\n```\n", "passed", ""),
        (checks.json_schema(fenced=True), "[]", "passed", ""),
        (checks.json_schema(SCHEMA), '["red"]', "passed", ""),
        (checks.json_schema(SCHEMA), '["red", "purple"]', "failed", "at $[1]: maxLength 5"),
        (checks.json_schema(SCHEMA), "[]", "failed", "at $: minItems 1"),
        (checks.json_schema({"enum": ["x" * 99]}), "1", "failed", 'at $: enum ["' + "x" * 55 + "..."),
        (checks.regex(r"\d+"), "No 5", "passed", ""),
        (checks.regex(r"\d+", whole=True), "No 5", "failed", r"no match of '\\d+'"),
        (checks.regex("yes", flags=re.IGNORECASE), "YES", "passed", ""),
        (checks.length(max_chars=3), " abc ", "passed", ""),
        (checks.length(max_chars=3), "abcd", "failed", "4 characters, allowed 0 to 3"),
        (checks.length(min_chars=1), "  ", "failed", "0 characters, allowed at least 1"),
        (checks.length(min_words=2, max_words=3), "one two three four", "failed", "4 words, allowed 2 to 3"),
        (checks.items(exactly=2), "[1, 2]", "passed", ""),
        (checks.items(exactly=2), '{"posts": [1], "n": 1}', "failed", "1 items, allowed 2 to 2"),
        (
            checks.items(at_least=1),
            '{"a": [1], "b": [2]}',
            "failed",
            "no list, and no object with exactly one list",
        ),
        (checks.items(at_least=1), "7", "failed", "no list, and no object with exactly one list"),
        (checks.items(at_least=1), "none", "failed", "not JSON at line 1"),
        (checks.items(at_most=2, of="lines"), "a\n\nb\nc", "failed", "3 items, allowed 0 to 2"),
        (checks.items(exactly=3, of=lambda text: text.count(",")), "a,b,c,", "passed", ""),
        (str.isupper, "ABC", "passed", ""),
        (str.isupper, "abc", "failed", ""),
        (lambda text: np.bool_(len(text) > 2), "abc", "passed", ""),
        (lambda text: CheckResult.failed("no price"), "abc", "failed", "no price"),
        (lambda text: None, "abc", "not_run", "returned NoneType; expected True, False or a CheckResult"),
        (lambda text: text, "abc", "not_run", "returned str; expected True, False or a CheckResult"),
        (lambda text: 1 / 0, "abc", "not_run", "raised ZeroDivisionError"),
    ],
)
def test_a_check_passes_fails_or_has_not_run(run, check, text, status, detail):
    result = run(check, text)
    assert (result.status, result.detail) == (status, detail)
    assert (result.cost_usd, result.n_requests, result.cost_is_exact) == (0.0, 0, True)


def test_a_check_keeps_its_name_and_what_it_raised(run):
    def no_brand_named(text):
        raise ValueError(text)

    result = run(no_brand_named, "secret text")
    assert (result.name, type(result.error)) == ("no_brand_named", ValueError)
    assert "secret" not in result.detail
    assert run(checks.function(no_brand_named, name="brands"), "x").name == "brands"
    assert run(lambda text: CheckResult.passed(name="own"), "x").name == "own"
    check: Check = checks.length()
    assert as_check(check) is check


def test_all_of_stops_at_the_first_failure_and_says_which(run):
    asked = []

    def last(text):
        asked.append(text)
        return True

    both = checks.all_of(checks.length(max_chars=3), str.islower, last)
    assert (run(both, "abc").status, len(run(both, "abc").parts), len(asked)) == ("passed", 3, 2)
    failed = run(both, "ABC")
    assert (failed.status, failed.detail, len(failed.parts)) == ("failed", "islower", 2)
    assert run(both, "abcd").detail == "length: 4 characters, allowed 0 to 3"
    assert len(asked) == 2


def test_a_failure_outweighs_a_check_that_did_not_run_and_that_outweighs_a_pass(run):
    def broken(text):
        raise OSError

    assert run(checks.all_of(broken, str.islower), "ABC").status == "failed"
    found = run(checks.all_of(broken, str.islower, name="all"), "abc")
    assert (found.name, found.status, found.detail) == ("all", "not_run", "broken: raised OSError")
    assert isinstance(found.error, OSError)


class Dear:
    """A check that costs: as one that asks a model twice, the first time in vain."""

    name = "dear"

    def steps(self, text, around):
        yield Ask(str.islower, text)
        return CheckResult("dear", "passed", cost_usd=0.5, n_requests=2, cost_is_exact=False)

    def expected_cost_usd(self, task, ladder):
        return 0.25


def test_what_checks_cost_adds_up_and_is_exact_only_where_all_of_it_is(run):
    found = run(checks.all_of(str.islower, Dear(), Dear()), "abc")
    assert (found.status, found.cost_usd, found.n_requests, found.cost_is_exact) == ("passed", 1.0, 4, False)


def test_who_leaves_during_a_check_has_paid_for_those_before_it(ladder):
    around = Surroundings(Task("Name the colours."), ladder, Limits(), OUTSIDE)
    steps = checks.all_of(Dear(), Dear(), Dear()).steps("abc", around)
    next(steps)
    for _ in range(2):
        steps.send(Told(True, None))
    with pytest.raises(Interrupt) as left:  # the third is under way
        steps.throw(Interrupt())
    assert (left.value.n_requests, left.value.cost_usd, left.value.cost_is_exact) == (4, 1.0, False)


def test_an_async_check_in_a_blocking_run_has_not_run(run):
    async def check(text):
        return True

    result = run(check, "abc")
    assert result.status == "not_run"
    assert "arun" in str(result.error)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: checks.all_of(), "at least one"),
        (lambda: checks.all_of(7), "A check is a function .*; got int"),
        (lambda: checks.regex("("), "no regular expression"),
        (lambda: checks.json_schema({"type": "aray"}), r"no JSON schema: at \$"),
        (lambda: checks.length(min_chars=5, max_chars=4), "bounds of chars"),
        (lambda: checks.length(min_words=-1), "bounds of words"),
        (lambda: checks.items(at_least=2, at_most=1), "bounds of items"),
        (lambda: checks.items(of="words"), "'json', 'lines' or a function"),
    ],
)
def test_a_check_that_cannot_work_is_refused_when_it_is_made(make, match):
    with pytest.raises(InvalidRequest, match=match):
        make()


def test_a_schema_needs_its_library_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(MissingExtra, match=r"tierwise\[checks\]"):
        checks.json_schema(SCHEMA)
    checks.json_schema()  # any JSON needs none
