"""The address that the SDK will ask: one that is none would fail every task, each by itself."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import click

VARIABLE = "ANTHROPIC_BASE_URL"


def check_address() -> None:
    """Raises click.UsageError for an ANTHROPIC_BASE_URL that names no host; what it is may be a key, and is
    not repeated.
    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return
    try:
        parts = urlsplit(given)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and given == given.strip()
    except ValueError:  # brackets that don't close
        is_one = False
    if not is_one:
        raise click.UsageError(
            f"{VARIABLE} is no address: it must begin with https:// or http:// and name a host, such as "
            "https://api.anthropic.com."
        )
