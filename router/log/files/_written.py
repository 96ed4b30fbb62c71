"""JSON lines, CSV and Parquet, written beside the target and renamed into place: whole, or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from ....classifier.errors import BadRow, InvalidOutcome
from ..database._statement import to_json
from ._columns import KINDS, UNREADABLE
from ._read import BATCH, format_of, pyarrow_parquet, read_file


def write_file(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """How many rows were written: all of them, or the old file stays."""
    write = {"jsonl": _write_json_lines, "csv": _write_csv, "parquet": _write_parquet}[format_of(path)]
    with replacing(path) as beside:
        return write(beside, rows)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path`, renamed to it at the end."""
    beside = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    try:
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidOutcome(f"Can't write {path}: {error.strerror or error}.", about=path) from error


def place_of_bad(source: Path, given: str | os.PathLike[str] | None) -> Path:
    """Where the bad rows of a file go (default: beside it). Raises InvalidOutcome where they can't."""
    path = source.with_name(f"{source.name}.bad.jsonl") if given is None else Path(given)
    if path.resolve() == source.resolve():
        raise InvalidOutcome(
            f"Bad rows would be written over {source} itself: choose another file for them.", about=path
        )
    if not path.parent.is_dir():
        raise InvalidOutcome(f"Can't write {path}: there is no folder {path.parent}.", about=path)
    return path


def write_bad(source: Path, bad: Sequence[BadRow], path: Path, *, n_imported: int) -> None:
    """The bad rows of a file as JSON lines, with number and error; corrected, they may be imported.

    n_imported : of its other rows, which a message has to say: they are in the log by now.
    """
    messages = {row.number: row.message for row in bad}

    def rows() -> Iterator[Mapping[str, Any]]:
        for number, row in read_file(source):
            if number in messages:
                values = row.about if isinstance(row, InvalidOutcome) else row
                readable = values if isinstance(values, Mapping) else {UNREADABLE: values}
                yield {"row": number, "error": messages[number], **readable}

    try:
        with replacing(path) as beside:
            _write_json_lines(beside, rows())
    except InvalidOutcome as error:
        raise InvalidOutcome(
            f"{error} The other {n_imported:,} rows are in the log; import again, with another place for the "
            "bad ones: that adds nothing to the log.",
            about=path,
        ) from error


def _write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    written = 0
    # a lone surrogate, which only a bad row can have, becomes the escape that JSON has for it
    with path.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for row in rows:
            given = {name: _time_as_text(value) for name, value in row.items() if value is not None}
            out.write(to_json(given) + "\n")
            written += 1
    return written


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(KINDS))
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(name, value) for name, value in row.items()})
            written += 1
    return written


def _time_as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    kind = KINDS[name]
    if kind == "names":
        return " ".join(value)
    if kind == "flag":
        return "true" if value else "false"
    return to_json(value) if kind == "json" else _time_as_text(value)


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    pq = pyarrow_parquet()
    import pyarrow as pa

    types: dict[str, Callable[[], Any]] = {
        "text": pa.string,
        "json": pa.string,
        "time": lambda: pa.timestamp("us", tz="UTC"),
        "count": pa.int64,
        "flag": pa.bool_,
        "number": pa.float64,
        "names": lambda: pa.list_(pa.string()),
    }
    schema = pa.schema([(name, types[kind]()) for name, kind in KINDS.items()])
    written = 0
    source = iter(rows)
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(source, BATCH)):
            plain = [
                {name: to_json(value) if _is_json(name, value) else value for name, value in row.items()}
                for row in chunk
            ]
            writer.write_table(pa.Table.from_pylist(plain, schema=schema))
            written += len(chunk)
    return written


def _is_json(name: str, value: Any) -> bool:
    return KINDS[name] == "json" and value is not None
