"""tierwise predict: tiers for one task or for thousands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

import click

from ..classifier.errors import InvalidTask
from ..classifier.task import Task
from ..router.decision import Decision
from ..router.policy import Policy
from . import _render
from ._facts import fact_options, given
from ._input import Row, check_source, read_rows, source_options
from ._policy import policy_options

CHUNK = 2_000


@click.command()
@click.argument("specification", required=False)
@source_options
@click.option("--json", "as_json", is_flag=True, help='One JSON object a line, with the "id" of its row.')
@policy_options
@fact_options
def predict(
    specification: str | None,
    stream: TextIO | None,
    form: str,
    as_json: bool,
    policy: Policy | None,
    **options: Any,
) -> None:
    """Predict the tier of a task: an argument, or many from --file or stdin.

    \b
    tierwise predict "Tag these 40 tickets by product area" --items 40
    tierwise predict --file tasks.jsonl --json > decisions.jsonl
    cat tasks.csv | tierwise predict
    """
    facts = given(options)
    check_source(specification, stream, facts)
    if specification is not None:
        rows: Iterable[Row] = [Row(0, Task(specification, **facts))]
    else:
        rows = read_rows(stream or sys.stdin, form=form)
    shown: list[Decision] = []
    for row, decision in _decided(rows, policy):
        if as_json:
            named = {} if row.id is None else {"id": row.id}
            click.echo(json.dumps(named | decision.to_dict(), ensure_ascii=False))
            continue
        if not shown:
            click.echo(_render.header())
        click.echo(_render.row(decision))
        shown.append(decision)
    if len(shown) > 1:
        click.echo(f"\n{_render.totals(shown)}")


def _decided(rows: Iterable[Row], policy: Policy | None) -> Iterator[tuple[Row, Decision]]:
    """In chunks, so that a long stdin streams; with progress where a person watches."""
    from tqdm import tqdm

    from ..router.predict import predict_tiers

    source = iter(rows)
    with tqdm(unit=" tasks", disable=None, leave=False, delay=1.0) as progress:
        while chunk := list(islice(source, CHUNK)):
            try:
                yield from zip(chunk, predict_tiers([row.task for row in chunk], policy=policy), strict=True)
            except InvalidTask as error:
                raise _by_line(error, chunk) from error
            progress.update(len(chunk))


def _by_line(error: InvalidTask, chunk: list[Row]) -> InvalidTask:
    """The error with the line of the input in place of the position in the chunk."""
    position, _, message = str(error).removeprefix("Task ").partition(": ")
    line = chunk[int(position)].line
    return InvalidTask(f"Line {line}: {message}" if line else message, about=error.about)
