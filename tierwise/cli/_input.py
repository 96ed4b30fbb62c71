"""Tasks from a file or stdin: JSON lines, CSV, or one specification a line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any, TextIO, TypeAlias

from ..classifier.errors import InvalidTask
from ..classifier.task import MAX_SPECIFICATION_CHARS, Task
from ._facts import task_from_text_row

Ids: TypeAlias = dict[int, Any] | None
FORMATS = ("auto", "jsonl", "csv", "text")
csv.field_size_limit(MAX_SPECIFICATION_CHARS)  # of this process; the default cuts at 131,072


def check_source(specification: str | None, stream: TextIO | None, facts: Mapping[str, Any]) -> None:
    """Raises InvalidTask, unless there is one task with its facts, or a stream of tasks that have theirs."""
    if specification is not None:
        if stream is not None:
            raise InvalidTask("Give a task as argument or --file, not both.")
    elif facts:
        flag = next(iter(facts)).replace("_", "-")
        raise InvalidTask(f"--{flag} goes with a task given as argument; in a file it is a field.")
    elif stream is None and sys.stdin.isatty():
        raise InvalidTask("Give a task as argument, --file FILE, or tasks on stdin. See --help.")


def read_tasks(stream: TextIO, *, form: str = "auto") -> Iterator[Task]:
    """Tasks in order. Raises InvalidTask that names the line."""
    return (task for _, task in read_rows(stream, form=form))


def read_rows(
    stream: TextIO, *, form: str = "auto", ids: dict[int, Any] | None = None
) -> Iterator[tuple[int, Task]]:
    """(number of its last line, task), in order.

    ids : rows may have an "id", which is no fact of the task: it is put here, by that number.
    """
    lines = _decoded(stream)
    number, first = next(((n, line) for n, line in enumerate(lines, start=1) if line.strip()), (0, ""))
    if not first:
        raise InvalidTask("No tasks: the input is empty.")
    form = _recognised(first) if form == "auto" else form
    read = {"jsonl": _from_json_lines, "csv": _from_csv, "text": _from_text}[form]
    return read(chain([first], lines), number, ids)


def read_with_ids(stream: TextIO, *, form: str = "auto") -> Iterator[dict[str, Any]]:
    """Mappings of facts for a job, checked; their field or column "id" is kept."""
    ids: dict[int, Any] = {}
    for number, task in read_rows(stream, form=form, ids=ids):
        facts = {name: value for name, value in asdict(task).items() if value not in (None, ())}
        yield {**facts, "id": ids[number]} if number in ids else facts


def _decoded(stream: TextIO) -> Iterator[str]:
    """Lines, without the mark that Excel puts first."""
    number = 0
    try:
        for number, line in enumerate(stream, start=1):
            yield line.removeprefix("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:
        raise InvalidTask(
            f"The input is not UTF-8 after line {number} ({error.reason}); convert it."
        ) from error


def _recognised(first: str) -> str:
    if first.lstrip().startswith("{"):
        return "jsonl"
    header = [cell.strip() for cell in next(csv.reader([first]), [])]
    if "specification" in header:
        return "csv"
    raise InvalidTask(
        "The input is neither JSON lines nor CSV with a column 'specification'. "
        "For one specification a line, use --format text."
    )


def _from_json_lines(lines: Iterator[str], start: int, ids: Ids) -> Iterator[tuple[int, Task]]:
    for number, line in enumerate(lines, start=start):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidTask(f"Line {number} is not JSON: {error.msg} at column {error.colno}.") from error
        except (ValueError, RecursionError) as error:
            raise InvalidTask(f"Line {number} can't be read: {error}.") from error
        with _Line(number):
            if not isinstance(row, dict):
                raise InvalidTask(f"expected an object with a 'specification'; got {type(row).__name__}.")
            _take_id(row, number, ids)
            yield number, Task.from_mapping({name: value for name, value in row.items() if value is not None})


def _from_csv(lines: Iterator[str], start: int, ids: Ids) -> Iterator[tuple[int, Task]]:
    reader = csv.DictReader(lines, skipinitialspace=True)
    for row in reader:
        number = reader.line_num + start - 1
        with _Line(number):
            if None in row:
                raise InvalidTask("more cells than the header has columns; quote texts with commas.")
            _take_id(row, number, ids)
            yield number, task_from_text_row(row)


def _from_text(lines: Iterator[str], start: int, ids: Ids) -> Iterator[tuple[int, Task]]:
    for number, line in enumerate(lines, start=start):
        if line.strip():
            with _Line(number):
                yield number, Task(line.strip())


def _take_id(row: dict[str, Any], number: int, ids: Ids) -> None:
    if ids is not None and row.get("id") not in (None, ""):
        ids[number] = row.pop("id")
    elif ids is not None:
        row.pop("id", None)


class _Line:
    """Names the line in whatever InvalidTask is raised inside."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidTask):
            error.args = (f"Line {self.number}: {error}",)
