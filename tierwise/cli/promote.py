"""tierwise promote: let a challenger serve, if the gate lets it through."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..classifier.errors import PromotionRefused
from ._outcomes import outcomes_of
from ._policy import policy_options
from ._progress import told_bar
from ._remote import tell_of_mlflow


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
@click.option("--canary-share", type=float, help="How often a challenger's tier is served where it differs.")
@click.option("--canary-decisions", type=int, help="How many decisions it may make before it is judged.")
@click.option("--why", default="", help="Recorded beside the change.")
@click.option("--by", help="Who does it; default: you.")
@click.option("--force", is_flag=True, help="Ask no gate. Needs --why, and is recorded.")
@click.option("--json", "as_json", is_flag=True, help="The change, with the gate's report, as JSON.")
@policy_options
def promote(
    model: str,
    to: str,
    url: str | None,
    frame: Path | None,
    canary_share: float | None,
    canary_decisions: int | None,
    force: bool,
    as_json: bool,
    **told: Any,
) -> None:
    """Compare MODEL with the champion, and let it serve if it earned it.

    MODEL is a model folder, a version of the store, or an MLflow URI. Where the log can't prove everything,
    the challenger gets a canary: a share of the first decisions. Promote it again once they are in the log:
    it is promoted, goes on, or is refused, which ends its canary. Exit 1 where it is refused.

    \b
    tierwise promote trained/friday --to models --log outcomes.db --why "a month of outcomes"
    """
    from .. import promote as judge

    tell_of_mlflow(model, to)
    with outcomes_of(None if force else frame, None if force else url) as log, told_bar() as progress:
        try:
            canary = _canary(to, canary_share, canary_decisions)
            change = judge(model, to=to, log=log, canary=canary, force=force, progress=progress, **told)
        except PromotionRefused as error:
            if as_json:
                click.echo(json.dumps({"action": "refuse", "gate": error.gate}, indent=1))
            click.echo(f"tierwise: {error}", err=True)
            sys.exit(1)
    click.echo(json.dumps(asdict(change), indent=1) if as_json else _as_text(change, to, canary))


def _canary(to: str, share: float | None, decisions: int | None) -> Any:
    """What is not said stays as it is."""
    if share is None and decisions is None:
        return None
    from ..router.canary import Canary
    from ..training.promotion.promote import CANARY, shelf_at

    now = shelf_at(to).canary() or CANARY
    return Canary(
        now.share if share is None else share, now.max_decisions if decisions is None else decisions
    )


def _as_text(change: Any, to: str, canary: Any = None) -> str:
    """canary : as it was asked for."""
    before = f" (before: {change.previous})" if change.previous else ""
    if change.action == "canary":
        found = f"{change.version} is tried beside the champion {change.previous}: a canary"
    else:
        found = f"{change.version} serves from now on{before}{', forced' if change.forced else ''}"
    reasons = (change.gate or {}).get("reasons", ())
    lines = [f"{to}: {found}. Change {change.serial} by {change.by} at {change.at}.", *reasons]
    lines += _of_canary(change, to, canary)
    return "\n".join([*lines, f"To undo it: tierwise rollback --to {to}"])


def _of_canary(change: Any, to: str, canary: Any) -> list[str]:
    """How far the canary has come that was judged; how one begins, and which one it replaces."""
    found = (change.gate or {}).get("canary", {})
    lines = [f"The canary of {found['replaces']} is over."] if "replaces" in found else []
    if change.action != "canary":
        return lines
    if "max_decisions" not in found:
        return [*lines, _begins(to, canary)]
    if found["decisions"] is None:
        return []
    had, most = found["decisions"], found["max_decisions"]
    if had < most:
        return [f"It has made {had:,} of the {most:,} decisions of its canary; promote it again later."]
    return [
        f"It has made all {most:,} decisions of its canary, and this proves too little. As long as it may "
        "make no more, the champion serves alone: allow more with --canary-decisions, or end it."
    ]


def _begins(to: str, canary: Any) -> str:
    from ..training.promotion.promote import CANARY

    of = canary or CANARY
    return (
        f"Where the two differ it decides {of.share:.0%} of the tasks, {of.max_decisions:,} at most: in a "
        f"service that serves from {to}, or in Router(challenger=…, canary=…). Promote it again when they "
        "are in the log."
    )
