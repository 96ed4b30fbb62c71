"""What movements are found from: task types with their latest tasks and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from ...classifier.task import Task


class Work(NamedTuple):
    """A task and the tier that did it.

    text : P(needed tier) by its text, where the text itself was not kept; None where nothing is known.
    """

    task: Task
    tier: str
    text: tuple[float, ...] | None = None


class Judged(NamedTuple):
    """A verdict of `work`: clean, corrected or failed."""

    work: Work
    verdict: str
    basis: str
    at: datetime


class Recurring(NamedTuple):
    """A task type as a log knows it: its latest tasks, its outcomes, and how much of it there is.

    unread : tier -> (clean, not clean) of outcomes older than those; of each such tier some are among them.
    """

    task_type: str
    latest: tuple[Work, ...]
    outcomes: tuple[Judged, ...]
    tasks_per_month: float
    unread: Mapping[str, tuple[int, int]] = MappingProxyType({})
