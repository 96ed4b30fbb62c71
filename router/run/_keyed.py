"""The tasks of a job, each with a key by which a later run of the job knows it again. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, TypeAlias

from ...classifier.errors import InvalidTask, TierwiseError
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

    The key is the mapping's "id"; without one it is made so that it holds when lines are added, removed or
    moved. Raises InvalidTask that names the task.
    """
    if isinstance(tasks, (str, Task, Mapping)):
        raise InvalidTask("Tasks of a job come in a list; for one task use Router.run.", about="tasks")
    found, keys = [], Keys("Task", InvalidTask)
    for number, each in enumerate(tasks, start=1):
        try:
            given, task = _read(each)
        except InvalidTask as error:
            error.args = (f"Task {number}: {error}",)
            raise
        digest = digest_of(task)
        found.append(Keyed(number, keys.next(given, digest), digest, task))
    return found


class Keys:
    """Of many, one after another: each has its own. what, error : in words, and of which kind they are."""

    def __init__(self, what: str, error: type[TierwiseError]) -> None:
        self._what, self._error = what, error
        self._places: dict[str, int] = {}
        self._same: Counter[str] = Counter()

    def next(self, given: object, digest: str) -> str:
        """Its id; without one made of its content, and of how often the same has stood above."""
        number = len(self._places) + 1
        if given is None:
            self._same[digest] += 1
            key = f"{digest}-{self._same[digest]}"
        elif isinstance(given, bool) or not isinstance(given, (str, int)) or given == "":
            raise self._error(
                f"{self._what} {number}: id must be a text or a whole number; got {given!r}.", about="id"
            )
        else:
            key = str(given)
        if key in self._places:
            both = f"{self._what}s {self._places[key]} and {number}"
            raise self._error(f"{both} have the same id {key!r}; give each its own.", about=key)
        self._places[key] = number
        return key


def digest_of(task: Task) -> str:
    """Of all that makes the task; 16 hexadecimal digits."""
    facts = {name: value for name, value in asdict(task).items() if value not in (None, ())}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _read(each: TaskLike) -> tuple[object, Task]:
    """Its id, if it has one."""
    if isinstance(each, Task):
        return None, each
    if isinstance(each, str):
        return None, Task(each)
    if not isinstance(each, Mapping):
        raise InvalidTask(f"expected a text, a mapping or a Task; got {type(each).__name__}.", about=each)
    values = dict(each)
    return values.pop("id", None), Task.from_mapping(values)
