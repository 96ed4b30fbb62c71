"""What journals do with their files: one process at a time, and a line is there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...classifier.errors import JournalError


def check_is_file(path: Path) -> None:
    """Raises JournalError for a folder or a device, whose content may have no end."""
    if path.exists() and not path.is_file():
        raise JournalError(f"The journal {path} is no file; give the path of one.", about=path)


def lock(file: int, path: Path) -> None:
    """Held until the file is closed. Raises JournalError where somebody else has it open."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise JournalError(
            f"Another process is working on the journal {path}. Wait for it, or give this job a "
            "journal of its own.",
            about=path,
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The file, made where it doesn't exist, is ours meanwhile. Raises JournalError as `lock`."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise trouble(path, "can't be opened", error) from error
    try:
        lock(file, path)
        yield
    finally:
        os.close(file)


class Whole(NamedTuple):
    """What a journal holds. n_bytes : of its whole lines. cut_bytes : of a last one that is half."""

    lines: list[bytes]
    n_bytes: int
    cut_bytes: int


def whole_lines(path: Path, beginning: bytes) -> Whole:
    """Raises ValueError for a file without a whole line that doesn't begin as every journal of its kind does:
    it is somebody else's, and not to be cut or written over."""
    content = path.read_bytes()
    n_bytes = content.rfind(b"\n") + 1
    if not n_bytes and content[: len(beginning)] != beginning[: len(content)]:
        raise ValueError(content[:1])
    return Whole(content[:n_bytes].split(b"\n")[:-1], n_bytes, len(content) - n_bytes)


def append(file: int, path: Path, content: bytes) -> None:
    """All of it, with the operating system; else JournalError (a full disk), and the file is as it was."""
    size: int | None = None
    try:
        size = os.fstat(file).st_size
        left = memoryview(content)
        while left:  # a disk that takes only a part says at the next part why
            left = left[os.write(file, left) :]
    except OSError as error:
        if size is not None:
            os.ftruncate(file, size)
        raise trouble(path, "can't be written", error) from error


def trouble(path: Path, what: str, error: OSError) -> JournalError:
    """The error of a file that doesn't do as it should."""
    return JournalError(
        f"The journal {path} {what} ({error.strerror}). What it holds is kept; when that is put "
        "right, run the same again.",
        about=path,
    )
