"""Tables of measured figures, and how a marker in a document is filled with one.

A cell is a format string into a result of `benchmarks/results`, a goal, or plain text. `_measured.py` and
`_timings.py` list them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from tierwise.data import CHAMPION

from ._table import table

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
MARKED = re.compile(r"<!-- figures:([\w-]+) -->\n(.*?)<!-- /figures -->", flags=re.DOTALL)


class Goal(NamedTuple):
    """Text of a goal; where `path` of the result breaks a bound, the cell says that it is missed."""

    text: str
    path: str
    at_least: float = float("-inf")
    at_most: float = float("inf")

    def shown(self, result: Mapping[str, Any]) -> str:
        value = Formatter().get_field(self.path, (), result)[0]
        return self.text if self.at_least <= value <= self.at_most else f"{self.text}: **missed**"


class Row(NamedTuple):
    """A line: label, the result (name of the file), the other cells, and where its commit stands in it."""

    label: str
    result: str
    cells: Sequence[str | Goal]
    commit: str = "{machine[commit]}"


class Figures(NamedTuple):
    """A table, and the command that stores its results."""

    command: str
    head: Sequence[str]
    rows: Sequence[Row]


def filled(text: str, figures: Mapping[str, Figures]) -> str:
    """The document with the table of each marker written anew.

    Raises KeyError for a marker without figures, and for a path that a result lacks.
    """
    return MARKED.sub(
        lambda found: f"<!-- figures:{found[1]} -->\n{shown(figures[found[1]])}\n<!-- /figures -->", text
    )


def shown(figures: Figures) -> str:
    """The table, and below it the command, the files, and what they were measured with."""
    lines = [(row.label, *(_cell(cell, result_of(row.result)) for cell in row.cells)) for row in figures.rows]
    sources = ", ".join(dict.fromkeys(map(_source, figures.rows)))
    return f"\n{table(figures.head, lines)}\n\n{figures.command}. In `benchmarks/results`: {sources}.\n"


@cache
def result_of(name: str) -> dict[str, Any]:
    """A stored result."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _cell(cell: str | Goal, result: Mapping[str, Any]) -> str:
    return cell.shown(result) if isinstance(cell, Goal) else cell.format_map(result)


def _source(row: Row) -> str:
    result = result_of(row.result)
    champion = result["machine"]["champion"]
    found = [f"commit {row.commit.format_map(result)}"]
    if champion["version"] != _serving():
        found.append(f"an older champion of {champion['seed_tasks']:,} seed tasks")
    if "load_average" in result:
        found.append(f"load average {result['load_average']}")
    return f"{row.result}.json ({', '.join(found)})"


@cache
def _serving() -> str:
    manifest = json.loads((CHAMPION / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest["sha256"]["arrays.safetensors"])[:12]
