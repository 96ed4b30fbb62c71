"""The journal of a job on disk: one JSON object a line, only appended, so that a crash loses nothing.

run      format of this file, and when it was made
begin    a task is about to be run; where nothing follows, it was in flight when the process died
attempt  one attempt of it ended: its tier, verdict and cost; what failed is not tried again
done     the task has its result      paused  the budget ended between two of its attempts
error    it ended in an error; the next run of the job tries it again
batch    these tasks are about to be sent in a batch, whose own journal is this file beside this one
returned one of them is in that batch no more: its attempt, if there was one, and its result, if that is one

A line is with the operating system before the next step is made, so it outlives the process, whatever kills
that. The disk is waited for (fsync) at most once a second and when the file is closed: a power cut may take
the lines of the last second. Change FORMAT with the meaning of a line. It holds answers, but no prompts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....classifier.errors import JournalError
from .._disk import append, check_is_file, lock, trouble, whole_lines

FORMAT = 2
_HEAD = "run"
_BEGINNING = b'{"kind": "run", '  # of every journal; another file that has no whole line is not cut
_SYNC_EVERY_S = 1.0
Line = dict[str, Any]


class JournalFile:
    """The open file. One process at a time: a second one gets JournalError.

    cut_bytes : of a last line that a crash left half; it is removed, as if it had not been written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.cut_bytes = 0
        self._synced_s = time.monotonic()
        check_is_file(self.path)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise trouble(self.path, "can't be opened", error) from error
        try:
            lock(self._file, self.path)
            self.lines = list(self._read())
            if not self.lines:
                self.write({"kind": _HEAD, "format": FORMAT, "made_at": time.time()})
        except BaseException:
            os.close(self._file)
            raise

    def write(self, line: Line, *, durable: bool = False) -> None:
        """Append. Raises JournalError where it can't (a full disk); the file is then as it was before.

        durable : wait for the disk now.
        """
        content = json.dumps(line).encode() + b"\n"  # in ASCII: an answer may hold half a surrogate pair
        append(self._file, self.path, content)
        if durable or time.monotonic() - self._synced_s >= _SYNC_EVERY_S:
            self.sync()

    def close(self) -> None:
        """Wait for the disk. What is written later, by a thread that was left behind, is an error."""
        file, self._file = self._file, -1
        try:
            os.fsync(file)
        except OSError as error:
            raise trouble(self.path, "may not be on the disk as a whole", error) from error
        finally:
            os.close(file)

    def sync(self) -> None:
        """Wait for the disk. Raises JournalError."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise trouble(self.path, "may not be on the disk as a whole", error) from error
        self._synced_s = time.monotonic()

    def _read(self) -> Iterator[Line]:
        try:
            whole = whole_lines(self.path, _BEGINNING)
        except ValueError as error:
            raise self._no_journal(1) from error
        for number, text in enumerate(whole.lines, start=1):
            yield self._parsed(number, text)
        self.cut_bytes = whole.cut_bytes
        if whole.cut_bytes:
            os.ftruncate(self._file, whole.n_bytes)

    def _parsed(self, number: int, text: bytes) -> Line:
        try:
            line = json.loads(text)
            kind = line["kind"]
            if (number == 1) != (kind == _HEAD):
                raise ValueError(kind)
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_journal(number) from error
        if kind == _HEAD and line["format"] > FORMAT:
            raise JournalError(
                f"{self.path} has format {line['format']}; this tierwise reads up to {FORMAT}. Upgrade it.",
                about=self.path,
            )
        return dict(line)

    def _no_journal(self, number: int) -> JournalError:
        return JournalError(
            f"{self.path} is no journal of a job, or was altered: line {number} can't be read. Give "
            "another one, or move this file away.",
            about=self.path,
        )
