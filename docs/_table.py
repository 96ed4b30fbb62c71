"""A Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(names: Sequence[str], lines: Iterable[Iterable[object]]) -> str:
    """Names above, one line of cells per row."""
    cells = [[_cell(value) for value in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [names, ["---"] * len(names), *cells])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if type(value) is int else f"{value:.10g}" if type(value) is float else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
