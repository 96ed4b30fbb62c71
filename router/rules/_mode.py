"""Synchronous, in batch, or no model at all."""

from __future__ import annotations

from typing import Literal

from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import Policy
from ._beliefs import Beliefs

Mode = Literal["sync", "batch", "none"]


def mode_of(
    task: Task, beliefs: Beliefs | None, index: int, policy: Policy, ladder: Ladder
) -> tuple[Mode, str | None]:
    """The mode and, where the number of items raised the question, the condition that decided it."""
    if (task.items or 0) <= policy.batch_over_items:
        return "sync", None
    if task.live:
        return "sync", reasons.SYNC_LIVE
    if task.time_sensitive:
        return "sync", reasons.SYNC_TIME_SENSITIVE
    if not _is_format_task(task, beliefs, ladder):
        return "sync", reasons.SYNC_NOT_FORMAT
    if not (task.verifiable or task.reviewed):
        return "sync", reasons.SYNC_NOT_VERIFIABLE
    if not ladder.rungs[index].has_batch:
        return "sync", reasons.SYNC_NO_BATCH_PRICE
    return "batch", reasons.BATCH


def _is_format_task(task: Task, beliefs: Beliefs | None, ladder: Ladder) -> bool:
    """Probably volume work, or the caller said so by pin or ceiling."""
    volume = ladder.rungs[ladder.volume].tier
    if volume in (task.pin, task.ceiling):
        return True
    if beliefs is None:
        return False
    return sum(beliefs.needed[: ladder.volume + 1]) >= beliefs.lambda_down
