"""Which outcome log, shared by the commands that need one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from ..classifier.errors import LogError


def log_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the command the `url` of the log."""

    @click.option(
        "--log",
        "url",
        envvar="TIERWISE_LOG",
        help="A path, sqlite:///path.db or postgresql+psycopg://…  [default: TIERWISE_LOG]",
    )
    @wraps(command)
    def with_log(*args: Any, url: str | None, **options: Any) -> Any:
        if not url:
            raise LogError("Which log? Give --log, a path or a url, or set TIERWISE_LOG.")
        return command(*args, url=url, **options)

    return with_log
