"""JSON lines, CSV and Parquet, read row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ....classifier.errors import InvalidOutcome, MissingExtra
from ....classifier.task import MAX_SPECIFICATION_CHARS
from ._columns import check_columns, from_cell
from ._import import Row

_KEPT = "surrogateescape"  # bytes that are no UTF-8, as lone surrogates: one bad row spoils no others
_NOT_UTF8 = "it is not UTF-8; convert it."
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
BATCH = 2_000


def format_of(path: Path) -> str:
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise InvalidOutcome(
            f"The ending of a file says its format: {', '.join(FORMATS)}; got {path.name!r}.",
            about=path,
        )
    return form


def unit_of(path: Path) -> str:
    """What the numbers of its rows count."""
    return "row" if format_of(path) == "parquet" else "line"


def read_file(path: Path) -> Iterator[Row]:
    """(line or row, values), or what is wrong with that line.

    Raises InvalidOutcome for the file as a whole.
    """
    read = {"jsonl": _read_json_lines, "csv": _read_csv, "parquet": _read_parquet}[format_of(path)]
    try:
        yield from read(path)
    except OSError as error:
        raise InvalidOutcome(f"Can't read {path}: {error.strerror or error}.", about=path) from error


def _read_json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors=_KEPT) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if not _is_utf8(line):
                yield number, InvalidOutcome(_NOT_UTF8, about=line.rstrip("\n"))
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, InvalidOutcome(f"not JSON: {error}", about=line.rstrip("\n"))
                continue
            if not isinstance(row, dict):
                row = InvalidOutcome(f"no JSON object: {line.strip()[:60]!r}", about=line.rstrip("\n"))
            yield number, row


def _read_csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(MAX_SPECIFICATION_CHARS)  # of this process; the default cuts at 131,072
    with path.open(encoding="utf-8-sig", errors=_KEPT, newline="") as lines:
        of_row: list[str] = []
        # strict: a quotation mark that is left open would take the next rows along, silently
        reader = csv.DictReader(_noting(lines, of_row), strict=True)
        check_columns(_header(path, reader))
        while True:
            of_row.clear()
            begun = reader.reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                number = reader.reader.line_num
                yield number, InvalidOutcome(_not_csv(error, begun, number), about="".join(of_row))
                continue
            if row is None:
                return
            yield reader.line_num, _from_cells(row)


def _header(path: Path, reader: csv.DictReader[str]) -> list[str]:
    """Raises InvalidOutcome where nothing of the file can be read."""
    try:
        names = [name for name in reader.fieldnames or [] if name]
    except csv.Error as error:
        raise InvalidOutcome(f"{path} is not CSV: {error}.", about=path) from error
    if not _is_utf8("".join(names)):
        raise InvalidOutcome(f"{path} is not UTF-8; convert it.", about=path)
    return names


def _noting(lines: Iterable[str], into: list[str]) -> Iterator[str]:
    for line in lines:
        into.append(line)
        yield line


def _not_csv(error: csv.Error, begun: int, ended: int) -> str:
    where = f"; the row begins on line {begun}: is a quotation mark left open?" if begun < ended else ""
    return f"not CSV: {error}{where}"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_cells(row: dict[str, Any]) -> Mapping[str, Any] | InvalidOutcome:
    """The values; of a bad row what is wrong, about the values of all cells that can be read."""
    errors = []
    if None in row or None in row.values():
        errors.append("not as many cells as the header has columns; quote texts with commas")
    values: dict[str, Any] = {}
    for name, cell in row.items():
        if name is None:
            values["more"] = cell
        elif cell is not None and not _is_utf8(cell):
            errors.append(f"{name}: {_NOT_UTF8}")
            values[name] = cell
        elif cell is not None and _says_something(name, row):
            try:
                values[name] = from_cell(name, cell)
            except InvalidOutcome as error:
                errors.append(str(error))
                values[name] = cell
    return InvalidOutcome(errors[0], about=values) if errors else values


def _says_something(name: str, row: dict[str, str]) -> bool:
    """Not so an empty cell, but for the text of a row that was exported with its text."""
    is_text = name == "specification" and (row[name] != "" or row.get("text_stored") == "full")
    return is_text or bool(row[name].strip())


def _read_parquet(path: Path) -> Iterator[Row]:
    pq = pyarrow_parquet()
    from pyarrow import ArrowInvalid

    try:
        file = pq.ParquetFile(path)
    except ArrowInvalid as error:
        raise InvalidOutcome(
            f"{path} is not a Parquet file: {str(error).rstrip('.')}.", about=path
        ) from error
    with file:
        check_columns(file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=BATCH):
            for row in batch.to_pylist():
                number += 1
                yield number, row


def with_progress(rows: Iterable[Any], unit: str, shown: bool) -> Iterable[Any]:
    """The same rows, with a bar where a person watches."""
    if not shown:
        return rows
    from tqdm import tqdm

    return tqdm(rows, unit=f" {unit}", disable=None, leave=False, delay=1.0)


def pyarrow_parquet() -> Any:
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    return pq
