"""MLflow takes its seconds to start; whoever waits for it is told so at once."""

from __future__ import annotations

import os

import click


def tell_of_mlflow(*sources: str | os.PathLike[str] | None) -> None:
    """A line on stderr, where one of these is a URI of MLflow's. Raises StoreUnavailable, MissingExtra."""
    from ..classifier.artifact._mlflow import check_chosen
    from ..classifier.model import REMOTE

    named = [each for each in sources if isinstance(each, str) and each.startswith(REMOTE)]
    if named:
        check_chosen(f"ask for {named[0]}")
        click.echo(f"Asking MLflow for {' and '.join(named)}; it takes some seconds to start.", err=True)
