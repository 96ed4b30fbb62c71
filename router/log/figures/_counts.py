"""What was counted of the whole log, kept in it: a process that has just begun can show that meanwhile.

Counts tell of task types, so what is forgotten takes all of them along. A count that was begun before that is
not kept either: `era` changes.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from .._schema import counts
from ..database._connections import Database

_ERA = "era"  # the name of a row that is no count


class Count(NamedTuple):
    """body : as it was given. at_us : when it was counted."""

    body: str
    at_us: int


def kept_count(database: Database, name: str) -> Count | None:
    """Raises LogError."""
    wanted = select(counts.c.body, counts.c.counted_at_us).where(counts.c.name == name)
    with database.brief(database.timeout_s), database.read() as connection:
        found = connection.execute(wanted).first()
    return None if found is None else Count(*found)


def era(database: Database) -> str:
    """What was forgotten last; to be asked before counting begins. Raises LogError."""
    with database.brief(database.timeout_s), database.read() as connection:
        return _era(connection)


def keep_count(database: Database, name: str, count: Count, begun_in: str) -> bool:
    """Whether it was kept: in place of an older one, and only if nothing was forgotten meanwhile."""
    row = {"name": name, "body": count.body, "counted_at_us": count.at_us}
    with database.write() as connection:
        if _era(connection) != begun_in:
            return False
        connection.execute(delete(counts).where(counts.c.name == name))
        connection.execute(insert(counts).values(row))
    return True


def drop_counts(connection: Connection) -> None:
    connection.execute(delete(counts))
    connection.execute(insert(counts).values(name=_ERA, body=secrets.token_hex(8), counted_at_us=0))


def _era(connection: Connection) -> str:
    return connection.execute(select(counts.c.body).where(counts.c.name == _ERA)).scalar() or ""
