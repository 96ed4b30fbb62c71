"""What a task of a job may cost at most: so much of the budget is kept free for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ....classifier.task import Task
from ..._engine import Engine
from ...rules._request_cost import rung_cost_usd
from ...rules._trivial import is_deterministic
from .._bounds import expected_tokens
from .._check import Check, checking_usd
from .._request import Options

if TYPE_CHECKING:
    from ...router import Router


def ceiling_of(
    router: Router, checks: Sequence[Check], options: Options | None = None
) -> Callable[[Task], float]:
    """What is expected if every tier has to be tried, with the dearest of the checks after each.

    Raises InvalidTask for a check that asks a tier which the ladder doesn't have, before anything is sent.
    """
    for check in checks:
        check.expected_cost_usd(Task.of_text(""), Engine.of(router.model, router.policy).ladder)

    def ceiling_usd(task: Task) -> float:
        if is_deterministic(task):
            return 0.0
        engine = Engine.of(router.model, router.policy)
        ladder = engine.ladder
        tokens = expected_tokens(task, engine.policy, ladder.unit, options)
        checking = max((checking_usd(check, task, ladder, tokens.output) for check in checks), default=0.0)
        return sum(rung_cost_usd(rung, tokens, task, batch=False) + checking for rung in ladder.rungs)

    return ceiling_usd
