"""Where a log is: a path, or the url of a database."""

from __future__ import annotations

import os

from sqlalchemy import URL, exc, make_url

from ....classifier.errors import LogError

_WANTED = "Give a path, sqlite:///path.db, or postgresql+psycopg://user@host/database."


def parsed_url(url: str | os.PathLike[str]) -> URL:
    """Raises LogError, without the password, for what is no place of a log."""
    text = os.fspath(url)
    if not text.strip():
        raise LogError(f"The log has no url. {_WANTED}", about=url)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        parsed = make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        raise LogError(f"The url of the log can't be read. {_WANTED}") from error
    kind = parsed.drivername
    if kind in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory":
            raise LogError(f"A log in memory would be lost. {_WANTED}", about=kind)
        return parsed
    if kind in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise LogError(f"A log can't be kept in {kind!r}. {_WANTED}", about=kind)
