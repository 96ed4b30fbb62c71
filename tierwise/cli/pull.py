"""tierwise pull: a model from MLflow into a folder, checked."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..classifier.model import TierModel
from ._remote import tell_of_mlflow


@click.command()
@click.argument("uri")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Default: the cache folder.")
@click.option("--json", "as_json", is_flag=True)
def pull(uri: str, to: Path | None, as_json: bool) -> None:
    """Fetch the model at URI from MLflow: models:/NAME@ALIAS, models:/NAME/VERSION or runs:/ID/model.

    Decisions never fetch: they use the folder that TIERWISE_MODEL names.

    \b
    tierwise pull models:/tierwise@champion --to serving
    """
    from ..classifier.artifact._remote import fetch

    tell_of_mlflow(uri)
    folder = fetch(uri, to)
    version = TierModel.load(folder).version
    if as_json:
        click.echo(json.dumps({"uri": uri, "folder": str(folder), "version": version}))
    else:
        click.echo(f"{uri} is {version}, in {folder}. To serve it: TIERWISE_MODEL={folder}")
