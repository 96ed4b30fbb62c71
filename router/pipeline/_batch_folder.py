"""Where the journals of a run's batches are. They hold prompts: none is kept that isn't needed any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...classifier.errors import JournalError


@dataclass(frozen=True)
class BatchFolder:
    """Each method raises JournalError where the folder can't be used."""

    path: Path

    def make(self) -> None:
        with self._told():
            self.path.mkdir(parents=True, exist_ok=True)

    def remove(self, file: str) -> None:
        with self._told():
            (self.path / file).unlink(missing_ok=True)

    def remove_stale(self, is_done_with: Callable[[str], bool]) -> None:
        """Those that a run had done with, or was about to send, when it was killed."""
        with self._told():
            files = [each.name for each in self.path.glob("*.jsonl") if each.stem.isdigit()]
        for file in filter(is_done_with, files):
            self.remove(file)

    def remove_if_empty(self) -> None:
        with self._told():
            if self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"The folder {self.path} for the journals of batches can't be used ({error.strerror}). Put "
                "that right, and run the same again.",
                about=self.path,
            ) from error


@contextmanager
def batch_folder(
    journal: str | os.PathLike[str] | None, is_done_with: Callable[[str], bool]
) -> Iterator[BatchFolder]:
    """Beside the journal of the run, or for this run only."""
    if journal is None:
        with TemporaryDirectory(prefix="tierwise-batches-") as made:
            yield BatchFolder(Path(made))
        return
    folder = BatchFolder(Path(f"{os.fspath(journal)}.batches"))
    folder.remove_stale(is_done_with)
    yield folder
    folder.remove_if_empty()
