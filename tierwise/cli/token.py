"""tierwise token: who may use a service that other machines can reach."""

from __future__ import annotations

import json
from pathlib import Path

import click

_file = click.option(
    "--tokens",
    "path",
    type=click.Path(path_type=Path),
    envvar="TIERWISE_TOKENS",
    required=True,
    help="The file.",
)


@click.group()
def token() -> None:
    """Make, list and revoke the tokens of a service. Their file holds hashes only."""


@token.command()
@_file
@click.option(
    "--name", default="default", show_default=True, help="Whose it is; limits of rate are per name."
)
def new(path: Path, name: str) -> None:
    """Print a new token, once. A service that runs takes it within seconds."""
    from ..router.serve.access._tokens import new_token

    click.echo(new_token(path, name))
    click.echo(f"It is not shown again; {path} holds its hash.", err=True)


@token.command("list")
@_file
@click.option("--json", "as_json", is_flag=True)
def list_(path: Path, as_json: bool) -> None:
    """Names, and when each was made."""
    from ..router.serve.access._tokens import read_tokens

    found = [{"name": each.name, "created_at": each.created_at} for each in read_tokens(path)]
    if as_json:
        click.echo(json.dumps(found))
        return
    for each in found:
        click.echo(f"{each['created_at']}  {each['name']}")


@token.command()
@click.argument("name")
@_file
def revoke(name: str, path: Path) -> None:
    """Let the token NAME in no longer. A service that runs heeds it within seconds."""
    from ..router.serve.access._tokens import revoke_token

    revoke_token(path, name)
    click.echo(f"revoked {name}")
