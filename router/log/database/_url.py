"""Where a log is: a path, or the url of a database."""

from __future__ import annotations

import math
import os

from sqlalchemy import URL, exc, make_url

from ....classifier.errors import LogError
from ._patience import ANSWER_S

_ANSWER_TIMEOUT = "answer_timeout"  # of ours; the others are libpq's
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


def split_off_answer_s(url: URL) -> tuple[URL, float]:
    """The url without `answer_timeout`, and that: seconds a server has for an answer. Raises LogError."""
    given = url.query.get(_ANSWER_TIMEOUT)
    if given is None:
        return url, ANSWER_S
    try:
        seconds = float(str(given))
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds < math.inf:
        raise LogError(
            f"{_ANSWER_TIMEOUT} in the url of the log must be seconds, more than 0; got {given!r}.",
            about=given,
        )
    return url.difference_update_query([_ANSWER_TIMEOUT]), seconds
