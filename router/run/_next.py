"""What to try after an attempt that isn't good enough. Pure, but for the decision it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ...classifier.errors import InvalidTask
from ...classifier.task import Task
from ..decision import Decision
from ..ladder import Ladder
from ..ladder.tier import Tier
from ._call import CUT_OFF
from ._check import FAILED, Surroundings
from ._request import Options
from ._result import Attempt

_MORE_ROOM = 4  # times max_tokens; a second cut-off costs more than room that nobody uses


class Next(NamedTuple):
    """An attempt to be made: by which decision, with which options."""

    decision: Decision
    options: Options


def next_try(
    attempt: Attempt, current: Next, redecide: Callable[[Task], Decision], around: Surroundings
) -> Next | str | None:
    """The next attempt; or why there is none, where one was due; None where the run has its result."""
    if attempt.status == CUT_OFF:
        return _with_more_room(attempt, current, redecide, around)
    if attempt.check is None or attempt.check.status != FAILED:
        return None
    task, failed = current.decision.task, failed_tiers(attempt.tier, attempt.model, around.ladder)
    task = replace(task, attempts=(*task.attempts, *map(str, failed)))
    decision = decided_above(failed[-1], task, redecide)
    return "exhausted" if decision is None else Next(decision, current.options)


def failed_tiers(tier: str, model: str, ladder: Ladder) -> tuple[Tier, ...]:
    """The tier at which this model failed; and one above whose own model it is, if it stood in for another.

    That one is not asked the same again.
    """
    own = ladder.index(tier)
    same = (place for place, rung in enumerate(ladder.rungs) if place > own and rung.model == model)
    return (ladder.tiers[own], *(ladder.tiers[place] for place in same))


def _with_more_room(
    attempt: Attempt, current: Next, redecide: Callable[[Task], Decision], around: Surroundings
) -> Next | str:
    """More max_tokens at the same tier, else a tier above with larger limits. The tier has not failed."""
    ceiling = around.limits.max_tokens_ceiling or math.inf
    wanted = min(attempt.max_tokens * _MORE_ROOM, ceiling)
    rungs, place = around.ladder.rungs, around.ladder.index(attempt.tier)
    full_window = attempt.stop_reason == "model_context_window_exceeded"
    raised = min(wanted, rungs[place].max_output_tokens or math.inf)
    if not full_window and raised > attempt.max_tokens:
        return Next(current.decision, current.options.with_max_tokens(int(raised)))
    limits = [rung.context_window_tokens if full_window else rung.max_output_tokens for rung in rungs]
    here = limits[place] or math.inf
    for rung, limit in zip(rungs[place + 1 :], limits[place + 1 :], strict=True):
        if (limit or math.inf) > here and (full_window or wanted > attempt.max_tokens):
            task = replace(current.decision.task, floor=rung.tier)
            decision = decided_above(attempt.tier, task, redecide)
            if decision is not None:
                return Next(decision, current.options.with_max_tokens(int(min(wanted, limit or wanted))))
    return "max_tokens" if not full_window else "context_window"


def decided_above(tier: Tier, task: Task, redecide: Callable[[Task], Decision]) -> Decision | None:
    """A decision for a higher tier than this one, where the task allows one."""
    try:
        decision = redecide(task)
    except InvalidTask:  # the task's own ceiling, pin or limits exclude what would be needed
        return None
    return decision if decision.tier > tier else None  # a program does what is at the lowest
