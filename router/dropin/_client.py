"""Clients of the SDK with routed messages: real subclasses, that pass wherever a client is asked for."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import anthropic

from ...classifier.errors import InvalidRequest, NotInLog
from ..decision import Decision
from ..router import Router
from ._asked import Asked, NotesFailures
from ._calls import Calls
from ._messages import routed_messages


class RoutedClient:
    """What a wrapped client has beside the SDK's."""

    _tierwise_calls: Calls
    _sdk_class: type[Any]

    @property
    def router(self) -> Router:
        """It decides, and its log has what became of it."""
        return self._tierwise_calls.routes.router

    def decision_of(self, message: Any) -> Decision:
        """The decision behind a message, a stream, a raw response, an event or the id of a message.

        Raises NotInLog for one that this client has not routed, or so long ago that it is forgotten.
        """
        return _decision(self._tierwise_calls, message)

    @cached_property
    def messages(self) -> Any:
        base = super().messages  # type: ignore[misc]
        return routed_messages(type(base), self, self._tierwise_calls)

    def copy(self, **options: Any) -> Any:
        """As the SDK's, routed by the same router."""
        return _routed(self._tierwise_copy(**options), self._tierwise_calls)

    def _tierwise_asking(self, asked: Asked) -> Any:
        """The SDK's own client, for one call."""
        return self._tierwise_copy(middleware=[*self.middleware, NotesFailures(asked)])  # type: ignore[attr-defined]

    def _tierwise_copy(self, **options: Any) -> Any:
        """By a client of the SDK's own class: those of others don't pass their credentials on."""
        return _twin(self, self._sdk_class).copy(**options)

    with_options = copy


class _Blocking(RoutedClient):
    def record_outcome(self, message: Any, verdict: str, **said: Any) -> Any:
        """What a person, a check or a later step said of a message; see `Router.record_outcome`."""
        return self.router.record_outcome(self.decision_of(message), verdict, **said)


class _Async(RoutedClient):
    async def record_outcome(self, message: Any, verdict: str, **said: Any) -> Any:
        """What a person, a check or a later step said of a message; see `Router.record_outcome`."""
        return await self.router.arecord_outcome(self.decision_of(message), verdict, **said)


def wrapped(client: Any, router: Router, *, with_system: bool) -> Any:
    """Raises InvalidRequest."""
    if not isinstance(client, anthropic.Anthropic | anthropic.AsyncAnthropic):
        raise InvalidRequest(
            "wrap needs an anthropic.Anthropic or AsyncAnthropic (a made client, not the class); "
            f"got {client!r:.80}.",
            about="client",
        )
    if isinstance(client, RoutedClient):
        raise InvalidRequest("This client is wrapped already.", about="client")
    try:
        client.copy()
    except TypeError as error:
        raise InvalidRequest(
            f"wrap needs a client whose with_options() works; that of {type(client).__name__} raises "
            f"TypeError: {error}. Give it a copy() that knows the arguments of its constructor.",
            about="client",
        ) from error
    return _routed(client, Calls(router, with_system=with_system))


def _routed(client: Any, calls: Calls) -> Any:
    made = _twin(client, _routed_class(type(client)))  # type: ignore[arg-type]
    made._tierwise_calls = calls
    return made


def _twin(client: Any, kind: type[Any]) -> Any:
    """With all that the client has, its connections too; its resources, which ask it alone, are made anew."""
    made = object.__new__(kind)
    own = {name: each for name, each in vars(client).items() if getattr(each, "_client", None) is not client}
    own.pop("_tierwise_calls", None)
    vars(made).update(own)
    return made


@lru_cache(maxsize=32)
def _routed_class(base: type[Any]) -> Any:
    ours = _Async if issubclass(base, anthropic.AsyncAnthropic) else _Blocking
    return type(
        f"Routed{base.__name__}",
        (ours, base),
        {"__module__": __name__, "__doc__": base.__doc__, "_sdk_class": base},
    )


def _decision(calls: Calls, message: Any) -> Decision:
    found = getattr(message, "tierwise", None)
    if isinstance(found, Decision):
        return found
    message = getattr(message, "message", message)  # of an event
    message_id = message if isinstance(message, str) else getattr(message, "id", None)
    known = calls.decision_of(message_id) if isinstance(message_id, str) else None
    if known is None:
        raise NotInLog(
            f"This client has routed no message {message_id!r}, or it is forgotten. Keep message.tierwise, "
            "and report to client.router.",
            about=message_id,
        )
    return known
