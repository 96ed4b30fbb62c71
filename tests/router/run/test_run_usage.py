"""What a response cost, to the token: steps, cache, batch."""

from __future__ import annotations

import pytest

from tierwise import Ladder
from tierwise.router.ladder.prices import PriceStep, token_cost_usd
from tierwise.router.run import Usage, usage_cost_usd, usage_of
from tierwise.testing import Answer, MessagesServer

HELLO = {"max_tokens": 100_000, "messages": [{"role": "user", "content": "Say hello."}], "timeout": 600}
ANSWERS = [
    Answer("x", input_tokens=100_000, output_tokens=50),
    Answer("x", input_tokens=90_000, cache_read_tokens=10_001, output_tokens=50),
    Answer("x", input_tokens=10, cache_write_5m_tokens=2_000, cache_write_1h_tokens=3_000, output_tokens=900),
    Answer("x", thinking_tokens=700),
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("tier", ["haiku", "sonnet", "opus", "fable"])
def test_the_cost_of_a_response_is_what_the_server_bills(answer, tier):
    ladder = Ladder.load(enable=["fable"])
    rung = ladder.rungs[ladder.index(tier)]
    with MessagesServer(answer) as server:
        message = server.client().messages.create(model=rung.model, **HELLO)
        with server.client().messages.stream(model=rung.model, **HELLO) as stream:
            streamed = stream.get_final_message()
        assert usage_of(message) == usage_of(streamed)
        assert usage_of(message).thinking_tokens == answer.thinking_tokens
        assert 2 * usage_cost_usd(rung, usage_of(message)) == pytest.approx(server.cost_usd, rel=1e-12)


def test_a_batch_costs_half_cached_tokens_too(ladder):
    haiku = ladder.rungs[0]
    usage = Usage(10, 20, 30, 40, 50)
    assert usage_cost_usd(haiku, usage, batch=True) == pytest.approx(usage_cost_usd(haiku, usage) / 2)


def test_without_batch_rates_a_batch_costs_the_full_price():
    fable = Ladder.load(enable=["fable"]).rungs[-1]
    assert usage_cost_usd(fable, Usage(1000, 10), batch=True) == usage_cost_usd(fable, Usage(1000, 10))


def test_the_whole_prompt_chooses_the_step_and_the_step_prices_the_whole_request(ladder):
    haiku = ladder.rungs[0]
    assert usage_cost_usd(haiku, Usage(100_000, 0)) == pytest.approx(0.01)
    assert usage_cost_usd(haiku, Usage(90_000, 0, 0, 10_001)) == pytest.approx(
        (90_000 * 0.5 + 10_001 * 0.625) / 1e6
    )


def test_expected_and_real_costs_agree_where_the_expectation_came_true(ladder):
    for rung in ladder.rungs:
        for batch in (False, True):
            expected = token_cost_usd(
                rung.prices, input_tokens=5000, output_tokens=70, cached_tokens=3000, batch=batch
            )
            assert usage_cost_usd(rung, Usage(2000, 70, 3000), batch=batch) == pytest.approx(expected)


def test_a_rung_without_cache_rates_bills_cached_tokens_as_input(ladder):
    from dataclasses import replace

    plain = replace(ladder.rungs[0], prices=(PriceStep(1.0, 2.0),))
    assert usage_cost_usd(plain, Usage(1, 1, 1, 1, 1)) == pytest.approx(6e-6)


def test_a_rung_whose_prompt_is_free_bills_its_answer(ladder):
    from dataclasses import replace

    free = PriceStep(0.0, 2.0, batch_input=0.0, batch_output=1.0)
    rung = replace(ladder.rungs[0], prices=(free,))
    costs = [usage_cost_usd(rung, Usage(1_000, 10), batch=batch) for batch in (False, True)]
    assert costs == pytest.approx([20e-6, 10e-6])


def test_what_a_response_leaves_out_is_nothing():
    from types import SimpleNamespace

    from anthropic import types

    few = types.Usage(input_tokens=7, output_tokens=3)
    assert usage_of(SimpleNamespace(usage=few)) == Usage(7, 3)


def test_usages_add_up_part_by_part():
    assert Usage(1, 2, 3) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 40)
    assert Usage(1, 0, 2, 3, 4).prompt_tokens == 10
    with pytest.raises(TypeError):
        Usage() + 1
