"""Least expected cost: tokens and corrections together, over all plans that are allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from ..policy import Policy
from ._beliefs import Beliefs


class PricedPlan(NamedTuple):
    """A plan and what it is expected to cost; `p_unclean` is P(what is delivered is not clean)."""

    rungs: tuple[int, ...]
    expected_cost_usd: float
    token_cost_usd: float
    p_unclean: float


def cheapest_plan(
    allowed: Sequence[int],
    beliefs: Beliefs,
    token_cost_usd: Sequence[float],
    correction_usd: float,
    *,
    checked: bool,
    policy: Policy,
    first_cost_usd: Sequence[float] | None = None,
) -> PricedPlan:
    """The plan of least expected cost; ties go to the lower tier. All plans are enumerated.

    first_cost_usd : of a plan's first attempt, where it costs other than a later one: a batch is cheaper, and
        what fails after it is tried at once.
    """
    plans = []
    for rungs in candidate_plans(allowed, checked=checked):
        costs = list(token_cost_usd)
        if first_cost_usd is not None:
            costs[rungs[0]] = first_cost_usd[rungs[0]]
        plans.append(priced_plan(rungs, beliefs, costs, correction_usd, policy))
    return min(plans, key=lambda plan: (plan.expected_cost_usd, plan.rungs))


def candidate_plans(allowed: Sequence[int], *, checked: bool) -> Iterator[tuple[int, ...]]:
    """Each allowed tier alone; with a check also every rising sequence of them."""
    for length in range(1, len(allowed) + 1 if checked else 2):
        yield from combinations(sorted(allowed), length)


def priced_plan(
    rungs: tuple[int, ...],
    beliefs: Beliefs,
    token_cost_usd: Sequence[float],
    correction_usd: float,
    policy: Policy,
) -> PricedPlan:
    """Expected cost of trying these tiers in order, each after the check refused the one before.

    The check refuses a bad result with 1 - check_false_pass and a good one with check_false_fail.
    Each attempt but the last is checked, at `check_cost_usd`; a plan of one tier needs no check.
    A tier's pass probability is conditional on the failures before it (they share the task's
    residual); after a good result that was wrongly refused it is the unconditional one.
    """
    reach_failed, reach_refused_good = 1.0, 0.0  # P(we get here), by what happened before
    tokens, unclean = 0.0, 0.0
    for position, rung in enumerate(rungs):
        last = position == len(rungs) - 1
        before, until = _all_fail(beliefs, rungs[:position]), _all_fail(beliefs, rungs[: position + 1])
        p_fail = min(until / before, 1.0) if before > 0 else 1.0
        p_fail_fresh = 1.0 - beliefs.pass_[rung]
        reach = reach_failed + reach_refused_good
        tokens += reach * token_cost_usd[rung]
        bad = reach_failed * p_fail + reach_refused_good * p_fail_fresh
        good = reach - bad
        if last:
            unclean += bad
        else:
            tokens += reach * policy.check_cost_usd
            unclean += bad * policy.check_false_pass
            reach_failed = bad * (1.0 - policy.check_false_pass)
            reach_refused_good = good * policy.check_false_fail
    return PricedPlan(rungs, tokens + unclean * correction_usd, tokens, unclean)


def _all_fail(beliefs: Beliefs, rungs: tuple[int, ...]) -> float:
    if not rungs:
        return 1.0
    if len(rungs) == 1:
        return 1.0 - beliefs.pass_[rungs[0]]
    assert beliefs.all_fail is not None, "plans of several tiers need a model"
    return beliefs.all_fail(rungs)
