"""The tasks of a job, each with a key by which a later run of the job knows it again. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, TypeAlias

from ...classifier.errors import InvalidTask
from ...classifier.task import Task

TaskLike: TypeAlias = str | Task | Mapping[str, Any]


class Keyed(NamedTuple):
    """A task of a job. number : its place, from 1. digest : of its text and facts."""

    number: int
    key: str
    digest: str
    task: Task


def keyed(tasks: Iterable[TaskLike]) -> list[Keyed]:
    """Tasks with their keys, in order.

    The key is the mapping's "id"; without one it is made from the content and how often the same has stood
    above, so that it holds when lines are added, removed or moved. Raises InvalidTask that names the task.
    """
    if isinstance(tasks, (str, Task, Mapping)):
        raise InvalidTask("Tasks of a job come in a list; for one task use Router.run.", about="tasks")
    found: list[Keyed] = []
    places: dict[str, int] = {}
    same: Counter[str] = Counter()
    for number, each in enumerate(tasks, start=1):
        try:
            given, task = _read(each)
        except InvalidTask as error:
            error.args = (f"Task {number}: {error}",)
            raise
        digest = digest_of(task)
        same[digest] += 1
        key = f"{digest}-{same[digest]}" if given is None else given
        if key in places:
            raise InvalidTask(f"Tasks {places[key]} and {number} have the same id {key!r}.", about=key)
        places[key] = number
        found.append(Keyed(number, key, digest, task))
    return found


def digest_of(task: Task) -> str:
    """Of all that makes the task; 16 hexadecimal digits."""
    facts = {name: value for name, value in asdict(task).items() if value not in (None, ())}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _read(each: TaskLike) -> tuple[str | None, Task]:
    if isinstance(each, Task):
        return None, each
    if isinstance(each, str):
        return None, Task(each)
    if not isinstance(each, Mapping):
        raise InvalidTask(f"expected a text, a mapping or a Task; got {type(each).__name__}.", about=each)
    values = dict(each)
    given = values.pop("id", None)
    if given is not None and (isinstance(given, bool) or not isinstance(given, (str, int)) or given == ""):
        raise InvalidTask(f"id must be a text or a whole number; got {given!r}.", about="id")
    return None if given is None else str(given), Task.from_mapping(values)
