"""What an attempt is expected to cost, and the bounds that forbid it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ...classifier.task import Task
from .._prompt_tokens import prompt_tokens
from ..policy import Policy
from ..rules._limits import Tokens, tokens_of
from ..rules._request_cost import rung_cost_usd
from ._check import Check, Surroundings, checking_usd
from ._next import Next
from ._request import Options
from ._result import Attempt


class Before(NamedTuple):
    """What a task has behind it: the decision that failed, attempts, money, and the last attempt of them."""

    follows: str | None = None
    n_attempts: int = 0
    spent_usd: float = 0.0
    last: Attempt | None = None

    def and_then(self, attempts: Sequence[Attempt]) -> Before:
        """With these attempts, too."""
        return self._replace(
            n_attempts=self.n_attempts + len(attempts),
            spent_usd=self.spent_usd + spent_usd(attempts),
            last=attempts[-1],
        )


def bound_met(upcoming: Next, check: Check | None, around: Surroundings, before: Before) -> str | None:
    """The bound that forbids the next attempt, if any does."""
    if before.n_attempts >= around.limits.max_attempts:
        return "max_attempts"
    if math.isinf(around.limits.max_usd):
        return None
    in_all_usd = before.spent_usd + expected_usd(upcoming, check, before.last)
    return "budget" if in_all_usd > around.limits.max_usd else None


def expected_usd(
    upcoming: Next, check: Check | None, last: Attempt | None = None, *, batch: bool = False
) -> float:
    """Of one attempt, its check included; with what the last one has shown of the task."""
    decision, options = upcoming
    task, ladder = decision.task, decision.evidence.ladder
    rung = ladder.rungs[ladder.index(decision.tier)]
    tokens = expected_tokens(task, decision.evidence.policy, ladder.unit, options)
    if last is not None:
        tokens = _as_shown(tokens, task, last)
    checking = checking_usd(check, task, ladder, tokens.output)
    return rung_cost_usd(rung, tokens, task, batch=batch) + checking


def expected_tokens(task: Task, policy: Policy, unit: str, options: Options | None) -> Tokens:
    """The caller's counts; where he gives none of the prompt, all that the options send is counted too."""
    tokens = tokens_of(task, policy, unit)
    if options is None or task.input_tokens is not None:
        return tokens
    sent = {"system": options.system, "tools": options.other.get("tools"), "messages": options.messages}
    if not any(sent.values()):
        return tokens
    if options.messages is None:
        sent["messages"] = [{"role": "user", "content": task.specification}]
    return tokens._replace(input=max(tokens.input, prompt_tokens(sent)))


def _as_shown(tokens: Tokens, task: Task, last: Attempt) -> Tokens:
    """An answer that was cut off is longer than its room; one that failed says how long they are."""
    found_in, found_out = tokens.input, tokens.output
    if task.input_tokens is None:
        found_in = max(found_in, last.usage.prompt_tokens)
    if last.stop_reason == "max_tokens":
        found_out = max(found_out, last.max_tokens)
    elif task.output_tokens is None:
        found_out = max(found_out, last.usage.output_tokens)
    return tokens._replace(input=found_in, output=found_out)


def spent_usd(attempts: Sequence[Attempt]) -> float:
    return sum(attempt.total_cost_usd for attempt in attempts)
