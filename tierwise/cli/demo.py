"""tierwise demo: the content pipeline of one article, and thirty tasks of all trades."""

from __future__ import annotations

from pathlib import Path

import click

from ..data import FOLDER
from ..router.predict import predict_tiers
from . import _render
from ._input import read_rows

_PARTS = (
    ("One article through a content pipeline", FOLDER / "demo" / "article_pipeline.jsonl"),
    ("Thirty tasks of all trades", FOLDER / "demo" / "thirty_tasks.jsonl"),
)


@click.command()
def demo() -> None:
    """Route real tasks with the model in use; show tier, mode, confidence, reason and cost."""
    for title, path in _PARTS:
        click.echo(f"\n{title}\n{'=' * len(title)}")
        _show(path)
    click.echo('\nNext: tierwise explain "your task", or in Python: from tierwise import predict_tier')


def _show(path: Path) -> None:
    with path.open(encoding="utf-8") as stream:
        decisions = list(predict_tiers(row.task for row in read_rows(stream)))
    click.echo(_render.header())
    for decision in decisions:
        click.echo(_render.row(decision))
    click.echo(f"\n{_render.totals(decisions)}")
