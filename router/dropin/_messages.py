"""`client.messages` with routing: the SDK's own resource, asked for another model."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import anthropic
from anthropic.lib.streaming import AsyncMessageStreamManager, MessageStreamManager

from ..wire import Routed, is_auto, with_successor
from ._asked import Asked
from ._calls import Calls, attach
from ._post import _asked_raw, aposting, posting

_OURS = "tierwise"
_NEEDED = ("max_tokens", "messages")


def routed_messages(base: type[Any], client: Any, calls: Calls) -> Any:
    """An instance of a subclass of the client's own kind of messages."""
    made: Any = _routed_class(base)(client)  # type: ignore[arg-type]
    made._calls, made._base = calls, base
    return made


@lru_cache(maxsize=32)
def _routed_class(base: type[Any]) -> Any:
    ours = _Async if issubclass(base, anthropic.resources.AsyncMessages) else _Blocking
    return type(f"Routed{base.__name__}", (ours, base), {"__module__": __name__, "__doc__": base.__doc__})


def _without_ours(given: dict[str, Any]) -> dict[str, Any]:
    """Facts are for calls that are routed, so that a model's name can be put in place of "auto"."""
    return {name: each for name, each in given.items() if name != _OURS}


def _is_routed(given: dict[str, Any]) -> bool:
    return is_auto(given.get("model"))


class _Blocking:
    _calls: Calls
    _base: type[Any]
    _client: Any

    def create(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return super().create(**_without_ours(given))  # type: ignore[misc]
        routed = self._calls.route(given, self._client)
        if _must_stream(routed, self._client):
            with self._sdk(routed).stream(**_for_stream(routed)) as stream:
                return _kept(routed, stream.get_final_message())
        return self._sdk(routed).create(**routed.request)

    def parse(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return super().parse(**_without_ours(given))  # type: ignore[misc]
        routed = self._calls.route(given, self._client)
        return self._sdk(routed).parse(**routed.request)

    def stream(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return super().stream(**_without_ours(given))  # type: ignore[misc]
        return RoutedStreamManager(self, given)

    def count_tokens(self, **given: Any) -> Any:
        if not _is_routed(given) or "messages" not in given:
            return super().count_tokens(**_without_ours(given))  # type: ignore[misc]
        routed = self._calls.counted(given)
        try:
            return super().count_tokens(**routed.request)  # type: ignore[misc]
        except anthropic.NotFoundError as error:
            return super().count_tokens(**_of_successor(routed, error))  # type: ignore[misc]

    def _sdk(self, routed: Routed) -> Any:
        asked = Asked(routed)
        resource = self._base(self._client._tierwise_asking(asked))
        resource._post = posting(self._calls, asked, resource._post)
        return resource


class _Async:
    _calls: Calls
    _base: type[Any]
    _client: Any

    async def create(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return await super().create(**_without_ours(given))  # type: ignore[misc]
        routed = await self._route(given)
        if _must_stream(routed, self._client):
            async with self._sdk(routed).stream(**_for_stream(routed)) as stream:
                return _kept(routed, await stream.get_final_message())
        return await self._sdk(routed).create(**routed.request)

    async def parse(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return await super().parse(**_without_ours(given))  # type: ignore[misc]
        routed = await self._route(given)
        return await self._sdk(routed).parse(**routed.request)

    def stream(self, **given: Any) -> Any:
        if not _is_routed(given) or not _is_whole(given):
            return super().stream(**_without_ours(given))  # type: ignore[misc]
        return AsyncRoutedStreamManager(self, given)

    async def count_tokens(self, **given: Any) -> Any:
        if not _is_routed(given) or "messages" not in given:
            return await super().count_tokens(**_without_ours(given))  # type: ignore[misc]
        routed = await asyncio.to_thread(self._calls.counted, given)
        try:
            return await super().count_tokens(**routed.request)  # type: ignore[misc]
        except anthropic.NotFoundError as error:
            return await super().count_tokens(**_of_successor(routed, error))  # type: ignore[misc]

    async def _route(self, given: dict[str, Any]) -> Routed:
        return await self._calls.aroute(given, self._client)

    def _sdk(self, routed: Routed) -> Any:
        asked = Asked(routed)
        resource = self._base(self._client._tierwise_asking(asked))
        resource._post = aposting(self._calls, asked, resource._post)
        return resource


class RoutedStreamManager(MessageStreamManager[Any]):  # type: ignore[misc]
    """Routes when it is entered, as the SDK sends then."""

    def __init__(self, messages: Any, given: dict[str, Any]) -> None:
        self._messages, self._given = messages, given
        self._inner: Any = None

    def __enter__(self) -> Any:
        routed = self._messages._calls.route(self._given, self._messages._client)
        self._inner = self._messages._sdk(routed).stream(**_for_stream(routed))
        return _carrying(self._inner.__enter__(), routed)

    def __exit__(self, *raised: Any) -> None:
        if self._inner is not None:
            self._inner.__exit__(*raised)


class AsyncRoutedStreamManager(AsyncMessageStreamManager[Any]):  # type: ignore[misc]
    """The same in asyncio."""

    def __init__(self, messages: Any, given: dict[str, Any]) -> None:
        self._messages, self._given = messages, given
        self._inner: Any = None

    async def __aenter__(self) -> Any:
        routed = await self._messages._route(self._given)
        self._inner = self._messages._sdk(routed).stream(**_for_stream(routed))
        return _acarrying(await self._inner.__aenter__(), routed)

    async def __aexit__(self, *raised: Any) -> None:
        if self._inner is not None:
            await self._inner.__aexit__(*raised)


def _carrying(stream: Any, routed: Routed) -> Any:
    """The stream, and the message that it ends in, with the decision."""
    attach(stream, routed.decision)
    final, decision = type(stream).get_final_message, routed.decision

    def get_final_message() -> Any:
        message = final(stream)
        attach(message, decision)
        return message

    stream.get_final_message = get_final_message
    return stream


def _acarrying(stream: Any, routed: Routed) -> Any:
    attach(stream, routed.decision)
    final, decision = type(stream).get_final_message, routed.decision

    async def get_final_message() -> Any:
        message = await final(stream)
        attach(message, decision)
        return message

    stream.get_final_message = get_final_message
    return stream


def _kept(routed: Routed, message: Any) -> Any:
    attach(message, routed.decision)
    return message


def _is_whole(given: dict[str, Any]) -> bool:
    """Without these the SDK has an error to raise, and nothing is decided."""
    return all(name in given for name in _NEEDED)


def _must_stream(routed: Routed, client: Any) -> bool:
    """Whether the SDK would refuse to wait for so many tokens; a raw response can't be had from a stream."""
    request = routed.request
    if not routed.needs_stream or request.get("stream") or "timeout" in request:
        return False
    _, is_plain = _asked_raw({"options": {"headers": request.get("extra_headers") or {}}})
    return is_plain and bool(client.timeout == anthropic.DEFAULT_TIMEOUT)


def _of_successor(routed: Routed, error: Exception) -> dict[str, Any]:
    """The request to count, for the model in place of a retired one; without one, the error."""
    found = with_successor(routed)
    if found is None:
        raise error
    return found.request


def _for_stream(routed: Routed) -> dict[str, Any]:
    return {name: each for name, each in routed.request.items() if name != "stream"}
