"""The state of a batch job on disk: one JSON object a line, only appended, so that a crash loses nothing.

job      who we are, and when it was made
item     a request: its id (the decision's, and the custom id), tier, model, task, parameters, and its part,
         or null: its rung has no batch price, and it is run in sync mode; what it is expected
         to cost there; options, where it has its own (messages are those of its parameters)
planned  all items stand above; without this line nothing was sent, and the job can be made anew
sending  a part is about to be sent        sent      it was, as this batch
not_ours the batch that was taken for a part's was somebody else's
cancel   a part waited too long            done      an item has its result
begin    an item is about to be run in sync mode, or its answer to be judged by a model; ended: that gave no
         result, is not in flight any more, and what it took
failed   an item's answer failed its check or was cut off, and it goes on; tried: what was tried then

Change FORMAT with the meaning of a line. The file holds prompts and answers; keep it as you keep those. One
process at a time works on a job: the file is locked meanwhile.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....classifier.errors import InvalidRequest
from .._disk import append, check_is_file, locked, trouble, whole_lines
from .._request import Options

FORMAT = 4
_BEGINNING = b'{"kind": "job", '
Line = dict[str, Any]


@dataclass
class Part:
    """Items that go into one batch: of one model, within the API's limits."""

    number: int
    model: str
    ids: list[str] = field(default_factory=list)
    sending_at: float | None = None
    sent_at: float | None = None
    batch_id: str | None = None
    is_proved: bool = False
    is_canceled: bool = False
    not_ours: set[str] = field(default_factory=set)


class Journal:
    """The file, read once and appended to. Raises InvalidRequest for a file that is no journal of ours."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()  # items may be run at the same time
        self._forget()
        check_is_file(self.path)
        if self.path.exists():
            self._read()

    def _forget(self) -> None:
        self.job: Line = {}
        self.items: dict[str, Line] = {}
        self.parts: dict[int, Part] = {}
        self.at_once = Part(-1, "")  # no batch: items without a batch price, of any model
        self.begun: set[str] = set()
        self.lost: set[str] = set()  # begun, and when the process died nobody knew what became of it
        self.spent: dict[str, list[Line]] = {}
        self.failed: dict[str, Line] = {}
        self.tried: dict[str, list[Line]] = {}
        self.done: dict[str, Line] = {}
        self.is_planned = False
        self._n_bytes = 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else works on the job meanwhile: two would pay for the same items.

        What others have written since the file was read is read first. Raises JournalError where somebody
        is at work.
        """
        with locked(self.path):
            if self.path.stat().st_size != self._n_bytes:
                self._forget()
                self._read()
                # a last line that a crash left half: as if it had not been written. Not cut by those who only
                # look: it may be half because it is being written
                os.truncate(self.path, self._n_bytes)
            yield

    def empty(self) -> None:
        """What a crash left of an attempt to write the plan is removed."""
        os.truncate(self.path, 0)
        self._forget()

    def write(self, *lines: Line, durable: bool = True) -> None:
        """Append; outlives the process when this returns, and the machine where it is durable.

        Raises JournalError where it can't (a full disk); the file is then as it was before.
        """
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        with self._lock:
            self._append(content, durable=durable)
            for line in lines:
                self._take(line)

    def _append(self, content: bytes, *, durable: bool) -> None:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise trouble(self.path, "can't be opened", error) from error
        try:
            append(file, self.path, content)
            self._n_bytes += len(content)
            if durable:
                os.fsync(file)
        except OSError as error:
            raise trouble(self.path, "may not be on the disk as a whole", error) from error
        finally:
            os.close(file)

    def was_in_flight(self, item_id: str) -> bool:
        """When a process died; it may have been paid."""
        return item_id in self.begun or item_id in self.lost

    def options_of(self, item_id: str) -> Options:
        """Of its request, whoever sends it again."""
        item = self.items[item_id]
        own = item.get("options")
        if own is None:
            return Options(**self.job.get("options", {}))
        return Options(**own, messages=item["params"]["messages"])

    def pending(self) -> Iterable[str]:
        """Ids of items without a result."""
        return [each for each in self.items if each not in self.done]

    def _read(self) -> None:
        try:
            whole = whole_lines(self.path, _BEGINNING)
            for line in whole.lines:
                self._take(json.loads(line))
        except InvalidRequest:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(f"{self.path} is no journal of a batch job.", about=self.path) from error
        self._n_bytes = whole.n_bytes

    def _check_format(self, found: int) -> None:
        if found > FORMAT:
            raise InvalidRequest(
                f"{self.path} has format {found}; this tierwise reads up to {FORMAT}. Upgrade tierwise.",
                about=self.path,
            )

    def _take(self, line: Line) -> None:
        match line["kind"]:
            case "job":
                self.job = line
                self._check_format(line["format"])
            case "item":
                self.items[line["id"]] = line
                self._part_of(line).ids.append(line["id"])
            case "planned":
                self.is_planned = True
            case "begin":
                (self.lost if line["id"] in self.begun else self.begun).add(line["id"])
            case "ended":
                self.begun.discard(line["id"])
                self.spent.setdefault(line["id"], []).append(line.get("spent") or {})
            case "failed":
                self.failed[line["id"]] = line["result"]
                self.begun.discard(line["id"])
            case "tried":
                self.tried.setdefault(line["id"], []).append(line["attempt"])
            case "done":
                self.done[line["id"]] = line["result"]
            case _:
                self._take_of_part(line)

    def _part_of(self, item: Line) -> Part:
        number = item["part"]
        return self.at_once if number is None else self.parts.setdefault(number, Part(number, item["model"]))

    def _take_of_part(self, line: Line) -> None:
        part = self.parts[line["part"]]
        match line["kind"]:
            case "sending":
                part.sending_at = line["at"]
            case "sent":
                part.sent_at, part.batch_id, part.is_proved = line["at"], line["batch"], line["proved"]
            case "not_ours":
                part.not_ours.add(line["batch"])
                part.batch_id = None
            case "cancel":
                part.is_canceled = True
            case kind:
                raise ValueError(kind)
