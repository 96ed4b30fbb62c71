"""Tasks from a file or stdin: JSON lines, CSV, or one specification a line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any, NamedTuple, TextIO

import click

from ..classifier.errors import InvalidTask
from ..classifier.task import MAX_SPECIFICATION_CHARS, Task
from ._facts import task_from_text_row

FORMATS = ("auto", "jsonl", "csv", "text")
csv.field_size_limit(MAX_SPECIFICATION_CHARS)  # of this process; the default cuts at 131,072


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the command a `stream` of tasks, or None, and the `form` that they have."""
    told = "Of the file or stdin; text has one specification a line."
    command = click.option(
        "--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True, help=told
    )(command)
    return click.option(
        "--file", "stream", type=click.File(encoding="utf-8"), help="JSON lines or CSV; '-' is stdin."
    )(command)


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


class Row(NamedTuple):
    """A task of the input, the number of its last line, and its "id", which is no fact of the task."""

    line: int
    task: Task
    id: Any = None


def read_rows(stream: TextIO, *, form: str = "auto") -> Iterator[Row]:
    """In order. Raises InvalidTask that names the line."""
    lines = _decoded(stream)
    number, first = next(((n, line) for n, line in enumerate(lines, start=1) if line.strip()), (0, ""))
    if not first:
        raise InvalidTask("No tasks: the input is empty.")
    form = _recognised(first) if form == "auto" else form
    read = {"jsonl": _from_json_lines, "csv": _from_csv, "text": _from_text}[form]
    return read(chain([first], lines), number)


def read_with_ids(stream: TextIO, *, form: str = "auto") -> Iterator[dict[str, Any]]:
    """Mappings of facts for a job, checked; their field or column "id" is kept."""
    for row in read_rows(stream, form=form):
        facts = {name: value for name, value in asdict(row.task).items() if value not in (None, ())}
        yield facts if row.id is None else {**facts, "id": row.id}


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
    names = first.split(",")  # no column is named with a comma
    if any(name.strip().strip('"').strip() == "specification" for name in names):
        return "csv"
    raise InvalidTask(
        "The input is neither JSON lines nor CSV with a column 'specification'. "
        "For one specification a line, use --format text."
    )


def _from_json_lines(lines: Iterator[str], start: int) -> Iterator[Row]:
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
            given = _id_of(row)
            facts = {name: value for name, value in row.items() if value is not None}
            yield Row(number, Task.from_mapping(facts), given)


def _from_csv(lines: Iterator[str], start: int) -> Iterator[Row]:
    reader = csv.DictReader(lines, skipinitialspace=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:  # a cell that is too large, or a quote that is never closed
            raise InvalidTask(
                f"Line {reader.reader.line_num + start - 1} can't be read as CSV: {error}."
            ) from error
        if row is None:
            return
        number = reader.line_num + start - 1
        with _Line(number):
            if None in row:
                raise InvalidTask("more cells than the header has columns; quote texts with commas.")
            given = _id_of(row)
            yield Row(number, task_from_text_row(row), given)


def _from_text(lines: Iterator[str], start: int) -> Iterator[Row]:
    for number, line in enumerate(lines, start=start):
        if line.strip():
            with _Line(number):
                yield Row(number, Task(line.strip()))


def _id_of(row: dict[str, Any]) -> Any:
    """Taken out of the row; None where there is none, or an empty cell."""
    given = row.pop("id", None)
    return None if given == "" else given


class _Line:
    """Names the line in whatever InvalidTask is raised inside."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidTask):
            error.args = (f"Line {self.number}: {error}",)
