"""A session's prompt cache is on one tier. Leaving it costs a new one, so that staying may be cheaper."""

from __future__ import annotations

from collections.abc import Sequence

from ...classifier.task import Task
from ..ladder import Ladder
from ..policy import Policy
from ._limits import Tokens
from ._request_cost import rung_cost_usd


def cheaper_where_cached(
    index: int,
    within: Sequence[int],
    tokens: Tokens,
    task: Task,
    policy: Policy,
    ladder: Ladder,
) -> int | None:
    """The session's rung, where this request costs less there than on the rung that was chosen.

    Only upwards: below the choice the task would be under-tiered, whatever that saves. Only this request is
    priced, because nobody knows how many will follow. What may go in a batch is left alone.
    """
    if not task.cached_tokens or task.session_tier is None or (task.items or 0) > policy.batch_over_items:
        return None
    session = ladder.index(task.session_tier)
    if session <= index or session not in within:
        return None
    stays, moves = (rung_cost_usd(ladder.rungs[rung], tokens, task, batch=False) for rung in (session, index))
    return session if stays < moves else None
