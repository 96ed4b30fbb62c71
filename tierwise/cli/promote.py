"""tierwise promote: let a challenger serve, if the gate lets it through."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..classifier.errors import MissingExtra, PromotionRefused
from .train import read_rows

_FILES = (".csv", ".jsonl", ".json", ".parquet")


@click.command()
@click.argument("model")
@click.option("--to", required=True, help="The store: a folder, or models:/NAME for MLflow's registry.")
@click.option(
    "--log",
    "url",
    envvar="TIERWISE_LOG",
    help="Judge on this log (a path or url) or file of finished tasks.  [default: TIERWISE_LOG]",
)
@click.option(
    "--correction-usd", type=click.FloatRange(0, min_open=True), help="What a correction costs you."
)
@click.option("--why", default="", help="Recorded beside the change.")
@click.option("--by", help="Who does it; default: you.")
@click.option(
    "--pinned", type=click.Path(path_type=Path, dir_okay=False), help="Your own cases that must hold."
)
@click.option("--force", is_flag=True, help="Ask no gate. Needs --why, and is recorded.")
@click.option("--json", "as_json", is_flag=True, help="The change, with the gate's report, as JSON.")
def promote(
    model: str,
    to: str,
    url: str | None,
    correction_usd: float | None,
    why: str,
    by: str | None,
    pinned: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare MODEL with the champion, and let it serve if it earned it.

    MODEL is a model folder, a version of the store, or an MLflow URI. Where the log can't prove everything,
    the challenger gets a canary: a share of the first decisions. Exit 1 where it is refused.

    \b
    tierwise promote trained/friday --to models --log outcomes.db --why "a month of outcomes"
    """
    try:
        from ..training.promote import promote as judge
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "train") from error
    with _opened(None if force else url) as log:
        try:
            told: dict[str, Any] = {"pinned": pinned, "correction_usd": correction_usd, "by": by, "why": why}
            change = judge(model, to=to, log=log, force=force, **told)
        except PromotionRefused as error:
            if as_json:
                click.echo(json.dumps({"action": "refuse", "gate": error.gate}, indent=1))
            click.echo(f"tierwise: {error}", err=True)
            sys.exit(1)
    click.echo(json.dumps(asdict(change), indent=1) if as_json else _as_text(change, to))


@contextmanager
def _opened(url: str | None) -> Iterator[Any]:
    if url is None:
        yield None
    elif Path(url).suffix.lower() in _FILES:
        yield read_rows(Path(url))
    else:
        try:
            from ..router.log import OutcomeLog
        except ModuleNotFoundError as error:
            raise MissingExtra(str(error.name), "log") from error
        with OutcomeLog(url, create=False) as log:
            yield log


def _as_text(change: Any, to: str) -> str:
    before = f" (before: {change.previous})" if change.previous else ""
    if change.action == "canary":
        found = f"{change.version} is tried beside the champion {change.previous}: a canary"
    else:
        found = f"{change.version} serves from now on{before}{', forced' if change.forced else ''}"
    reasons = (change.gate or {}).get("reasons", ())
    lines = [f"{to}: {found}. Change {change.serial} by {change.by} at {change.at}.", *reasons]
    return "\n".join([*lines, f"To undo it: tierwise rollback --to {to}"])
