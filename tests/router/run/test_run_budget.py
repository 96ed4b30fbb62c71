"""A budget holds where the prompt is longer than the task, and where an answer was longer than expected."""

from __future__ import annotations

import pytest

from tierwise import Router
from tierwise.classifier.errors import BudgetExceeded
from tierwise.router.run import Limits, Options
from tierwise.router.run.jobs import run_many
from tierwise.testing import Answer, MessagesServer

TAG = "Tag these 40 tickets by product area, JSON out"
LONG = "word " * 400_000  # 500,000 tokens: a dollar on Sonnet
LONG_OPTIONS = [
    Options(system=LONG),
    Options(system=[{"type": "text", "text": LONG}]),
    Options(messages=[{"role": "user", "content": LONG}]),
    Options(other={"tools": [{"name": "look", "description": LONG, "input_schema": {"type": "object"}}]}),
]


@pytest.mark.parametrize("options", LONG_OPTIONS, ids=["system", "blocks", "messages", "tools"])
def test_all_that_is_sent_is_part_of_what_is_expected(options):
    with MessagesServer() as server, Router(client=server.client()) as router:
        with pytest.raises(BudgetExceeded, match=r"expected to cost 1\.0\d+ USD, the budget is 0\.9"):
            router.run(TAG, pin="sonnet", options=options, limits=Limits(max_usd=0.9))
        assert server.calls == ()
        result = router.run(TAG, pin="sonnet", options=options, limits=Limits(max_usd=1.1))
        assert 0.9 < result.cost_usd == pytest.approx(server.cost_usd)


def test_what_is_sent_with_a_long_task_comes_on_top_of_it():
    """300,000 tokens each: 1.2 USD on Sonnet, where one of them alone is 0.6."""
    half = "word " * 240_000
    with MessagesServer() as server, Router(client=server.client()) as router:
        with pytest.raises(BudgetExceeded, match=r"expected to cost 1\.2\d+ USD, the budget is 1\.1"):
            router.run(half, pin="sonnet", options=Options(system=half), limits=Limits(max_usd=1.1))
        assert server.calls == ()


@pytest.mark.parametrize("facts", [{"input_tokens": 500_000, "cached_tokens": 500_000}, {"input_tokens": 99}])
def test_the_callers_own_count_is_what_counts(facts):
    """Who has the prompt in a cache knows what it costs."""
    with MessagesServer() as server, Router(client=server.client()) as router:
        given = {"pin": "sonnet", "options": Options(system=LONG), "limits": Limits(max_usd=0.1)}
        assert router.run(TAG, **facts, **given).status == "unchecked"


def test_an_answer_that_was_cut_off_is_expected_to_fill_its_room_again():
    """8,192 tokens of Sonnet are 0.082 USD; what didn't fit there costs at least as much again."""
    with MessagesServer(Answer("word " * 40_000)) as server, Router(client=server.client()) as router:
        result = router.run(TAG, pin="sonnet", limits=Limits(max_usd=0.15))
        assert (result.status, result.stopped, len(server.calls)) == ("cut_off", "budget", 1)
        assert result.cost_usd == pytest.approx(server.cost_usd)
        result = router.run(TAG, pin="sonnet", limits=Limits(max_usd=0.17))
        assert [attempt.max_tokens for attempt in result.attempts] == [8_192, 32_768]


def test_the_next_tier_is_expected_to_write_as_much_as_the_one_that_failed():
    """2,000 tokens, where 500 were expected: 0.02 USD on Sonnet."""
    given = {"verifiable": True, "check": lambda _: False, "ceiling": "sonnet"}
    wordy = Answer("Sure!", output_tokens=2_000)
    with MessagesServer(wordy) as server, Router(client=server.client()) as router:
        low = router.run(TAG, **given, limits=Limits(max_usd=0.015))
        high = router.run(TAG, **given, limits=Limits(max_usd=0.025))
        told = router.run(TAG, **given, output_tokens=500, limits=Limits(max_usd=0.015))
    assert [low.stopped, high.stopped, told.stopped] == ["budget", "exhausted", "exhausted"]
    assert [len(each.attempts) for each in (low, high, told)] == [1, 2, 2]


def test_the_last_attempt_says_how_long_the_next_one_will_be():
    """Haiku wrote 9 tokens, Sonnet 2,000 (0.02 USD): Opus is expected to write as many (0.04 USD)."""
    given = {"verifiable": True, "check": lambda _: False}
    n_attempts, wordy = [], Answer("Sure!", output_tokens=2_000)
    with MessagesServer(wordy) as server, Router(client=server.client()) as router:
        for max_usd in (0.05, 0.09):
            server.then(Answer("Sure!", output_tokens=9))
            n_attempts.append(len(router.run(TAG, **given, limits=Limits(max_usd=max_usd)).attempts))
    assert n_attempts == [2, 3]


def test_a_job_keeps_money_free_for_all_that_it_sends(tmp_path):
    with MessagesServer("[]") as server, Router(client=server.client()) as router:
        texts = [f"Tag ticket {number}, JSON out" for number in range(4)]
        given = {"journal": tmp_path / "job", "options": Options(system=LONG), "concurrency": 4}
        summary = run_many(router, texts, **given, max_usd=0.3)
    assert summary.cost_usd == pytest.approx(server.cost_usd)
    assert (summary.stopped, summary.cost_usd <= 0.3) == ("budget", True)


def test_an_item_of_a_batch_that_was_cut_off_is_expected_to_fill_its_room_again(tmp_path):
    """0.041 USD in the batch; at once and at the full price it is 0.082 more, at the least."""
    with MessagesServer(Answer("word " * 10_000)) as server, Router(client=server.client()) as router:
        for max_usd, n_asked in ((0.11, 0), (0.13, 1)):
            tasks = [{"specification": TAG, "pin": "sonnet"}]
            job = router.submit_batch(tasks, journal=tmp_path / str(max_usd))
            [result] = router.collect_batch(job, limits=Limits(max_usd=max_usd))
            asked = [call for call in server.calls if call.endpoint == "messages"]
            assert (result.status, len(asked)) == ("unchecked" if n_asked else "cut_off", n_asked)
