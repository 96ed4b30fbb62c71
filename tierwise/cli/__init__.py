"""The command `tierwise`. Bad input is exit 2 and one clear line."""

from __future__ import annotations

import errno
import sys

import click

from .. import __version__
from ..classifier.errors import TierwiseError
from .batch import batch
from .catalog import catalog
from .demo import demo
from .doctor import doctor
from .evaluate import evaluate
from .explain import explain
from .log import log
from .outcome import outcome
from .pipeline import pipeline
from .plan import plan
from .predict import predict
from .promote import promote
from .pull import pull
from .rollback import rollback
from .run import run
from .serve import serve
from .token import token
from .train import train


class _OneLine(click.Group):
    """Errors of tierwise, and files that can't be read or written: one line, exit 2, no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TierwiseError as error:
            click.echo(f"tierwise: {error}", err=True)
            sys.exit(2)
        except OSError as error:
            if error.errno in (None, errno.EPIPE):  # the reader has left: click ends quietly
                raise
            where = f"{error.filename}: " if error.filename else "Can't read or write: "
            click.echo(f"tierwise: {where}{error.strerror}.", err=True)
            sys.exit(2)


@click.group(cls=_OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tierwise")
def main() -> None:
    """Sends each task to the cheapest model tier that will do it well enough."""


_COMMANDS = (
    *(predict, explain, plan, pipeline, run, batch, train, evaluate, promote, rollback, pull),
    *(outcome, log, serve, token, catalog, demo, doctor),
)
for _command in _COMMANDS:
    main.add_command(_command)

__all__ = ["main"]
