"""tierwise outcome: what became of a decision."""

from __future__ import annotations

import json

import click

from ._log_option import log_option


@click.command()
@click.argument("decision_id")
@click.argument("verdict")
@click.option("--basis", default="person", show_default=True, help="person, check, downstream or imported.")
@click.option("--at", help="When it was said, with time zone: 2026-03-01T09:30:00+00:00 (default: now).")
@click.option("--note", help="Kept where the log keeps texts.")
@log_option
@click.option("--json", "as_json", is_flag=True)
def outcome(
    decision_id: str, verdict: str, basis: str, at: str | None, note: str | None, url: str, as_json: bool
) -> None:
    """Record the VERDICT of a decision: clean, corrected, failed, refused or cut_off.

    \b
    tierwise outcome 3f2a… corrected --log outcomes.db
    """
    from ..router.log import OutcomeLog

    with OutcomeLog(url, create=False) as log:
        found = log.record_outcome(decision_id, verdict, basis=basis, at=at, note=note)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        return
    known = "" if found.is_new else "; the log knew it already"
    counts = "it counts" if found.is_effective else "a stronger or later verdict counts"
    click.echo(f"{found.tier or 'no model'}: {found.verdict} (basis: {found.basis}); {counts}{known}")
