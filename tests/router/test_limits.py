"""Limits of the tiers, and the tokens that are held against them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise.classifier.errors import InvalidTask, NoTierFits
from tierwise.classifier.task import Task
from tierwise.data import TIERS
from tierwise.router.ladder import Ladder
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import decide
from tierwise.router.rules._limits import Tokens, check_some_fit, fitting_tiers, tokens_of

EASY, MIDDLE, HARD, UNSURE = (0.9, 0.08, 0.02), (0.1, 0.8, 0.1), (0.02, 0.08, 0.9), (0.5, 0.3, 0.2)


def _ladder(*limits: tuple[int | None, int | None]) -> Ladder:
    """The Claude ladder with these context windows and output caps."""
    rungs = Ladder.load(TIERS).rungs
    changed = [
        replace(rung, context_window_tokens=window, max_output_tokens=cap)
        for rung, (window, cap) in zip(rungs, limits, strict=True)
    ]
    return Ladder("limited", tuple(changed))


RISING = _ladder((1_000, 100), (10_000, 1_000), (100_000, 10_000))
FALLING = _ladder((100_000, 10_000), (10_000, 1_000), (1_000, 100))


@pytest.mark.parametrize(
    ("facts", "tokens"),
    [
        ({}, Tokens(3, 400, 0, True)),  # 12 characters, four a token; the default per item
        ({"items": 0}, Tokens(3, 400, 0, True)),
        ({"items": 5}, Tokens(3, 2_000, 0, True)),
        ({"input_tokens": 70}, Tokens(70, 400, 0, True)),
        ({"output_tokens": 9, "items": 5}, Tokens(3, 9, 0, True)),  # given ones are of the whole task
        ({"input_tokens": 70, "output_tokens": 9}, Tokens(70, 9, 0, False)),
        ({"input_tokens": 70, "output_tokens": 9, "cached_tokens": 60}, Tokens(70, 9, 60, False)),
        ({"cached_tokens": 500}, Tokens(500, 400, 500, True)),  # cached ones are part of the input
        ({"input_tokens": 0, "output_tokens": 0}, Tokens(0, 0, 0, False)),
    ],
)
def test_tokens_are_the_callers_or_an_estimate(facts, tokens):
    assert tokens_of(Task("twelve chars", **facts), Policy()) == tokens


def test_of_images_one_is_expected_for_each_item():
    assert tokens_of(Task("twelve chars", items=5), Policy(), "image") == Tokens(3, 5, 0, True)


def test_part_of_a_token_counts_as_one():
    assert tokens_of(Task("12345"), Policy()).input == 2


def test_the_operator_sets_the_output_that_is_assumed():
    assert tokens_of(Task("x", items=3), Policy(default_output_tokens=50)).output == 150


@pytest.mark.parametrize("given", [{"input_tokens": 0}, {"input_tokens": 99}])
def test_more_cached_tokens_than_input_tokens_are_an_error_and_no_rebate(given):
    with pytest.raises(InvalidTask, match="cached_tokens"):
        Task("x", **given, cached_tokens=100)


@pytest.mark.parametrize(
    ("facts", "fits", "codes"),
    [
        ({}, [True, True, True], []),
        ({"input_tokens": 1_000}, [True, True, True], []),
        ({"input_tokens": 1_001}, [False, True, True], ["limit:context_window"]),
        ({"input_tokens": 950, "output_tokens": 51}, [False, True, True], ["limit:context_window"]),
        ({"output_tokens": 100}, [True, True, True], []),
        ({"output_tokens": 101}, [False, True, True], ["limit:max_output"]),
        ({"output_tokens": 1_001}, [False, False, True], ["limit:context_window", "limit:max_output"]),
        ({"input_tokens": 999_999}, [False, False, False], ["limit:context_window"]),
    ],
)
def test_a_tier_whose_window_or_cap_is_exceeded_is_out(facts, fits, codes):
    assert fitting_tiers(Task("x", **facts), RISING) == (fits, codes)


def test_an_estimate_never_rules_a_tier_out():
    long = Task("word " * 10_000, items=10_000)
    assert tokens_of(long, Policy()).input > 1_000
    assert fitting_tiers(long, RISING) == ([True, True, True], [])


def test_limits_that_nobody_knows_rule_nothing_out():
    unknown = _ladder((None, None), (None, None), (None, None))
    assert fitting_tiers(Task("x", input_tokens=10**9, output_tokens=10**9), unknown) == ([True] * 3, [])


@pytest.mark.parametrize(
    ("facts", "needed", "on", "tier", "code"),
    [
        ({"input_tokens": 5_000}, EASY, RISING, "sonnet", "limit:context_window"),
        ({"output_tokens": 5_000}, EASY, RISING, "opus", "limit:context_window"),
        ({"output_tokens": 500}, HARD, FALLING, "sonnet", "limit:max_output"),
        ({"input_tokens": 50_000}, HARD, FALLING, "haiku", "limit:context_window"),
        (
            {"input_tokens": 500},
            MIDDLE,
            _ladder((None, None), (100, None), (None, None)),
            "opus",
            "limit:context_window",
        ),
    ],
)
def test_the_nearest_tier_that_holds_the_task_upwards_first(facts, needed, on, tier, code, beliefs):
    choice = decide(Task("x", **facts), beliefs(needed), Policy(), on)
    assert on.names[choice.rung] == tier
    assert choice.codes[0] == code


def test_a_limit_that_moves_nothing_is_said_but_does_not_decide(beliefs):
    choice = decide(Task("x", input_tokens=5_000), beliefs(HARD), Policy(), RISING)
    assert (RISING.names[choice.rung], choice.codes) == ("opus", ("classifier", "limit:context_window"))


def test_a_tier_chosen_for_its_limits_is_no_fallback(beliefs):
    """`fallback` says that the production tier was the answer; here another tier answers."""
    choice = decide(Task("x", input_tokens=50_000), beliefs(UNSURE), Policy(), RISING)
    assert (RISING.names[choice.rung], choice.fallback) == ("opus", False)


def test_a_task_is_not_escalated_to_a_tier_that_can_not_hold_it(beliefs):
    gap = _ladder((None, None), (100, None), (None, None))
    choice = decide(Task("x", input_tokens=500, verifiable=True), beliefs(EASY), Policy(), gap)
    assert [gap.names[rung] for rung in choice.plan] == ["haiku", "opus"]


def test_a_priced_plan_holds_only_tiers_that_hold_the_task(beliefs):
    priced = Policy(correction_minutes=60, hourly_rate_usd=100)
    choice = decide(Task("x", input_tokens=50_000), beliefs(HARD), priced, FALLING)
    assert (choice.rung, choice.plan) == (0, (0,))


@pytest.mark.parametrize(
    ("facts", "on", "message"),
    [
        (
            {"input_tokens": 200_000},
            RISING,
            r"\(haiku, sonnet, opus\) holds .* input_tokens=200,000 and output_tokens=0",
        ),
        (
            {"input_tokens": 99_999, "output_tokens": 2},
            RISING,
            r"together exceed the context window \(100,000\)",
        ),
        (  # the cap of the highest would hold it
            {"input_tokens": 96_000, "output_tokens": 5_000},
            RISING,
            r"input_tokens=96,000 and output_tokens=5,000 together exceed the context window \(100,000\)",
        ),
        ({"output_tokens": 10_001}, RISING, r"output_tokens=10,001 exceeds the output cap \(10,000\)"),
        (
            {"input_tokens": 5_000, "ceiling": "haiku"},
            RISING,
            r"No allowed tier \(haiku\) .*window \(1,000\)",
        ),
        (
            {"input_tokens": 50_000, "pin": "sonnet"},
            RISING,
            r"No allowed tier \(sonnet\) .*window \(10,000\)",
        ),
        ({"output_tokens": 500, "floor": "opus"}, FALLING, r"No allowed tier \(opus\) .*output cap \(100\)"),
        ({"input_tokens": 50_000, "attempts": ["haiku"]}, FALLING, r"\(sonnet, opus\) .*window \(10,000\)"),
    ],
)
def test_a_task_that_no_allowed_tier_holds_is_an_error_that_names_the_limit(facts, on, message, beliefs):
    task = Task("x", **facts)
    with pytest.raises(NoTierFits, match=message + ".*Split the task, or allow") as caught:
        decide(task, beliefs(EASY), Policy(), on)
    assert caught.value.about is task


def test_one_allowed_tier_that_holds_the_task_is_enough():
    check_some_fit(Task("x"), RISING, range(3), [False, False, True])
    with pytest.raises(NoTierFits):
        check_some_fit(Task("x"), RISING, range(2), [False, False, True])
