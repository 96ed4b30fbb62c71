"""Probes: now and then the tier below is tried, so that a demotion can be earned.

The rule is pure; chance is drawn by the router. It speaks where a failure is noticed before it does harm
(verifiable or reviewed, nobody waiting, little depending on it), where nothing forbids the tier below, and
where there is something to learn.
"""

from __future__ import annotations

from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import Policy
from ._beliefs import Beliefs
from ._bounds import bounds_of
from ._decide import Choice
from ._limits import fitting_tiers
from ._mode import mode_of

# P(needed <= below) is a martingale, so the chance that it ever reaches lambda_down, and with it the
# demotion, is at most its value / lambda_down (Ville's inequality). Below this chance a probe is waste.
LEAST_CHANCE = 0.1


def probe_of(
    choice: Choice, task: Task, beliefs: Beliefs | None, policy: Policy, ladder: Ladder
) -> Choice | None:
    """The choice of the tier below, with its propensity still to be set; None where there is none.

    A task without a type teaches its type nothing, and a fact that implies a floor forbids the tier below it.
    """
    below = choice.rung - 1
    if choice.stayed_from is not None:  # a probe would lose the session's prompt cache
        return None
    if below < 0 or choice.mode == "none" or not _is_harmless(task) or task.task_type is None:
        return None
    if beliefs is None or choice.return_to is not None or (beliefs.guard is not None and not beliefs.history):
        return None
    bounds = bounds_of(task, ladder)
    fits, _ = fitting_tiers(task, ladder)
    if bounds.pin is not None or below < bounds.low or not fits[below]:
        return None
    if sum(beliefs.needed[: below + 1]) < LEAST_CHANCE * beliefs.lambda_down:
        return None
    return _at(below, choice, task, beliefs, policy, ladder)


def _is_harmless(task: Task) -> bool:
    checked = task.verifiable or task.reviewed
    return bool(checked) and not (task.live or task.consequential or task.attempts or task.role == "reviewer")


def _at(below: int, choice: Choice, task: Task, beliefs: Beliefs, policy: Policy, ladder: Ladder) -> Choice:
    """Where a program checks the result, a failed probe goes on as the task would have begun."""
    _, old_code = mode_of(task, beliefs, choice.rung, policy, ladder)
    mode, code = mode_of(task, beliefs, below, policy, ladder)
    kept = [each for each in choice.codes if each not in (old_code, reasons.CHECK_AND_ESCALATE)]
    codes = [reasons.PROBE, *kept, *([] if code is None else [code])]
    plan = (below, *choice.plan) if task.verifiable else (below,)
    if len(plan) > 1:
        codes.append(reasons.CHECK_AND_ESCALATE)
    return choice._replace(rung=below, mode=mode, plan=plan, codes=tuple(codes), fallback=False, priced=None)
