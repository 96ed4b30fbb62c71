"""Connections to the log as they are opened, set up, and handed out again."""

from __future__ import annotations

import os
import select
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc

from ....classifier.errors import LogUnavailable, MissingExtra
from ._answering import connected
from ._statement import to_json

_RECENTLY_S = 1.0
_USED, _FILE = "tierwise_used_at", "tierwise_file"


def engine_of(url: URL, *, durable: bool, timeout_s: float) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = {"timeout": timeout_s} if sqlite else {}
    if not sqlite and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = max(int(timeout_s), 2)
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            max_overflow=-1,  # threads wait for the write lock, not for a connection
            hide_parameters=True,  # no texts in errors
            json_serializer=to_json,
        )
    except ModuleNotFoundError as error:
        raise MissingExtra("psycopg", "postgres") from error
    settings = _sqlite_settings(durable) if sqlite else _postgres_settings(durable, timeout_s)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: object) -> None:
        if sqlite:
            connection.isolation_level = None  # we say BEGIN; the driver would say it too late
        cursor = connection.cursor()
        for setting in settings:
            cursor.execute(setting)
        cursor.close()
        if not sqlite:
            connection.commit()

    if sqlite:
        _look_before_use(engine, url)

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            begin = connection.get_execution_options().get("tierwise_begin", "BEGIN")
            if begin:  # else it has begun already
                connection.exec_driver_sql(begin)

    else:
        _ask_before_use(engine)

        @event.listens_for(engine, "do_connect")
        def _connect(_: object, __: object, arguments: Any, named: Any) -> Any:
            return connected(arguments, named)

    return engine


def _look_before_use(engine: Engine, url: URL) -> None:
    """A file that was moved or removed takes writes for as long as it is open, and nobody finds them again.

    So no connection is handed out while it is gone, and none is made, which would begin an empty log. Where
    another file has taken its place, a copy that was restored, connections to that are made.
    """
    if _is_uri(url):
        return
    was_there = False

    def gone() -> LogUnavailable:
        name = url.set(query={}).render_as_string()
        return LogUnavailable(
            f"The log {name} is not at its place any more: the file was moved or removed while it was in "
            "use. Put it back, with the files beside it that end in -wal and -shm.",
            about=name,
        )

    @event.listens_for(engine, "do_connect")
    def _make(*_: object) -> None:
        if was_there and _here(url) is None:
            raise gone()

    @event.listens_for(engine, "connect")
    def _made(_: object, record: Any) -> None:
        nonlocal was_there
        record.info[_FILE], was_there = _here(url), True

    @event.listens_for(engine, "checkout")
    def _take(_: object, record: Any, __: object) -> None:
        found = _here(url)
        if found is None:
            raise gone()
        if found != record.info[_FILE]:
            raise exc.InvalidatePoolError


def _ask_before_use(engine: Engine) -> None:
    """A server may have been started anew: a connection that it has closed is not handed out.

    The server says so on the connection itself, which costs nothing to look at; after a pause it is asked,
    which costs a round trip.
    """
    driver_error = engine.dialect.loaded_dbapi.Error

    @event.listens_for(engine, "checkin")
    def _put_back(_: Any, record: Any) -> None:
        record.info[_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _take(connection: Any, record: Any, _: object) -> None:
        if _USED not in record.info or _is_fresh(connection, record.info):  # it is new, or just used
            return
        try:
            engine.dialect.do_ping(connection)
        except driver_error as error:
            raise exc.InvalidatePoolError from error


def left(connection: Connection) -> None:
    """It stays open, but nobody uses it for now."""
    connection.info[_USED] = time.monotonic()


def is_as_left(connection: Connection, url: URL) -> bool:
    """Whether a connection that was left can be used again, as far as a look can tell."""
    if url.get_backend_name() == "sqlite":
        return _is_uri(url) or _here(url) == connection.info.get(_FILE)
    return _is_fresh(connection.connection.driver_connection, connection.info)


def _is_uri(url: URL) -> bool:
    """Of SQLite's own, which says itself whether to make a file."""
    return str(url.database).startswith("file:")


def _here(url: URL) -> tuple[int, int] | None:
    """Which file is at the log's place."""
    try:
        found = os.stat(str(url.database))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_fresh(connection: Any, info: Any) -> bool:
    return time.monotonic() - info[_USED] < _RECENTLY_S and not _has_news(connection)


def _has_news(connection: Any) -> bool:
    """Whether the server has said something unasked, a farewell for instance."""
    if connection.closed:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _sqlite_settings(durable: bool) -> tuple[str, ...]:
    return (
        f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}",
        "PRAGMA foreign_keys=ON",
        "PRAGMA secure_delete=ON",  # what is forgotten is overwritten
    )


def _postgres_settings(durable: bool, timeout_s: float) -> tuple[str, ...]:
    settings = (
        f"SET lock_timeout = {int(timeout_s * 1000)}",
        "SET plan_cache_mode = force_custom_plan",  # a plan made for an empty table reads all of a full one
    )
    return settings if durable else (*settings, "SET synchronous_commit = off")
