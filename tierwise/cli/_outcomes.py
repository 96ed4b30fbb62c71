"""Finished tasks that a command learns from or judges by: the rows of a file, or an outcome log."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..classifier.errors import InvalidTraining, MissingExtra
from ..classifier.task import names_in

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = {"specification": str, "task_type": str}  # a type "007" is no number
_READERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("read_csv", {"dtype": _TEXTS, "keep_default_na": False, "na_values": ["", "nan", "NaN"]}),
    ".parquet": ("read_parquet", {}),
    ".jsonl": ("read_json", {"lines": True, "dtype": False}),
    ".json": ("read_json", {"dtype": False}),
}


def outcomes_of(frame: Path | None, url: str | None) -> AbstractContextManager[Any]:
    """The file's rows, else the log, else None. Raises InvalidTraining, MissingExtra."""
    if frame is not None:
        return nullcontext(read_rows(frame))
    if url is None:
        return nullcontext()
    from ..router.log import OutcomeLog

    return OutcomeLog(url, create=False)


def read_rows(path: Path) -> pd.DataFrame:
    """The file's rows. Raises InvalidTraining for an unreadable file."""
    if path.suffix.lower() not in _READERS:
        raise InvalidTraining(
            f"{path.name}: unknown kind of file; {', '.join(_READERS)} can be read. An outcome log is "
            "named by --log.",
            about=path.suffix,
        )
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtra("pandas", "train") from error
    name, options = _READERS[path.suffix.lower()]
    try:
        rows: pd.DataFrame = getattr(pd, name)(path, **options)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise InvalidTraining(f"{path} can't be read: {why}", about=path) from error
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    if "attempts" in rows:
        rows["attempts"] = [_tiers(value) for value in rows["attempts"]]
    return rows


def _tiers(value: Any) -> Any:
    """A cell of text holds one tier or several, as in `tierwise predict`."""
    return names_in(value) if isinstance(value, str) else value
