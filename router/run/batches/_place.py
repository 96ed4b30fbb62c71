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
        if _has(path, str(path_or_id)):
            return path
    raise InvalidRequest(
        f"There is no journal {given}, and the folder {folder} has none of a job or batch of that id. What "
        "was submitted with journal=... is collected with the same path; of what was not, name the folder in "
        "TIERWISE_BATCHES. Without its journal nobody knows whose answers a batch holds.",
        about=path_or_id,
    )


def _has(path: Path, batch_id: str) -> bool:
    """Whether this is a journal, and the batch one of its job."""
    try:
        parts = Journal(path).parts.values()
    except InvalidRequest:  # another file of the user's
        return False
    return any(part.batch_id == batch_id for part in parts)
