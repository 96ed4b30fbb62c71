"""From probabilities to a rung: "Sonnet unless", bulk work, the token-limit rule."""

from __future__ import annotations

from typing import NamedTuple

from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import LAMBDA_DOWN_MIN, Policy
from ._beliefs import Beliefs
from ._limits import Tokens


class Predicted(NamedTuple):
    rung: int
    codes: tuple[str, ...]  # the first one decided
    return_to: int | None = None


def predicted_rung(
    task: Task,
    beliefs: Beliefs | None,
    tokens: Tokens,
    policy: Policy,
    ladder: Ladder,
    *,
    unavailable: bool = False,
) -> Predicted:
    """The rung that task and beliefs ask for, before floors and ceilings."""
    if unavailable:
        return Predicted(ladder.production, (reasons.MODEL_UNAVAILABLE,))
    if beliefs is None:
        return _without_model(task, policy, ladder)
    if beliefs.guard is not None:
        # a guard withholds the text's opinion; what remains (history) may still be sure of something
        index, code = sonnet_unless(beliefs, beliefs.lambda_down, ladder.production)
        return Predicted(index, (code if index != ladder.production else beliefs.guard,))
    fresh = _fresh_window(task, beliefs, tokens, ladder)
    if fresh is not None:
        return fresh
    index, code = sonnet_unless(beliefs, beliefs.lambda_down, ladder.production)
    asked = asked_down(task, beliefs, policy)
    if index == ladder.production and asked < beliefs.lambda_down:
        lower, _ = sonnet_unless(beliefs, asked, ladder.production)
        if lower < index:
            return Predicted(lower, (reasons.MANY_ITEMS,))
    if _session_full(task, tokens):
        return Predicted(index, (code, reasons.SESSION_FULL))
    return Predicted(index, (code,))


def asked_down(task: Task, beliefs: Beliefs, policy: Policy) -> float:
    """The probability of a lower tier at which this task goes down; of bulk work the lowest permitted."""
    many = (task.items or 0) > policy.many_items_over and beliefs.guard is None
    return min(LAMBDA_DOWN_MIN, beliefs.lambda_down) if many else beliefs.lambda_down


def sonnet_unless(beliefs: Beliefs, lambda_down: float, middle: int) -> tuple[int, str]:
    """The middle rung, unless a side is probable enough; up is asked first.

    Within a side: the lowest rung whose cumulative probability, over the rungs up to it on that
    side and all below, reaches the side's threshold.
    """
    needed = beliefs.needed
    cumulative = 0.0
    for index in range(middle + 1, len(needed)):
        cumulative += needed[index]
        if cumulative >= beliefs.lambda_up:
            return index, reasons.CLASSIFIER
    cumulative = 0.0
    for index in range(middle):
        cumulative += needed[index]
        if cumulative >= lambda_down:
            return index, reasons.CLASSIFIER
    sure = needed[middle] >= max(needed)
    return middle, reasons.CLASSIFIER if sure else reasons.LOW_CONFIDENCE


def _without_model(task: Task, policy: Policy, ladder: Ladder) -> Predicted:
    bulk = (task.items or 0) > policy.many_items_over and not task.time_sensitive and not task.live
    if bulk and not task.consequential:
        return Predicted(ladder.volume, (reasons.BULK,))
    return Predicted(ladder.production, (reasons.MIDDLE_RUNG,))


def _session_full(task: Task, tokens: Tokens) -> bool:
    if task.context_used is None or task.context_window is None:
        return False
    return task.context_used + tokens.output > task.context_window


def _fresh_window(task: Task, beliefs: Beliefs, tokens: Tokens, ladder: Ladder) -> Predicted | None:
    """A full session hands a well-defined step to a smaller tier, then returns."""
    if not _session_full(task, tokens):
        return None
    session = ladder.production if task.session_tier is None else ladder.index(task.session_tier)
    cumulative = 0.0
    for index in range(session):
        cumulative += beliefs.needed[index]
        if cumulative >= beliefs.lambda_down:
            return Predicted(index, (reasons.FRESH_WINDOW,), return_to=session)
    return None
