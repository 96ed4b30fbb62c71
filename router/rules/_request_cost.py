"""What a task's tokens cost on a rung, with what a session has in its prompt cache."""

from __future__ import annotations

from ...classifier.task import Task
from ..ladder import Rung
from ..ladder.prices import token_cost_usd
from ._limits import Tokens


def rung_cost_usd(rung: Rung, tokens: Tokens, task: Task, *, batch: bool) -> float:
    """Token cost of the task on this rung; in batch every item is a request of its own.

    A session's prompt cache is on its own tier alone; a session that caches writes what it can't read.
    """
    cached = tokens.cached if _is_cached_on(rung, task) else 0.0
    written = tokens.input - cached if tokens.cached and task.session_tier is not None else 0.0
    return token_cost_usd(
        rung.prices,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_tokens=cached,
        written_tokens=written,
        requests=(task.items or 1) if batch else 1,
        batch=batch,
    )


def _is_cached_on(rung: Rung, task: Task) -> bool:
    """Whether the task's cached tokens are read at this rung; without a session they are at all of them."""
    return task.session_tier is None or task.session_tier == rung.tier
