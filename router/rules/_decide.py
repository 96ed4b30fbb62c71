"""The decision: a pure function of task, beliefs, policy and ladder. No clock, no disk, no chance."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import Policy
from ._beliefs import Beliefs
from ._bounds import Bounds, bounds_of
from ._limits import Tokens, check_some_fit, fitting_tiers, of_text_alone, tokens_of
from ._mode import Mode, mode_of
from ._objective import PricedPlan, cheapest_plan
from ._request_cost import rung_cost_usd
from ._session_cache import cheaper_where_cached
from ._sonnet_unless import Predicted, predicted_rung, sonnet_unless
from ._trivial import is_deterministic


class Choice(NamedTuple):
    """What was chosen and every rule that spoke, the decisive one first."""

    rung: int
    mode: Mode
    plan: tuple[int, ...]
    codes: tuple[str, ...]
    fallback: bool
    tokens: Tokens
    return_to: int | None = None
    priced: PricedPlan | None = None
    propensity: float = 1.0  # with which the policy serves this rung; a router that explores sets it
    stayed_from: int | None = None  # the rung without the session's prompt cache, where that decided


def decide(
    task: Task,
    beliefs: Beliefs | None,
    policy: Policy,
    ladder: Ladder,
    *,
    unavailable: bool = False,
) -> Choice:
    """Choose tier, mode and plan.

    beliefs : None on a ladder without a trained model, or, with `unavailable`, where the model
        could not be loaded.

    Raises ContradictoryTask or NoTierFits; everything else has an answer.
    """
    if is_deterministic(task):
        return Choice(0, "none", (), (reasons.DETERMINISTIC,), False, tokens_of(task, policy, ladder.unit))
    if (
        beliefs is not None
        and not unavailable
        and policy.correction_minutes is None
        and _facts_of_rules(task) == _NONE_GIVEN
    ):
        return _by_the_text(task, beliefs, policy, ladder)
    tokens = tokens_of(task, policy, ladder.unit)
    bounds = bounds_of(task, ladder)
    fits, limit_codes = fitting_tiers(task, ladder)
    allowed = range(bounds.low, bounds.high + 1) if bounds.pin is None else range(bounds.pin, bounds.pin + 1)
    if limit_codes:
        check_some_fit(task, ladder, allowed, fits)

    priced, return_to, stayed_from = None, None, None
    if bounds.pin is not None:
        index, codes = bounds.pin, list(bounds.codes)
    else:
        within = [rung for rung in allowed if fits[rung]]
        priced = _priced(task, beliefs, tokens, within, policy, ladder)
        if priced is not None:
            predicted = Predicted(priced.rungs[0], (reasons.EXPECTED_COST,))
        else:
            predicted = predicted_rung(task, beliefs, tokens, policy, ladder, unavailable=unavailable)
        index, codes = _within_bounds(predicted, task, bounds, ladder)
        fitting = _within_limits(index, within)
        if fitting != index:  # the limit decided
            index, codes, limit_codes = fitting, limit_codes + codes, []
        return_to = predicted.return_to
        if return_to is not None and index >= return_to:  # a rule raised it: no smaller tier takes the step
            return_to = None
            codes = [reasons.SESSION_FULL if code == reasons.FRESH_WINDOW else code for code in codes]
        if priced is None and return_to is None:  # a plan's price has the session's cache in it
            session = cheaper_where_cached(index, within, tokens, task, policy, ladder)
            if session is not None:
                stayed_from, index = index, session
                codes.insert(0, reasons.CACHED_PREFIX)
    fallback = codes[0] in reasons.FALLBACKS
    codes += limit_codes
    _add_what_outcomes_say(codes, beliefs, index, ladder, pinned=bounds.pin is not None)
    mode, mode_code = mode_of(task, beliefs, index, policy, ladder)
    if mode_code is not None:
        codes.append(mode_code)
    plan = _plan(index, priced, task, bounds, fits)
    if len(plan) > 1:
        codes.append(reasons.CHECK_AND_ESCALATE)
    return Choice(
        index, mode, plan, tuple(codes), fallback, tokens, return_to, priced, stayed_from=stayed_from
    )


# every fact that a rule after this reads; where none is given, what the text says decides
_facts_of_rules = attrgetter(
    *("items", "verifiable", "live", "consequential", "role", "input_tokens", "output_tokens"),
    *("context_used", "cached_tokens", "floor", "ceiling", "pin", "attempts"),
)
_NONE_GIVEN = (*[None] * 12, ())


def _by_the_text(task: Task, beliefs: Beliefs, policy: Policy, ladder: Ladder) -> Choice:
    """What all the rules come to where no fact speaks: most tasks of a pipeline, so it is kept short."""
    production, guard = ladder.production, beliefs.guard
    rung, code = sonnet_unless(beliefs, beliefs.lambda_down, production)
    if guard is not None and rung == production:
        code = guard
    codes: tuple[str, ...] = (code,)
    if beliefs.history or not beliefs.top_suffices:
        said = [code]
        _add_what_outcomes_say(said, beliefs, rung, ladder, pinned=False)
        codes = tuple(said)
    tokens = of_text_alone(task.specification, policy, ladder.unit)
    return Choice(rung, "sync", (rung,), codes, code in reasons.FALLBACKS, tokens)


def _priced(
    task: Task,
    beliefs: Beliefs | None,
    tokens: Tokens,
    within: list[int],
    policy: Policy,
    ladder: Ladder,
) -> PricedPlan | None:
    """The cheapest plan, where the operator priced a correction and the text could be read."""
    correction = policy.correction_cost_usd(task.task_type)
    if correction is None or beliefs is None or beliefs.guard is not None:
        return None
    costs = [rung_cost_usd(rung, tokens, task, batch=False) for rung in ladder.rungs]
    first_costs = None
    if (task.items or 0) > policy.batch_over_items:  # each tier in the mode that it would be sent in
        batch = [mode_of(task, beliefs, rung, policy, ladder)[0] == "batch" for rung in range(len(costs))]
        first_costs = [
            rung_cost_usd(rung, tokens, task, batch=b) for rung, b in zip(ladder.rungs, batch, strict=True)
        ]
    # a decision that travelled has no model with it, so plans of several tiers have no price
    checked = bool(task.verifiable) and beliefs.all_fail is not None
    return cheapest_plan(
        within, beliefs, costs, correction, checked=checked, policy=policy, first_cost_usd=first_costs
    )


def _add_what_outcomes_say(
    codes: list[str], beliefs: Beliefs | None, index: int, ladder: Ladder, *, pinned: bool
) -> None:
    if beliefs is None:
        return
    if beliefs.history:
        codes.append(reasons.HISTORY)
    if not beliefs.top_suffices and _is_best(index, beliefs, ladder):
        codes.insert(1 if pinned else 0, reasons.NO_TIER_SUFFICES)


def _is_best(index: int, beliefs: Beliefs, ladder: Ladder) -> bool:
    """A rung above that no outcome speaks of is taken to pass as often, and so is no better answer."""
    if index == len(ladder.rungs) - 1:
        return True
    return index >= ladder.strategy and beliefs.pass_[index] == beliefs.pass_[-1]


def _within_bounds(predicted: Predicted, task: Task, bounds: Bounds, ladder: Ladder) -> tuple[int, list[str]]:
    """Raise for consequence and floors, then keep the ceiling; the decisive code comes first."""
    index, codes = predicted.rung, list(predicted.codes)
    if task.consequential and index < ladder.strategy:
        index += 1
        codes.insert(0, reasons.CONSEQUENTIAL)
    for floor, code in sorted(bounds.floors):
        if floor > index:
            index = floor
            codes.insert(0, code)
    if index > bounds.high:
        index = bounds.high
        codes.insert(0, reasons.CEILING)
    first = [reasons.EXHAUSTED] if reasons.EXHAUSTED in bounds.codes else []
    return index, list(dict.fromkeys([*first, *codes, *bounds.codes]))


def _within_limits(index: int, within: list[int]) -> int:
    """The nearest rung that is allowed and holds the task: upwards first."""
    if index in within:
        return index
    return next((rung for rung in within if rung > index), within[-1])


def _plan(
    index: int, priced: PricedPlan | None, task: Task, bounds: Bounds, fits: list[bool]
) -> tuple[int, ...]:
    """What to try, in order. Without a program that checks there is nothing to escalate on."""
    if priced is not None and priced.rungs[0] == index:
        return priced.rungs
    if not task.verifiable or bounds.pin is not None:
        return (index,)
    above = [rung for rung in range(index + 1, bounds.high + 1) if fits[rung]]
    return (index, *above[:1])
