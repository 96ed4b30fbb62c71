"""What the journal of a job says of each task, and the one way to add to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum

from ....classifier.errors import JournalError
from ...ladder import Ladder
from .._keyed import Keyed
from .._next import failed_tiers
from ._journal import JournalFile, Line
from ._result import TaskResult


@dataclass
class TaskPast:
    """Of one task. result : as the line "done" has it. attempts : of all runs, in order.

    was_in_flight : a process died while it was run. is_open : it is being run.
    batch : the file of the batch that it is in.
    """

    digest: str = ""
    result: Line | None = None
    attempts: list[Line] = field(default_factory=list)
    was_in_flight: bool = False
    is_open: bool = False
    batch: str | None = None

    @property
    def cost_usd(self) -> float:
        return fsum(each["cost_usd"] for each in self.attempts)

    def failed_tiers(self, ladder: Ladder) -> list[str]:
        """Paid, and no good: not to be tried again."""
        failed = (each for each in self.attempts if each["verdict"] == "failed")
        found = (_failed_tiers(each["tier"], each["model"], ladder) for each in failed)
        return list(dict.fromkeys(tier for tiers in found for tier in tiers))


def _failed_tiers(tier: str, model: str, ladder: Ladder) -> tuple[str, ...]:
    """A ladder that doesn't have the tier any more has its own error when the task is decided."""
    return tuple(map(str, failed_tiers(tier, model, ladder))) if tier in ladder.tiers else (tier,)


class Past:
    """Of all tasks of a job. Without a path it is kept in memory only."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._tasks: dict[str, TaskPast] = {}
        self.n_batches = 0
        self._file = None if path is None else JournalFile(path)
        if self._file is None:
            return
        try:
            for line in self._file.lines:
                self._take(line)
        except (KeyError, TypeError) as error:
            self._file.close()
            raise JournalError(f"{path} was altered: a line lacks {error}.", about=path) from error
        self._file.lines.clear()
        for past in self._tasks.values():
            past.was_in_flight, past.is_open = past.was_in_flight or past.is_open, False

    @property
    def cut_bytes(self) -> int:
        return 0 if self._file is None else self._file.cut_bytes

    @property
    def cost_usd(self) -> float:
        """The same to the last bit in whichever order the tasks ended."""
        return fsum(each["cost_usd"] for past in self._tasks.values() for each in past.attempts)

    def of(self, key: str) -> TaskPast:
        """What is known of the task of this key; nothing, where it is new."""
        return self._tasks.get(key) or TaskPast()

    def check(self, tasks: Sequence[Keyed]) -> None:
        """Raise JournalError where an id stands for another task than in the journal."""
        for each in tasks:
            known = self._tasks.get(each.key)
            if known is not None and known.digest not in ("", each.digest):
                raise JournalError(
                    f"Task {each.number} has the id {each.key!r}, which is another task in the journal. Give "
                    "it another id, or this job a journal of its own.",
                    about=each.key,
                )

    def is_in_batch(self, file: str) -> bool:
        """Whether tasks, of this run or not, are in this batch."""
        return any(past.batch == file for past in self._tasks.values())

    def write(self, line: Line, *, durable: bool = False) -> None:
        """Take it down. Raises JournalError where the file can't be written; we know it even so."""
        self._take(line)
        if self._file is not None:
            self._file.write(line, durable=durable)

    def sync(self) -> None:
        """Wait for the disk. Raises JournalError."""
        if self._file is not None:
            self._file.sync()

    def result(self, keyed: Keyed) -> TaskResult | None:
        """Of a task that is done."""
        past = self.of(keyed.key)
        return None if past.result is None else with_past(TaskResult(keyed.number, **past.result), past)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _take(self, line: Line) -> None:
        if line["kind"] == "run":
            return
        if line["kind"] == "batch":
            self.n_batches += 1
            for key, digest in line["items"]:
                past = self._tasks.setdefault(key, TaskPast())
                past.digest, past.batch = digest, line["file"]
            return
        past = self._tasks.setdefault(line["key"], TaskPast())
        match line["kind"]:
            case "begin":
                past.digest = line["digest"]
                past.was_in_flight, past.is_open = past.was_in_flight or past.is_open, True
                past.batch = None
            case "attempt":
                past.attempts.append(line["attempt"])
            case "done":
                past.result, past.is_open = line["result"], False
            case "returned":
                past.attempts += [] if line["attempt"] is None else [line["attempt"]]
                past.result, past.batch = line["result"], None
            case "paused" | "error":
                past.is_open, past.batch = False, None
            case kind:
                raise KeyError(kind)


def with_past(result: TaskResult, past: TaskPast) -> TaskResult:
    """The result with all attempts that were made, their costs and times."""
    return result.replace(
        attempts=tuple(past.attempts),
        cost_usd=past.cost_usd,
        latency_ms=sum(each["latency_ms"] for each in past.attempts),
        cost_is_exact=all(each["cost_is_exact"] for each in past.attempts) and not past.was_in_flight,
        was_in_flight=past.was_in_flight,
    )
