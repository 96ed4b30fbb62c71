"""A log that others work on, or that hangs, for tests of what then waits and what doesn't."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
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


@contextmanager
def hung(url: str) -> Iterator[None]:
    """PostgreSQL and all its sessions are stopped: they hold their connections, and answer nothing."""
    asked = "SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as asking:
        sessions = [pid for (pid,) in asking.execute(asked)]
        (postmaster,) = {_parent_of(pid) for pid in sessions}
    stopped = [postmaster, *sessions]
    _signal(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(stopped, signal.SIGCONT)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
