"""tierwise rollback: back to the champion before."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ._remote import tell_of_mlflow


@click.command()
@click.option("--to", required=True, help="The store: a folder, or models:/NAME for MLflow's registry.")
@click.option("--why", default="", help="Recorded beside the change.")
@click.option("--by", help="Who does it; default: you.")
@click.option("--json", "as_json", is_flag=True, help="The change as JSON.")
def rollback(to: str, why: str, by: str | None, as_json: bool) -> None:
    """End the canary or, without one, go back to the champion before. Once more goes further back.

    \b
    tierwise rollback --to models --why "complaints about legal clauses"
    """
    from .. import rollback as go_back

    tell_of_mlflow(to)
    change = go_back(to, by=by, why=why)
    if as_json:
        click.echo(json.dumps(asdict(change), indent=1))
    elif change.action == "drop_canary":
        click.echo(f"{to}: the canary of {change.version} is over; {change.previous} serves, as before.")
    else:
        click.echo(f"{to}: {change.version} serves again, in place of {change.previous}.")
