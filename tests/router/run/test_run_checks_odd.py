"""Checks of users that raise or return odd things: they have not run, and what the answer took is in the log."""

from __future__ import annotations

import asyncio
import math

import pytest

from tierwise import Router, Task
from tierwise.classifier.errors import InvalidTask, ServiceBusy
from tierwise.router.run import CheckResult, Grade, checks
from tierwise.router.run.jobs import run_many
from tierwise.testing import MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"


class Own:
    """A check of a user's own that may take steps; this one takes none."""

    name = "own"

    def __init__(self, found):
        self._found = found

    def steps(self, text, around):
        if isinstance(self._found, Exception):
            raise self._found
        return self._found
        yield

    def expected_cost_usd(self, task, ladder):
        return 0.0


def busy():
    error = ServiceBusy("Too many requests.")
    error.cost_usd, error.n_requests, error.cost_is_exact = 0.25, 2, False
    return error


ODD = [
    (lambda text: CheckResult("x", "maybe"), "whose status is not passed, failed or not_run"),
    (lambda text: CheckResult("x", None), "whose status is not passed, failed or not_run"),
    (lambda text: CheckResult("x", "failed", None), "whose detail is not a text"),
    (
        lambda text: CheckResult("x", "passed", cost_usd=math.nan),
        "whose cost_usd is not a finite number >= 0",
    ),
    (lambda text: CheckResult("x", "passed", cost_usd=-5.0), "whose cost_usd is not a finite number >= 0"),
    (lambda text: CheckResult("x", "failed", n_requests=None), "whose n_requests is not a whole number >= 0"),
    (Own(ValueError("x")), "raised ValueError"),
    (Own(None), "returned NoneType; expected True, False or a CheckResult"),
    (Own(True), "returned bool; expected True, False or a CheckResult"),
]


@pytest.fixture
def server():
    with MessagesServer("tagged") as made:
        yield made


@pytest.mark.parametrize("composed", [False, True])
@pytest.mark.parametrize(("check", "detail"), ODD)
def test_a_check_that_says_what_no_check_can_has_not_run(router, server, check, detail, composed):
    check = checks.all_of(checks.length(max_chars=99), check) if composed else check
    result = router.run(TAG, verifiable=True, check=check)
    assert (result.status, len(server.calls)) == ("check_not_run", 1)
    assert detail in result.check.detail
    (attempt,) = router.log.attempts()
    assert attempt.cost_usd == result.cost_usd == server.cost_usd


def test_what_a_check_had_paid_when_it_failed_counts(router, server):
    found = router.run(TAG, verifiable=True, check=Own(busy())).check
    assert (found.detail, found.cost_usd, found.n_requests, found.cost_is_exact) == (
        "raised ServiceBusy",
        0.25,
        2,
        False,
    )
    (attempt,) = router.log.attempts()
    assert (attempt.check_cost_usd, attempt.n_requests, attempt.cost_is_exact) == (0.25, 3, False)


def test_an_odd_check_does_not_hold_a_batch(router, tmp_path):
    tasks = [Task(f"Tag ticket {number}, JSON out", verifiable=True) for number in range(3)]
    job = router.submit_batch(tasks, journal=tmp_path / "tags.jsonl")
    found = router.collect_batch(job, check=lambda text: CheckResult("x", "maybe"))
    assert [each.status for each in found] == ["check_not_run"] * 3
    assert job.is_finished


@pytest.mark.parametrize("check", [Grade("gpt", "Fine."), checks.all_of(len, Grade("gpt", "Fine."))])
def test_a_grader_that_the_ladder_does_not_have_is_found_out_before_anything_is_paid(router, server, check):
    with pytest.raises(InvalidTask, match="Unknown tier 'gpt'"):
        router.run(TAG, check=check)
    with pytest.raises(InvalidTask, match="Unknown tier 'gpt'"):
        run_many(router, [TAG], journal=None, check=check)
    assert server.calls == ()


def test_a_check_that_is_cancelled_by_itself_has_not_run(server):
    async def cancels_its_own_work(text):
        work = asyncio.create_task(asyncio.sleep(60))
        work.cancel()
        await work

    async def go():
        async with server.async_client() as client, Router(client=client) as router:
            return await router.arun(TAG, check=cancels_its_own_work)

    result = asyncio.run(go())
    assert (result.status, result.check.detail) == ("check_not_run", "raised CancelledError")
