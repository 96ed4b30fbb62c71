"""Where the journals of batches are, for those who don't choose a place."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from ....classifier.errors import InvalidRequest
from ._journal import Journal

FOLDER = "tierwise-batches"


def batches_folder() -> Path:
    """The folder in TIERWISE_BATCHES, else one beside the work. Journals hold prompts and answers."""
    return Path(os.environ.get("TIERWISE_BATCHES") or FOLDER)


def new_journal() -> Path:
    """A path that nobody uses yet; its stem is the job's id."""
    folder = batches_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{uuid.uuid4().hex}.jsonl"


def journal_of(path_or_id: str | os.PathLike[str]) -> Path:
    """The journal of this path, of the job of this id, or with the API's batch of this id.

    Raises InvalidRequest where there is none.
    """
    given, folder = Path(path_or_id), batches_folder()
    for path in (given, folder / f"{given.name}.jsonl"):
        if path.is_file():
            return path
    for path in sorted(folder.glob("*.jsonl")):
        if any(part.batch_id == str(path_or_id) for part in Journal(path).parts.values()):
            return path
    raise InvalidRequest(
        f"There is no journal {given}, and {folder} has no job or batch of that id. Give the journal's path, "
        "or name its folder in TIERWISE_BATCHES.",
        about=path_or_id,
    )
