"""tierwise catalog: the ladder, its prices and limits, and whether they are still true."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import click

from ..router.ladder import Ladder
from ..router.ladder._freshness import age_findings, price_findings
from ._columns import aligned


@click.command()
@click.option(
    "--ladder", "path", type=click.Path(path_type=Path), help="A tiers file (default: the one in use)."
)
@click.option("--enable", multiple=True, help="Switch on a rung, such as fable.")
@click.option("--check", is_flag=True, help="Compare with genai-prices; flag stale and retired models.")
@click.option("--json", "as_json", is_flag=True)
def catalog(path: Path | None, enable: tuple[str, ...], check: bool, as_json: bool) -> None:
    """Show the tiers: models, prices per million tokens, limits, date and source."""
    ladder = Ladder.load(path, enable=enable)
    if as_json:
        click.echo(json.dumps(rows(ladder), default=str, indent=1))
    else:
        click.echo(table(ladder))
    if check:
        today = datetime.datetime.now(tz=datetime.UTC).date()
        findings = [*age_findings(ladder, today), *price_findings(ladder)]
        for finding in findings:
            click.echo(f"{finding.kind}: {finding.tier}: {finding.message}", err=True)
        click.echo("check: all facts hold" if not findings else f"check: {len(findings)} findings", err=True)
        sys.exit(1 if findings else 0)


def rows(ladder: Ladder) -> list[dict[str, object]]:
    """One flat row per price step, lowest rung first."""
    out: list[dict[str, object]] = []
    for rung in ladder.rungs:
        for step in rung.prices:
            bound = step.up_to_prompt_tokens
            out.append(
                {
                    "tier": rung.tier,
                    "role": rung.role or "-",
                    "model": rung.model,
                    "prompt": "any" if len(rung.prices) == 1 else f"<= {bound:,}" if bound else "longer",
                    "input": step.input,
                    "output": step.output,
                    "cache read": step.cache_read,
                    "batch in": step.batch_input,
                    "batch out": step.batch_output,
                    "context": rung.context_window_tokens,
                    "max out": rung.max_output_tokens,
                    "tokens/s": rung.output_tokens_per_second,
                    "checked": rung.checked_on,
                }
            )
    return out


def table(ladder: Ladder) -> str:
    """For people: aligned columns, then the sources."""
    found = rows(ladder)
    names = list(found[0])
    lines = aligned([names, *([_cell(row[name]) for name in names] for row in found)])
    unit = "images" if ladder.unit == "image" else "tokens"
    lines.append(f"USD per million {unit}. A price step holds for the whole request.")
    lines += [f"{rung.tier}: {rung.source}" for rung in ladder.rungs]
    return "\n".join(lines)


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
    return str(value)
