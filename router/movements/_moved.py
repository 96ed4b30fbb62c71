"""The latest tasks of types, decided again: which of them would go elsewhere now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ...classifier.belief.posterior import Posterior
from ...classifier.errors import InvalidTask
from ...classifier.task import Task
from .. import reasons
from .._view import View
from ..ladder import Ladder
from ..policy import LAMBDA_DOWN_MIN, Policy
from ..rules._costs import expected_costs_usd
from ..rules._decide import Choice, decide
from ._told import told_of
from ._work import Recurring, Work

# codes of rules that are stronger than any probability
_RULES = {
    *(reasons.PIN, reasons.FLOOR, reasons.CEILING, reasons.CONSEQUENTIAL),
    *(reasons.FLOOR_LIVE, reasons.FLOOR_ORCHESTRATOR, reasons.FLOOR_REVIEWER),
    *(reasons.LIMIT_CONTEXT, reasons.LIMIT_OUTPUT),
}
_BINDING = ("pin", "floor", "ceiling", "live", "consequential", "role")


class Moved(NamedTuple):
    """A task that was done at rung `ran` and would now be given to `to`; without rules to `free`.

    plan : what would be tried in order.
    needed, text : P(needed tier) per rung, with the type's outcomes and by the text alone; None: not read.
    costs : USD per rung, and `cost` of what was decided. rule : the code that decided, where a rule did.
    """

    direction: str
    ran: int
    to: int
    free: int
    plan: tuple[int, ...]
    rule: str | None
    needed: tuple[float, ...]
    text: tuple[float, ...] | None
    costs: tuple[float, ...]
    cost: float
    priced: bool
    lambda_down: float
    lambda_up: float


def moved_tasks(types: Sequence[Recurring], view: View, policy: Policy, ladder: Ladder) -> list[list[Moved]]:
    """Of each type, all read together: texts are read many at a time, and each once.

    Left out: tasks that no tier of this ladder did or can do, and steps that need no model.
    """
    works = [[work for work in each.latest if work.tier in ladder.names] for each in types]
    told = told_of(view.model, types, works)
    return [_moved_of_type(*pair, view, policy, ladder) for pair in zip(works, told, strict=True)]


def _moved_of_type(
    works: Sequence[Work], posteriors: Sequence[Posterior], view: View, policy: Policy, ladder: Ladder
) -> list[Moved]:
    found = []
    for work, posterior in zip(works, posteriors, strict=True):
        try:
            moved = _moved(work, posterior, view, policy, ladder)
        except InvalidTask:  # its bounds contradict each other, or no tier of today holds it
            continue
        if moved is not None:
            found.append(moved)
    return found


def _moved(work: Work, posterior: Posterior, view: View, policy: Policy, ladder: Ladder) -> Moved | None:
    beliefs = view.beliefs(posterior)
    choice = decide(work.task, beliefs, policy, ladder)
    if choice.mode == "none":
        return None
    unbound = _unbound(work.task)
    free = choice if unbound is work.task else decide(unbound, beliefs, policy, ladder)
    ran = ladder.index(work.tier)
    text = view.on_ladder(posterior.text)
    costs = expected_costs_usd(choice, work.task, beliefs, policy, ladder)
    cost = costs[choice.rung] if choice.priced is None else choice.priced.expected_cost_usd
    rule = choice.codes[0] if choice.codes[0] in _RULES else None
    is_read = posterior.text != view.model.uninformed
    clean = [view.rung_of_tier[tier] for tier, (passes, _) in (posterior.history or {}).items() if passes]

    def way(given: Choice) -> str:
        known = is_read or _is_shown(ran, given.rung, beliefs.needed, text, clean)
        return _way(ran, given, beliefs.needed, text, view) if known and beliefs.history else "unsure"

    direction = way(choice) if rule is None else _by_rule(ran, choice.rung)
    if rule is not None and direction == "stay" and way(free) in ("down", "up"):
        direction = "held"
    return Moved(
        direction,
        ran,
        choice.rung,
        free.rung,
        choice.plan,
        rule,
        beliefs.needed,
        text if is_read else None,
        costs,
        cost,
        choice.priced is not None,
        view.lambda_down,
        view.lambda_up,
    )


def _unbound(task: Task) -> Task:
    if all(getattr(task, name) is None for name in _BINDING):
        return task
    free: dict[str, Any] = dict.fromkeys(_BINDING)
    return replace(task, **free)


def _by_rule(ran: int, to: int) -> str:
    return "stay" if to == ran else "down" if to < ran else "up"


def _is_shown(
    ran: int, to: int, needed: Sequence[float], before: Sequence[float], clean: Sequence[int]
) -> bool:
    """Whether outcomes alone speak for it: of a text that was not read `before` says nothing."""
    if to > ran:
        return sum(needed[ran + 1 :]) > sum(before[ran + 1 :])
    return to == ran or (min(clean, default=ran) <= to and sum(needed[: to + 1]) > sum(before[: to + 1]))


def _way(ran: int, choice: Choice, needed: Sequence[float], text: Sequence[float], view: View) -> str:
    """Where the probabilities take a task: nowhere, unless they are as sure as the thresholds ask."""
    to = choice.rung
    if choice.priced is not None:
        return _by_rule(ran, to)
    if to > ran:
        above, by_text = sum(needed[ran + 1 :]), sum(text[ran + 1 :])
        sure = above >= view.lambda_up and (not choice.fallback or above > by_text)
        return "up" if sure else "unsure"
    if choice.fallback:
        return "unsure"
    if to < ran:
        return "down" if sum(needed[: to + 1]) >= _asked_down(choice, view) else "unsure"
    return "stay"


def _asked_down(choice: Choice, view: View) -> float:
    """Bulk work goes down at the lowest confidence that any policy allows."""
    return LAMBDA_DOWN_MIN if choice.codes[0] == reasons.MANY_ITEMS else view.lambda_down
