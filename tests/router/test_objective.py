"""Priced plans, against a simulation that plays each of them out with random numbers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tierwise import predict_tier
from tierwise.classifier.task import Task
from tierwise.router._view import view_of
from tierwise.router.policy import Policy
from tierwise.router.rules._decide import decide
from tierwise.router.rules._objective import candidate_plans, cheapest_plan, priced_plan

N_RUNS = 200_000
COSTS = (0.01, 0.10, 0.40)

# Two kinds of the same task, equally likely: what rung passes with which probability on each.
# A failure says that it is the hard kind, so the attempts at one task depend on each other.
KINDS = np.array([[0.9, 0.95, 0.99], [0.3, 0.5, 0.8]])


def _all_fail(rungs):
    return float(np.prod(1 - KINDS[:, list(rungs)], axis=1).mean())


@pytest.fixture
def shared(beliefs):
    """Attempts at one task share what makes it hard."""
    return beliefs((0.5, 0.3, 0.2), pass_=tuple(KINDS.mean(axis=0)), all_fail=_all_fail)


@pytest.fixture
def independent(beliefs):
    """Attempts at one task have nothing in common."""
    passes = (0.55, 0.7, 0.9)
    return beliefs(
        (0.5, 0.3, 0.2), pass_=passes, all_fail=lambda r: float(np.prod([1 - passes[i] for i in r]))
    )


def _simulated(rungs, kinds, false_pass, false_fail, correction):
    """(expected cost, its standard error, tokens, share not clean), played out run by run."""
    rng = np.random.default_rng(7)
    kind = rng.integers(len(kinds), size=N_RUNS)
    running = np.ones(N_RUNS, dtype=bool)
    tokens, unclean = np.zeros(N_RUNS), np.zeros(N_RUNS, dtype=bool)
    for rung in rungs:
        good = rng.random(N_RUNS) < kinds[kind, rung]
        tokens += running * COSTS[rung]
        refused = np.where(good, rng.random(N_RUNS) < false_fail, rng.random(N_RUNS) >= false_pass)
        if rung == rungs[-1]:
            refused[:] = False  # nothing comes after it: it is delivered as it is
        unclean |= running & ~refused & ~good
        running &= refused
    cost = tokens + unclean * correction
    return cost.mean(), cost.std() / N_RUNS**0.5, tokens.mean(), unclean.mean()


PLANS = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


@pytest.mark.parametrize("rungs", PLANS)
@pytest.mark.parametrize("false_pass", [0.0, 0.02, 0.3])
def test_a_plan_costs_what_a_simulation_says_where_attempts_share_a_cause(rungs, false_pass, shared):
    policy = Policy(check_false_pass=false_pass, check_false_fail=0.0)
    plan = priced_plan(rungs, shared, COSTS, 2.0, policy)
    cost, error, tokens, unclean = _simulated(rungs, KINDS, false_pass, 0.0, 2.0)
    assert plan.expected_cost_usd == pytest.approx(cost, abs=4 * error + 1e-9)
    assert plan.token_cost_usd == pytest.approx(tokens, rel=0.01)
    assert plan.p_unclean == pytest.approx(unclean, abs=4 * 0.5 / N_RUNS**0.5)


@pytest.mark.parametrize("rungs", PLANS)
@pytest.mark.parametrize(("false_pass", "false_fail"), [(0.02, 0.01), (0.3, 0.2), (0.0, 1.0), (1.0, 0.0)])
def test_a_plan_costs_what_a_simulation_says_for_any_error_rates(rungs, false_pass, false_fail, independent):
    policy = Policy(check_false_pass=false_pass, check_false_fail=false_fail)
    plan = priced_plan(rungs, independent, COSTS, 2.0, policy)
    kinds = np.array([independent.pass_])
    cost, error, tokens, unclean = _simulated(rungs, kinds, false_pass, false_fail, 2.0)
    assert plan.expected_cost_usd == pytest.approx(cost, abs=4 * error + 1e-9)
    assert plan.token_cost_usd == pytest.approx(tokens, rel=0.01)
    assert plan.p_unclean == pytest.approx(unclean, abs=4 * 0.5 / N_RUNS**0.5)


@pytest.mark.parametrize("rungs", PLANS)
def test_what_a_refused_good_result_teaches_is_neglected_at_little_cost(rungs, shared):
    """With the default error rates the shortcut that the docstring names is below one percent."""
    plan = priced_plan(rungs, shared, COSTS, 2.0, Policy())
    cost, error, _, _ = _simulated(rungs, KINDS, 0.02, 0.01, 2.0)
    assert plan.expected_cost_usd == pytest.approx(cost, abs=4 * error + 0.01 * cost)


@pytest.mark.parametrize("correction", [0.0, 0.05, 0.3, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("checked", [False, True])
def test_the_cheapest_plan_is_the_cheapest_in_the_simulation(correction, checked, shared):
    policy = Policy(check_false_fail=0.0)
    chosen = cheapest_plan([0, 1, 2], shared, COSTS, correction, checked=checked, policy=policy)
    allowed = PLANS if checked else PLANS[:3]
    played = {rungs: _simulated(rungs, KINDS, 0.02, 0.0, correction) for rungs in allowed}
    least = min(cost for cost, *_ in played.values())
    cost, error, _, _ = played[chosen.rungs]
    assert cost <= least + 8 * error + 1e-9


def test_the_dearer_a_correction_the_higher_the_tier(shared):
    policy = Policy()
    prices = (0.0, 0.1, 0.5, 1.0, 3.0, 30.0)
    chosen = [cheapest_plan([0, 1, 2], shared, COSTS, p, checked=False, policy=policy).rungs for p in prices]
    assert chosen == sorted(chosen)
    assert (chosen[0], chosen[-1]) == ((0,), (2,))


def test_a_check_that_costs_makes_plans_dearer_by_each_attempt_that_is_checked(independent):
    free, paid = Policy(check_false_fail=0.0), Policy(check_false_fail=0.0, check_cost_usd=0.25)
    for rungs, n_checks in [((2,), 0.0), ((0, 2), 1.0), ((0, 1, 2), 1.0 + (1 - independent.pass_[0]) * 0.98)]:
        before = priced_plan(rungs, independent, COSTS, 2.0, free)
        after = priced_plan(rungs, independent, COSTS, 2.0, paid)
        assert after.expected_cost_usd - before.expected_cost_usd == pytest.approx(0.25 * n_checks)
        assert after.p_unclean == before.p_unclean


def test_one_tier_by_hand(independent):
    plan = priced_plan((1,), independent, COSTS, 2.0, Policy())
    assert plan == ((1,), pytest.approx(0.10 + 0.3 * 2.0), pytest.approx(0.10), pytest.approx(0.3))


def test_two_tiers_by_hand(independent):
    """Haiku fails .45, of which the check lets .009 through; it refuses .441 + .0055 and Opus tries."""
    plan = priced_plan((0, 2), independent, COSTS, 2.0, Policy())
    reached = 0.45 * 0.98 + 0.55 * 0.01
    unclean = 0.45 * 0.02 + reached * 0.1
    assert plan.token_cost_usd == pytest.approx(0.01 + reached * 0.40)
    assert plan.p_unclean == pytest.approx(unclean)
    assert plan.expected_cost_usd == pytest.approx(0.01 + reached * 0.40 + unclean * 2.0)


def test_a_check_that_lets_all_pass_makes_escalation_worthless(independent):
    blind = Policy(check_false_pass=1.0, check_false_fail=0.0)
    alone, escalated = (priced_plan(r, independent, COSTS, 2.0, blind) for r in [(0,), (0, 2)])
    assert escalated.expected_cost_usd == pytest.approx(alone.expected_cost_usd)


def test_a_tier_that_never_fails_leaves_nothing_to_escalate(beliefs):
    sure = beliefs((1, 0, 0), pass_=(1.0, 1.0, 1.0), all_fail=lambda rungs: 0.0)
    plan = priced_plan((0, 1, 2), sure, COSTS, 2.0, Policy(check_false_fail=0.0))
    assert plan == ((0, 1, 2), pytest.approx(0.01), pytest.approx(0.01), 0.0)


def test_ties_go_to_the_lower_tier_and_the_shorter_plan(beliefs):
    same = beliefs((1, 0, 0), pass_=(0.5, 0.5, 0.5), all_fail=lambda rungs: 0.5)
    free = (0.0, 0.0, 0.0)
    for checked in (False, True):
        assert cheapest_plan([0, 1, 2], same, free, 0.0, checked=checked, policy=Policy()).rungs == (0,)
        assert cheapest_plan([2, 1], same, free, 0.0, checked=checked, policy=Policy()).rungs == (1,)


def test_all_rising_plans_compete_where_a_check_exists_and_single_tiers_elsewhere():
    assert list(candidate_plans([0, 1, 2], checked=False)) == [(0,), (1,), (2,)]
    assert list(candidate_plans([2, 0, 1], checked=True)) == PLANS
    assert list(candidate_plans([1], checked=True)) == [(1,)]
    for order in permutations([0, 1, 2]):
        assert all(list(plan) == sorted(plan) for plan in candidate_plans(order, checked=True))


@pytest.mark.parametrize("attempts", [(), ("haiku",), ("haiku", "sonnet")])
@pytest.mark.parametrize("history", [None, {"haiku": (3, 2)}])
def test_failures_of_one_tier_and_pass_probabilities_agree(attempts, history, champion, ladder):
    """A plan mixes the two, so one must be the other's complement, also after failed attempts."""
    task = Task("Tag these tickets by product area", attempts=attempts)
    believed = view_of(champion, ladder, Policy()).beliefs(champion.posterior(task, history))
    for rung, passes in enumerate(believed.pass_):
        assert believed.all_fail((rung,)) == pytest.approx(1 - passes, abs=1e-6)


def test_a_priced_plan_is_what_is_decided(shared, ladder):
    priced = Policy(correction_minutes=6, hourly_rate_usd=80)
    choice = decide(Task("x", verifiable=True), shared, priced, ladder)
    assert choice.codes[0] == "expected_cost"
    assert choice.plan == choice.priced.rungs
    assert choice.rung == choice.plan[0]


@pytest.mark.parametrize(("facts", "n_tiers"), [({"verifiable": True}, 3), ({}, 1), ({"reviewed": True}, 1)])
def test_several_tiers_compete_where_a_program_checks(facts, n_tiers, shared, ladder):
    priced = Policy(correction_minutes=6, hourly_rate_usd=80)
    assert len(decide(Task("x", **facts), shared, priced, ladder).priced.rungs) == n_tiers


def test_a_decision_that_travelled_without_its_model_is_priced_tier_by_tier(shared, ladder):
    """Nothing says then how likely several tiers are to fail together."""
    priced, alone = Policy(correction_minutes=6, hourly_rate_usd=80), shared._replace(all_fail=None)
    choice = decide(Task("x", verifiable=True), alone, priced, ladder)
    assert choice.priced.rungs == (choice.rung,)
    assert choice.codes[0] == "expected_cost"


def test_a_rule_that_moves_the_tier_ends_the_priced_plan(shared, ladder):
    """Consequence lifts the first tier of the plan; what follows it is then the next rung above."""
    cheap = Policy(correction_minutes=0.1, hourly_rate_usd=1)
    choice = decide(Task("x", verifiable=True, consequential=True), shared, cheap, ladder)
    assert choice.priced.rungs[0] == 0
    assert choice.plan == (1, 2)


def test_a_text_without_an_opinion_is_not_priced(beliefs, ladder):
    """A guard withholds the probabilities that a price needs."""
    unread = beliefs((0.25, 0.5, 0.25), guard="unfamiliar")
    priced = Policy(correction_minutes=6, hourly_rate_usd=80)
    choice = decide(Task("x"), unread, priced, ladder)
    assert (choice.priced, choice.codes[0]) == (None, "unfamiliar")


def test_a_batch_is_priced_as_one_and_what_fails_after_it_at_the_full_price(shared):
    """Else a plan could be chosen for a price that nobody pays."""
    half = [cost / 2 for cost in COSTS]
    alone = cheapest_plan([1], shared, COSTS, 2.0, checked=True, policy=Policy(), first_cost_usd=half)
    assert alone.token_cost_usd == pytest.approx(COSTS[1] / 2)
    plan = cheapest_plan([0, 2], shared, COSTS, 90.0, checked=True, policy=Policy(), first_cost_usd=half)
    assert plan.rungs == (0, 2)
    in_sync = priced_plan((0, 2), shared, COSTS, 90.0, Policy())
    assert plan.token_cost_usd == pytest.approx(in_sync.token_cost_usd - COSTS[0] / 2)


def test_the_price_of_the_chosen_plan_is_that_of_its_mode():
    """Thousands of tokens an item: a batch falls into the lower price step, and costs half."""
    policy = Policy(correction_minutes=1, hourly_rate_usd=3)
    decision = predict_tier(
        "Assign one category from our taxonomy to each of these blog posts",
        items=25,
        verifiable=True,
        ceiling="haiku",
        input_tokens=250_000,
        output_tokens=20_000,
        policy=policy,
    )
    assert decision.mode == "batch"
    assert decision.plan == ("haiku",)
    priced = decision.evidence.choice.priced
    assert priced.token_cost_usd == pytest.approx(250_000 * 0.05e-6 + 20_000 * 0.25e-6)
    assert priced.expected_cost_usd == pytest.approx(decision.expected_cost_usd["haiku"])
    assert f"expected ${priced.expected_cost_usd:.6f}" in decision.explain()
