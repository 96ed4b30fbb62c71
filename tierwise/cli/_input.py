"""Tasks from a file or stdin: JSON lines, CSV, or one specification a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain
from typing import TextIO

from ..classifier.errors import InvalidTask
from ..classifier.task import Task
from ._facts import task_from_text_row

FORMATS = ("auto", "jsonl", "csv", "text")


def read_tasks(stream: TextIO, *, form: str = "auto") -> Iterator[Task]:
    """Tasks in order. Raises InvalidTask that names the line."""
    first = ""
    for first in stream:
        if first.strip():
            break
    if not first.strip():
        raise InvalidTask("No tasks: the input is empty.")
    lines = chain([first], stream)
    form = _recognised(first) if form == "auto" else form
    return {"jsonl": _from_json_lines, "csv": _from_csv, "text": _from_text}[form](lines)


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


def _from_json_lines(lines: Iterator[str]) -> Iterator[Task]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidTask(f"Line {number} is not JSON: {error.msg} at column {error.colno}.") from error
        with _line(number):
            if not isinstance(row, dict):
                raise InvalidTask(f"expected an object with a 'specification'; got {type(row).__name__}.")
            yield Task.from_mapping({name: value for name, value in row.items() if value is not None})


def _from_csv(lines: Iterator[str]) -> Iterator[Task]:
    reader = csv.DictReader(lines, skipinitialspace=True)
    for row in reader:
        with _line(reader.line_num):
            if None in row:
                raise InvalidTask("more cells than the header has columns; quote texts with commas.")
            yield task_from_text_row(row)


def _from_text(lines: Iterator[str]) -> Iterator[Task]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            with _line(number):
                yield Task(line.strip())


class _line:
    """Names the line in whatever InvalidTask is raised inside."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidTask):
            error.args = (f"Line {self.number}: {error}",)
