"""tierwise log: what the outcome log holds, into it, out of it, and out of existence."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from ..classifier.errors import ArtifactError, BadRows, InvalidOutcome
from ..router.policy import Policy
from ._log_option import log_option
from ._policy import policy_options
from ._stats import counts_table, movements_table

SHOWN = 1_000  # bad rows; whoever has more wants them in a file
MAX_DAYS = 100_000


class _Number(click.FloatRange):
    """A finite one: nan passes every comparison with a limit."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        number = super().convert(value, param, context)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, context)
        return number


@click.group()
def log() -> None:
    """Import, export, read and forget outcomes."""


@log.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@log_option
@click.option("--partial", is_flag=True, help="Import the rest of a half-bad file; write out the bad rows.")
@click.option(
    "--bad", "bad_path", type=click.Path(path_type=Path), help="Where to (default: PATH.bad.jsonl)."
)
@click.option("--store-text", default="full", show_default=True, help="full, features or none.")
@click.option("--ladder", "ladder_path", type=click.Path(path_type=Path), help="A tiers file.")
@click.option("--any-tier", is_flag=True, help="Take rows of tiers that are not on the ladder as well.")
@click.option("--json", "as_json", is_flag=True)
def import_(
    path: Path,
    url: str,
    partial: bool,
    bad_path: Path | None,
    store_text: str,
    ladder_path: Path | None,
    any_tier: bool,
    as_json: bool,
) -> None:
    """Add the rows of a JSON lines, CSV or Parquet file. Importing twice adds nothing.

    \b
    A row has tier, verdict and at, and may have specification, task_type, any fact of a task, basis,
    propensity; or decision_id, verdict and at for a decision that is in the log. A tier that is not on the
    ladder (--ladder, TIERWISE_LADDER) makes a row bad, unless the row has the policy that it was decided by.
    """
    from ..router.log import OutcomeLog

    tiers = None if any_tier else _tiers(ladder_path)

    with OutcomeLog(url, store_text=store_text) as opened:
        try:
            report = opened.import_file(path, partial=partial, bad_path=bad_path, progress=True, tiers=tiers)
        except BadRows as error:
            if len(error.rows) > 5:  # the line below names only so many
                _name_all(error.rows)
            raise
    if as_json:
        click.echo(json.dumps(report.to_dict()))
        return
    click.echo(
        f"{report.n_rows:,} rows: {report.n_decisions:,} new decisions, {report.n_outcomes:,} new verdicts, "
        f"{report.n_known:,} verdicts known already"
    )
    if report.bad:
        _name_all(report.bad)
        click.echo(f"{len(report.bad):,} bad rows were left out and written to {report.bad_path}", err=True)


@log.command()
@click.argument("path", type=click.Path(path_type=Path))
@log_option
@click.option("--json", "as_json", is_flag=True)
def export(path: Path, url: str, as_json: bool) -> None:
    """Write decisions, attempts and verdicts to a .jsonl, .csv or .parquet file, for `log import`."""
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        n_rows = opened.export(path, progress=True)
    click.echo(json.dumps({"rows": n_rows, "path": str(path)}) if as_json else f"{n_rows:,} rows: {path}")


@log.command()
@log_option
@click.option("--baseline", help="What savings are against: a tier for everything (default: production).")
@click.option("--model", "model_path", type=click.Path(path_type=Path), help="A model folder.")
@policy_options
@click.option(
    "--worth-usd", type=_Number(min=0), help="Saving less a month, routing doesn't pay (default 10)."
)
@click.option("--json", "as_json", is_flag=True)
def stats(
    url: str,
    baseline: str | None,
    model_path: Path | None,
    policy: Policy | None,
    worth_usd: float | None,
    as_json: bool,
) -> None:
    """What the log holds, and which task types should go down or up, on what evidence.

    Counts have pass rates with 90 % intervals. A type moves where most of its newest tasks, decided again
    with the outcomes of their type, would be given to another tier; pins, floors and thresholds hold.
    """
    from ..classifier.model import TierModel
    from ..router._uncollected import uncollected
    from ..router.log import OutcomeLog, movements_of
    from ..router.log.figures._stats import stats_of
    from ..router.log.figures._tally import tally_of
    from ..router.movements import WORTH_USD_PER_MONTH

    model = None if model_path is None else TierModel.load(model_path)
    with uncollected(), OutcomeLog(url, create=False) as opened:
        counted = tally_of(opened._database)
        found = stats_of(counted)
        if not as_json:
            click.echo(counts_table(found) + "\n")
        moving, trouble = None, None
        try:
            moving = movements_of(
                opened,
                model=model,
                policy=policy,
                baseline=baseline,
                counted=counted,
                worth_usd=WORTH_USD_PER_MONTH if worth_usd is None else worth_usd,
                progress=True,
            )
        except ArtifactError as error:  # the counts are true without a model
            trouble = str(error)
    if as_json:
        values = {"movements": None if moving is None else moving.to_dict(), "trouble": trouble}
        click.echo(json.dumps({**found.to_dict(), **values}, indent=1))
    elif moving is None:
        click.echo(f"What should move can't be said. {trouble}")
    else:
        click.echo(movements_table(moving))


@log.command()
@log_option
@click.option("--decisions", "n_decisions", default=3_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--until-now", is_flag=True, help="The months end now (default: in February 2026).")
@click.option("--json", "as_json", is_flag=True)
def demo(url: str, n_decisions: int, seed: int, until_now: bool, as_json: bool) -> None:
    """Fill a log with some months of simulated decisions and verdicts, to try things on."""
    from ..router.log import OutcomeLog
    from ..router.log._times import utc_now
    from ..router.log.demo import UNTIL, fill, last_evening

    with OutcomeLog(url) as opened:
        report = fill(opened, n_decisions, seed, until=last_evening(utc_now()) if until_now else UNTIL)
    if as_json:
        click.echo(json.dumps(report.to_dict()))
        return
    click.echo(
        f"{report.n_decisions:,} simulated decisions and {report.n_outcomes:,} simulated verdicts. "
        "Next, with the same --log: tierwise log stats"
    )


@log.command()
@click.option("--task-type", help="Everything of this type.")
@click.option("--decision-id", help="One decision.")
@log_option
@click.option("--json", "as_json", is_flag=True)
def forget(task_type: str | None, decision_id: str | None, url: str, as_json: bool) -> None:
    """Remove decisions for good, with their outcomes and what was learned of their types."""
    if (task_type is None) == (decision_id is None):
        raise InvalidOutcome("Forget one thing at a time: give --task-type or --decision-id.")
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        n = opened.forget(task_type=task_type, decision_id=decision_id)
    click.echo(json.dumps({"decisions": n}) if as_json else f"forgot {n:,} decision{'' if n == 1 else 's'}")


@log.command()
@click.option("--days", type=_Number(0, MAX_DAYS), required=True, help="Made longer ago than this.")
@click.option("--text-only", is_flag=True, help="Remove texts and notes; keep what can be counted.")
@log_option
@click.option("--json", "as_json", is_flag=True)
def expire(days: float, text_only: bool, url: str, as_json: bool) -> None:
    """Remove old decisions, or only their texts."""
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        n = opened.expire(older_than=timedelta(days=days), text_only=text_only)
    what = "texts" if text_only else "decisions"
    click.echo(json.dumps({what: n}) if as_json else f"removed {n:,} {what}")


def _tiers(path: Path | None) -> tuple[str, ...]:
    from ..router.ladder import Ladder, default_ladder

    return (default_ladder() if path is None else Ladder.load(path)).names


def _name_all(rows: Any) -> None:
    for row in rows[:SHOWN]:
        click.echo(f"{row.number}: {row.message}", err=True)
    if len(rows) > SHOWN:
        click.echo(f"and {len(rows) - SHOWN:,} more", err=True)
