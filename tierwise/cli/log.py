"""tierwise log: what the outcome log holds, into it, out of it, and out of existence."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..classifier.errors import BadRows
from ._log_option import log_option

if TYPE_CHECKING:
    from ..router.log import Stats

SHOWN = 1_000  # bad rows; whoever has more wants them in a file


@click.group()
def log() -> None:
    """Import, export, count and forget outcomes."""


@log.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@log_option
@click.option("--partial", is_flag=True, help="Import the rest of a half-bad file; write out the bad rows.")
@click.option(
    "--bad", "bad_path", type=click.Path(path_type=Path), help="Where to (default: PATH.bad.jsonl)."
)
@click.option("--store-text", default="full", show_default=True, help="full, features or none.")
@click.option("--json", "as_json", is_flag=True)
def import_(
    path: Path, url: str, partial: bool, bad_path: Path | None, store_text: str, as_json: bool
) -> None:
    """Add the rows of a JSON lines, CSV or Parquet file. Importing twice adds nothing.

    \b
    A row has tier, verdict and at, and may have specification, task_type, any fact of a task, basis,
    propensity; or decision_id, verdict and at for a decision that is in the log.
    """
    from ..router.log import OutcomeLog

    with OutcomeLog(url, store_text=store_text) as opened:
        try:
            report = opened.import_file(path, partial=partial, bad_path=bad_path, progress=True)
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
    """Write every decision and verdict to a .jsonl, .csv or .parquet file; `log import` reads it back."""
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        n_rows = opened.export(path, progress=True)
    click.echo(json.dumps({"rows": n_rows, "path": str(path)}) if as_json else f"{n_rows:,} rows: {path}")


@log.command()
@log_option
@click.option("--json", "as_json", is_flag=True)
def stats(url: str, as_json: bool) -> None:
    """Outcomes per task type and tier, pass rates with 90 % intervals, and when last seen."""
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        found = opened.stats()
    click.echo(json.dumps(found.to_dict(), indent=1) if as_json else _table(found))


@log.command()
@click.option("--task-type", help="Everything of this type.")
@click.option("--decision-id", help="One decision.")
@log_option
@click.option("--json", "as_json", is_flag=True)
def forget(task_type: str | None, decision_id: str | None, url: str, as_json: bool) -> None:
    """Remove decisions for good, with their outcomes and what was learned of their types."""
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as opened:
        n = opened.forget(task_type=task_type, decision_id=decision_id)
    click.echo(json.dumps({"decisions": n}) if as_json else f"forgot {n:,} decisions")


@log.command()
@click.option("--days", type=click.FloatRange(min=0), required=True, help="Made longer ago than this.")
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


def _name_all(rows: Any) -> None:
    for row in rows[:SHOWN]:
        click.echo(f"{row.number}: {row.message}", err=True)
    if len(rows) > SHOWN:
        click.echo(f"and {len(rows) - SHOWN:,} more", err=True)


def _table(found: Stats) -> str:
    head = (
        "task type",
        "tier",
        "clean",
        "corrected",
        "failed",
        "refused",
        "cut off",
        "pass rate, 90 %",
        "last seen",
    )
    lines: list[tuple[str, ...]] = [head]
    for task_type, tiers in found.types.items():
        for tier, each in tiers.items():
            numbers = [
                str(each.counts.get(name, 0))
                for name in ("clean", "corrected", "failed", "refused", "cut_off")
            ]
            rate = "-"
            if each.pass_rate is not None and each.interval is not None:
                low, high = each.interval
                rate = f"{each.pass_rate:.0%} [{low:.0%}, {high:.0%}]"
            lines.append((task_type or "-", tier, *numbers, rate, f"{each.last_seen:%Y-%m-%d %H:%M}Z"))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rows = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*(rows if found.types else ["no outcomes yet"]), "", *_totals(found)])


def _totals(found: Stats) -> list[str]:
    from ..router.log._text import CANNOT

    lines = [
        f"{found.n_decisions:,} decisions, {found.n_outcomes:,} verdicts, "
        f"{found.n_without_verdict:,} decisions without one"
    ]
    for stored, n in sorted(found.texts.items()):
        if CANNOT[stored]:
            lines.append(f"{n:,} with text stored as {stored!r}: {CANNOT[stored]}")
    return lines
