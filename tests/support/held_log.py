"""A log that another process works on, for tests of what then waits and what doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text


@contextmanager
def held(url: str) -> Iterator[None]:
    """Another process holds the write lock."""
    engine = create_engine(url)
    with engine.connect() as holder:
        lock = "DELETE FROM tierwise_decisions" if url.startswith("sqlite") else "LOCK tierwise_decisions"
        holder.execute(text(lock))
        yield
        holder.rollback()
    engine.dispose()
