"""What a choice is expected to cost, in dollars and in milliseconds, on each rung."""

from __future__ import annotations

from ...classifier.task import Task
from ..ladder import Ladder, Rung
from ..policy import Policy
from ._beliefs import Beliefs
from ._decide import Choice
from ._request_cost import rung_cost_usd


def expected_costs_usd(
    choice: Choice, task: Task, beliefs: Beliefs | None, policy: Policy, ladder: Ladder
) -> tuple[float, ...]:
    """Per rung: tokens in the chosen mode, plus P(not clean) x correction where it has a price."""
    batch = choice.mode == "batch"
    costs = [rung_cost_usd(rung, choice.tokens, task, batch=batch) for rung in ladder.rungs]
    correction = policy.correction_cost_usd(task.task_type)
    if correction is not None and beliefs is not None:
        costs = [
            cost + (1.0 - passes) * correction for cost, passes in zip(costs, beliefs.pass_, strict=True)
        ]
    return tuple(costs)


def latency_ms(rung: Rung, output_tokens: float) -> float | None:
    """Expected milliseconds to the last token of one request; None where the speed is unknown."""
    if not rung.output_tokens_per_second:
        return None
    return rung.first_token_ms + 1000.0 * output_tokens / rung.output_tokens_per_second
