"""A request's body as JSON, and what it asks for; each value is checked where it is used."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request

from ....classifier.errors import InvalidTask
from ....classifier.task import Task
from .._answers import Refused


async def object_of(request: Request, *, kind: str = "invalid_task") -> dict[str, Any]:
    """Raises Refused for what is no JSON object."""
    try:
        body = orjson.loads(await _bytes_of(request))
    except orjson.JSONDecodeError as error:
        told = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise Refused(400, told) from None
    if not isinstance(body, dict):
        raise Refused(422, f"Send a JSON object; got {_kind(body)}.", kind=kind)
    return body


async def _bytes_of(request: Request) -> bytes:
    parts, is_more = [], True
    while is_more:
        message = await request.receive()
        parts.append(message.get("body", b""))
        is_more = message.get("more_body", False)
    return b"".join(parts)


def listed(body: dict[str, Any], name: str, most: int, *, kind: str) -> list[Any]:
    """The list under this name, with nothing beside it. Raises Refused."""
    rows = body[name]
    if len(body) > 1:
        beside = next(key for key in body if key != name)
        told = f"{name!r} stands alone; what is beside it ({beside!r}) goes into each of its objects."
        raise Refused(422, told, kind=kind)
    if not isinstance(rows, list):
        raise Refused(422, f"{name!r} must be a list of objects; got {_kind(rows)}.", kind=kind)
    if len(rows) > most:
        raise Refused(413, f"At most {most:,} {name} a request; got {len(rows):,}. Send them in parts.")
    return rows


def one_task(row: Any) -> Task:
    """Raises InvalidTask."""
    if isinstance(row, str):
        return Task.of_text(row)
    if not isinstance(row, dict):
        raise InvalidTask(f"A task is an object with a 'specification', or a text; got {_kind(row)}.")
    if len(row) == 1 and "specification" in row:
        return Task.of_text(row["specification"])
    return Task.from_mapping(row)


def many_tasks(rows: list[Any]) -> list[Task]:
    """Raises InvalidTask, naming the position."""
    tasks: list[Task] = []
    try:
        for row in rows:
            tasks.append(one_task(row))
    except InvalidTask as error:
        error.args = (f"Task {len(tasks)}: {error}",)
        raise
    return tasks


def task_with(body: dict[str, Any], *beside: str) -> tuple[Task, dict[str, Any]]:
    """The task, and those of the named values that were given with it. Raises InvalidTask."""
    if len(body) == 1:  # most are a text alone
        return one_task(body), {}
    given = {name: body.pop(name) for name in beside if name in body}
    return one_task(body), {name: value for name, value in given.items() if value is not None}


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
