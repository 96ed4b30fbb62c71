"""tierwise promote: let a challenger serve, if the gate lets it through."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..classifier.errors import MissingExtra, PromotionRefused
from ._policy import policy_options
from .train import read_rows


@click.command()
@click.argument("model")
@click.option("--to", required=True, help="The store: a folder, or models:/NAME for MLflow's registry.")
@click.option(
    "--log",
    "url",
    envvar="TIERWISE_LOG",
    help="Judge on this log: a path, sqlite:///path.db or postgresql+psycopg://…  [default: TIERWISE_LOG]",
)
@click.option(
    "--frame", type=click.Path(path_type=Path, dir_okay=False), help="Instead: CSV, JSON lines or Parquet."
)
@click.option("--correction-usd", type=float, help="Price of one correction (default: the policy's; else 5).")
@click.option("--pinned", type=click.Path(path_type=Path), help="JSON lines of cases that must not move.")
@click.option("--why", default="", help="Recorded beside the change.")
@click.option("--by", help="Who does it; default: you.")
@click.option("--force", is_flag=True, help="Ask no gate. Needs --why, and is recorded.")
@click.option("--json", "as_json", is_flag=True, help="The change, with the gate's report, as JSON.")
@policy_options
def promote(
    model: str, to: str, url: str | None, frame: Path | None, force: bool, as_json: bool, **told: Any
) -> None:
    """Compare MODEL with the champion, and let it serve if it earned it.

    MODEL is a model folder, a version of the store, or an MLflow URI. Where the log can't prove everything,
    the challenger gets a canary: a share of the first decisions. Exit 1 where it is refused.

    \b
    tierwise promote trained/friday --to models --log outcomes.db --why "a month of outcomes"
    """
    try:
        from ..training.promotion.promote import promote as judge
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "train") from error
    with _outcomes(None if force else url, None if force else frame) as log, _bar() as progress:
        try:
            change = judge(model, to=to, log=log, force=force, progress=progress, **told)
        except PromotionRefused as error:
            if as_json:
                click.echo(json.dumps({"action": "refuse", "gate": error.gate}, indent=1))
            click.echo(f"tierwise: {error}", err=True)
            sys.exit(1)
    click.echo(json.dumps(asdict(change), indent=1) if as_json else _as_text(change, to))


def _outcomes(url: str | None, frame: Path | None) -> AbstractContextManager[Any]:
    if frame is not None:
        return nullcontext(read_rows(frame))
    if url is None:
        return nullcontext()
    try:
        from ..router.log import OutcomeLog
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "log") from error
    return OutcomeLog(url, create=False)


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that is told what is being done, and how far."""
    from tqdm import tqdm

    with tqdm(disable=None, leave=False, bar_format="{desc} {bar} {elapsed}") as bar:

        def progress(what: str, done: int, total: int) -> None:
            bar.total = total
            bar.set_description_str(what)
            bar.update(done - bar.n)

        yield progress


def _as_text(change: Any, to: str) -> str:
    before = f" (before: {change.previous})" if change.previous else ""
    if change.action == "canary":
        found = f"{change.version} is tried beside the champion {change.previous}: a canary"
    else:
        found = f"{change.version} serves from now on{before}{', forced' if change.forced else ''}"
    reasons = (change.gate or {}).get("reasons", ())
    lines = [f"{to}: {found}. Change {change.serial} by {change.by} at {change.at}.", *reasons]
    return "\n".join([*lines, f"To undo it: tierwise rollback --to {to}"])
