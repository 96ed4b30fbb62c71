"""The decision: a pure function of task, beliefs, policy and ladder. No clock, no disk, no chance."""

from __future__ import annotations

from typing import NamedTuple

from ..classifier.task import Task
from . import reasons
from ._beliefs import Beliefs
from ._bounds import Bounds, bounds_of
from ._limits import Tokens, check_some_fit, fitting_tiers, tokens_of
from ._mode import Mode, mode_of
from ._objective import PricedPlan, cheapest_plan
from ._predict import Predicted, predicted_rung
from .ladder import Ladder, Rung
from .policy import Policy
from .prices import token_cost_usd


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
    tokens = tokens_of(task, policy)
    if task.deterministic:
        return Choice(0, "none", (), (reasons.DETERMINISTIC,), False, tokens)
    bounds = bounds_of(task, ladder)
    fits, limit_codes = fitting_tiers(task, ladder)
    allowed = range(bounds.low, bounds.high + 1) if bounds.pin is None else range(bounds.pin, bounds.pin + 1)
    check_some_fit(task, ladder, allowed, fits)

    priced = None
    if bounds.pin is not None:
        index, codes, return_to = bounds.pin, list(bounds.codes), None
    else:
        predicted = predicted_rung(task, beliefs, tokens, policy, ladder, unavailable=unavailable)
        correction = policy.correction_cost_usd(task.task_type)
        if correction is not None and beliefs is not None and beliefs.guard is None:
            within = [rung for rung in allowed if fits[rung]]
            costs = [rung_cost_usd(rung, tokens, task, batch=False) for rung in ladder.rungs]
            checked = bool(task.verifiable)
            priced = cheapest_plan(within, beliefs, costs, correction, checked=checked, policy=policy)
            predicted = Predicted(priced.rungs[0], (reasons.EXPECTED_COST,))
        index, codes = _within_bounds(predicted, task, bounds, ladder)
        index = _within_limits(index, allowed, fits)
        return_to = predicted.return_to if index == predicted.rung else None
    main = codes[0]
    codes += [code for code in limit_codes if code not in codes]
    if beliefs is not None:
        if beliefs.history:
            codes.append(reasons.HISTORY)
        if beliefs.pass_[-1] < beliefs.min_pass and index == len(ladder.rungs) - 1:
            codes.insert(0 if bounds.pin is None else 1, reasons.NO_TIER_SUFFICES)
    mode, mode_code = mode_of(task, beliefs, index, policy, ladder)
    if mode_code is not None:
        codes.append(mode_code)
    plan = _plan(index, priced, task, bounds, fits)
    if len(plan) > 1:
        codes.append(reasons.CHECK_AND_ESCALATE)
    fallback = main in reasons.FALLBACKS
    return Choice(index, mode, plan, tuple(codes), fallback, tokens, return_to, priced)


def rung_cost_usd(rung: Rung, tokens: Tokens, task: Task, *, batch: bool) -> float:
    """Token cost of the task on this rung; in batch every item is a request of its own."""
    return token_cost_usd(
        rung.prices,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_tokens=tokens.cached,
        requests=max(task.items or 1, 1) if batch else 1,
        batch=batch,
    )


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
    return index, codes + [code for code in bounds.codes if code not in codes]


def _within_limits(index: int, allowed: range, fits: list[bool]) -> int:
    """The nearest allowed rung that holds the task: upwards first."""
    if fits[index]:
        return index
    above = [rung for rung in allowed if rung > index and fits[rung]]
    return above[0] if above else max(rung for rung in allowed if fits[rung])


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
