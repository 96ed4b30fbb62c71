"""What a caller gives, as a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..classifier.errors import InvalidTask
from ..classifier.task import Task, check_fact_names


def task_of(given: str | Task | Mapping[str, Any], task_type: str | None, facts: Mapping[str, Any]) -> Task:
    """A text with facts, or a task (or mapping) that has them all. Raises InvalidTask."""
    if isinstance(given, Task | Mapping):
        named = [*(["task_type"] if task_type is not None else []), *facts]
        if named:
            raise InvalidTask(
                f"A task has its facts with it; got {', '.join(named)} beside it. Put them into the Task, "
                "or give its text in place of it.",
                about=named[0],
            )
        return given if isinstance(given, Task) else Task.from_mapping(given)
    if not facts and task_type is None:
        return Task.of_text(given)
    check_fact_names(facts)
    return Task(given, task_type=task_type, **facts)


def after_attempts(task: Task, attempts: tuple[str, ...]) -> Task:
    """The task, with these tiers known to have failed at it."""
    return replace(task, attempts=attempts) if attempts else task
