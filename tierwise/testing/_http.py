"""HTTP/1.1 on loopback: h11 over asyncio, so that connections can be reset and bodies cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..classifier.errors import MissingExtra

_READ_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: close sends RST


class Received(NamedTuple):
    """A request, and whether its client is still there."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    has_left: Callable[[], bool]


@dataclass(frozen=True)
class Reply:
    """What is sent: a body in one piece with its length, or pieces as they come."""

    status: int = 200
    body: bytes = b""
    pieces: Iterable[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    ending: Literal["whole", "cut", "reset"] = "whole"


Respond = Callable[[Received], Awaitable[Reply]]


async def serve(respond: Respond, ready: Callable[[int], None], until: asyncio.Event) -> None:
    """Serve a free port of 127.0.0.1 until told to stop."""
    h11 = _h11()
    open_: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_.add(task)
        try:
            await _converse(h11, respond, reader, writer)
        except (ConnectionError, h11.ProtocolError, asyncio.CancelledError):
            pass  # the client left, or the server stops
        finally:
            open_.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=4096)
    ready(server.sockets[0].getsockname()[1])
    await until.wait()
    server.close()
    for task in tuple(open_):
        task.cancel()
    await asyncio.gather(*open_, return_exceptions=True)


def _h11() -> Any:
    try:
        import h11
    except ModuleNotFoundError as error:
        raise MissingExtra("h11", "testing") from error
    return h11


async def _converse(
    h11: Any, respond: Respond, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    connection = h11.Connection(h11.SERVER)
    while True:
        received = await _receive(h11, connection, reader)
        if received is None:
            return
        reply = await respond(received)
        if reply.ending == "reset":
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return
        async for data in _sent(h11, connection, reply):
            writer.write(data)
            await writer.drain()
        if reply.ending == "cut" or connection.our_state is not h11.DONE:
            if writer.can_write_eof():
                writer.write_eof()  # what was written arrives before the end
            await reader.read()  # until the client hangs up
            return
        connection.start_next_cycle()


async def _receive(h11: Any, connection: Any, reader: asyncio.StreamReader) -> Received | None:
    """The next request; None where the client has hung up."""
    head, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                raise ConnectionError("no client of ours asks for 100-continue")
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            headers = {name.decode().lower(): value.decode() for name, value in head.headers}
            return Received(head.method.decode(), head.target.decode(), headers, body, reader.at_eof)
        else:
            return None


async def _sent(h11: Any, connection: Any, reply: Reply) -> AsyncIterator[bytes]:
    headers = [("content-type", reply.content_type), *reply.headers.items()]
    length = ("content-length", str(len(reply.body)))
    headers.append(length if reply.pieces is None else ("transfer-encoding", "chunked"))
    yield connection.send(h11.Response(status_code=reply.status, headers=headers))
    cut = reply.ending == "cut"
    if reply.pieces is not None:
        for piece in reply.pieces:
            yield connection.send(h11.Data(data=piece))
            await asyncio.sleep(0)  # other connections have their turn
    else:
        yield connection.send(h11.Data(data=reply.body[: len(reply.body) // 2] if cut else reply.body))
    if not cut:
        yield connection.send(h11.EndOfMessage())
