"""What a request costs: every expected figure was worked out by hand."""

from __future__ import annotations

import pytest

from tierwise.classifier.errors import InvalidLadder
from tierwise.classifier.task import Task
from tierwise.data import IMAGES
from tierwise.router.ladder import Ladder
from tierwise.router.ladder.prices import PriceStep, step_for, token_cost_usd
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import decide
from tierwise.router.rules._limits import tokens_of
from tierwise.router.rules._request_cost import rung_cost_usd

# haiku: up to 100,000 prompt tokens $0.10 in, $0.50 out, $0.01 cached; above, five times as much
# sonnet: $2 in, $10 out, $0.10 cached; opus: $4, $20, $0.20; batch: half


@pytest.fixture
def cost(ladder):
    def of(tier, input_tokens, output_tokens, **more):
        prices = ladder.rungs[ladder.index(tier)].prices
        return token_cost_usd(prices, input_tokens=input_tokens, output_tokens=output_tokens, **more)

    return of


@pytest.mark.parametrize(
    ("tier", "tokens_in", "tokens_out", "usd"),
    [
        ("haiku", 10_000, 2_000, 0.0020),  # .0010 + .0010
        ("haiku", 100_000, 10_000, 0.0150),  # .0100 + .0050: the bound is still the first step
        ("haiku", 100_001, 10_000, 0.0750005),  # .0500005 + .0250: one token more reprices it all
        ("haiku", 600_000, 20_000, 0.3500),  # .3000 + .0500
        ("sonnet", 10_000, 2_000, 0.0400),  # .0200 + .0200
        ("opus", 10_000, 2_000, 0.0800),  # .0400 + .0400
        ("opus", 0, 0, 0.0),
    ],
)
def test_a_step_prices_the_whole_request(cost, tier, tokens_in, tokens_out, usd):
    assert cost(tier, tokens_in, tokens_out) == pytest.approx(usd, abs=1e-9)


@pytest.mark.parametrize(
    ("tier", "tokens_in", "cached", "tokens_out", "usd"),
    [
        ("sonnet", 50_000, 40_000, 1_000, 0.0340),  # 10k fresh .0200, 40k cached .0040, out .0100
        ("sonnet", 50_000, 50_000, 0, 0.0050),  # all cached
        ("haiku", 120_000, 110_000, 1_000, 0.0130),  # cached tokens count for the step: .0050+.0055+.0025
        ("opus", 1_000_000, 500_000, 0, 2.1000),  # 2.00 + .10
    ],
)
def test_cached_tokens_are_part_of_the_prompt_at_their_own_rate(
    cost, tier, tokens_in, cached, tokens_out, usd
):
    assert cost(tier, tokens_in, tokens_out, cached_tokens=cached) == pytest.approx(usd, abs=1e-9)


def test_a_batch_halves_input_output_and_cache(cost):
    assert cost("sonnet", 10_000, 2_000, batch=True) == pytest.approx(0.0200, abs=1e-9)
    assert cost("sonnet", 50_000, 1_000, cached_tokens=40_000, batch=True) == pytest.approx(0.0170, abs=1e-9)


@pytest.mark.parametrize(
    ("tier", "tokens_in", "cached", "written", "usd"),
    [
        ("sonnet", 50_000, 40_000, 10_000, 0.0390),  # 40k read .0040, 10k written .0250, out .0100
        ("sonnet", 50_000, 0, 20_000, 0.1200),  # 30k fresh .0600, 20k written .0500, out .0100
        ("haiku", 120_000, 0, 100_000, 0.0750),  # written tokens count for the step: .0100+.0625+.0025
    ],
)
def test_written_tokens_are_part_of_the_prompt_at_the_rate_of_a_write(
    cost, tier, tokens_in, cached, written, usd
):
    parts = {"cached_tokens": cached, "written_tokens": written}
    assert cost(tier, tokens_in, 1_000, **parts) == pytest.approx(usd, abs=1e-9)
    assert cost(tier, tokens_in, 1_000, **parts, batch=True) == pytest.approx(usd / 2, abs=1e-9)


def test_in_a_batch_the_step_is_chosen_by_one_request(cost):
    """120 requests of 5,000 tokens: 600,000 in all, but each stays on the first step."""
    assert cost("haiku", 600_000, 24_000, requests=120, batch=True) == pytest.approx(0.0360, abs=1e-9)
    assert cost("haiku", 600_000, 24_000, requests=1, batch=True) == pytest.approx(0.1800, abs=1e-9)


def test_a_fraction_of_a_token_over_the_bound_is_over_it(cost):
    assert cost("haiku", 300_000, 0, requests=3) == pytest.approx(0.0300, abs=1e-9)
    assert cost("haiku", 300_001, 0, requests=3) == pytest.approx(0.1500005, abs=1e-9)


def test_without_a_cache_rate_cached_tokens_cost_what_others_cost():
    plain = (PriceStep(input=2.0, output=10.0, batch_input=1.0, batch_output=5.0),)
    both = {"input_tokens": 10_000, "output_tokens": 0, "cached_tokens": 4_000}
    assert token_cost_usd(plain, **both) == pytest.approx(0.02)
    assert token_cost_usd(plain, **both, batch=True) == pytest.approx(0.01)
    assert token_cost_usd(plain, **both, written_tokens=6_000) == pytest.approx(0.02)


def test_without_a_batch_price_a_batch_costs_what_sync_costs():
    plain = (PriceStep(input=8.0, output=40.0),)
    assert token_cost_usd(plain, input_tokens=1_000, output_tokens=100, batch=True) == pytest.approx(0.012)
    for half in ({"batch_input": 4.0}, {"batch_output": 20.0}):  # one rate of the two is no batch price
        one = (PriceStep(input=8.0, output=40.0, **half),)
        assert token_cost_usd(one, input_tokens=1_000, output_tokens=100, batch=True) == pytest.approx(0.012)


def test_a_rung_whose_input_is_free_can_have_a_batch_price():
    images = (PriceStep(input=0, output=40_000, batch_input=0, batch_output=20_000),)
    assert token_cost_usd(images, input_tokens=50, output_tokens=3, batch=True) == pytest.approx(0.06)


def test_a_prompt_above_every_bound_is_priced_by_the_last_step():
    steps = (PriceStep(1, 1, up_to_prompt_tokens=10), PriceStep(2, 2, up_to_prompt_tokens=20))
    assert [step_for(steps, n).input for n in (0, 10, 11, 20, 21)] == [1, 1, 2, 2, 2]


def test_a_task_in_batch_is_as_many_requests_as_items(ladder):
    task = Task("x", items=120, input_tokens=600_000, output_tokens=24_000)
    tokens = tokens_of(task, Policy())
    haiku = ladder.rungs[0]
    assert rung_cost_usd(haiku, tokens, task, batch=True) == pytest.approx(0.0360, abs=1e-9)
    assert rung_cost_usd(haiku, tokens, task, batch=False) == pytest.approx(0.3600, abs=1e-9)
    no_items = Task("x", input_tokens=10_000, output_tokens=2_000)
    assert rung_cost_usd(haiku, tokens_of(no_items, Policy()), no_items, batch=True) == pytest.approx(0.0010)


@pytest.mark.parametrize(("items", "usd"), [(None, 0.02), (1, 0.02), (3, 0.06), (50, 1.00)])
def test_an_image_costs_its_list_price_whatever_the_length_of_its_text(items, usd):
    images = Ladder.load(IMAGES)
    task = Task("A lighthouse at dusk, flat colours", items=items)
    tokens = decide(task, None, Policy(), images).tokens
    assert rung_cost_usd(images.rungs[0], tokens, task, batch=False) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([{"output": 1}], "A price of rung 'a' lacks 'input' \\(USD per million tokens\\)"),
        ([{"input": 1}], "A price of rung 'a' lacks 'output'"),
        (
            [{"input": 1, "output": 1, "cache_reed": 1}],
            "unknown rate 'cache_reed'; did you mean 'cache_read'\\?",
        ),
        ([{"input": -1, "output": 1}], "input of rung 'a' must be a number >= 0; got -1"),
        ([{"input": 1, "output": "1 $"}], "output of rung 'a' must be a number >= 0; got '1 \\$'"),
        ([{"input": True, "output": 1}], "input of rung 'a' must be a number >= 0; got True"),
        ([{"input": float("nan"), "output": 1}], "input of rung 'a' must be a number >= 0; got nan"),
        ([{"input": float("inf"), "output": 1}], "input of rung 'a' must be a number >= 0; got inf"),
        ([(5,)], "must rise in up_to_prompt_tokens, and the last must have no bound; got \\[5\\]"),
        ([(None,), (None,)], "must rise .* got \\[None, None\\]"),
        ([(9,), (5,), (None,)], "must rise .* got \\[9, 5, None\\]"),
        ([(5,), (5,), (None,)], "must rise .* got \\[5, 5, None\\]"),
    ],
)
def test_prices_that_can_not_be_right_are_errors(tables, message):
    bounds = [
        {"input": 1, "output": 1, "up_to_prompt_tokens": t[0]} if isinstance(t, tuple) else t for t in tables
    ]
    rows = [{key: value for key, value in row.items() if value is not None} for row in bounds]
    with pytest.raises(InvalidLadder, match=message):
        PriceStep.parse_all(rows, "rung 'a'")


def test_steps_that_rise_are_read_in_order():
    rates = {"input": 1, "output": 2}
    bounds = [{**rates, "up_to_prompt_tokens": 5}, {**rates, "up_to_prompt_tokens": 9}, rates]
    steps = PriceStep.parse_all(bounds, "rung 'a'")
    assert [step.up_to_prompt_tokens for step in steps] == [5, 9, None]
