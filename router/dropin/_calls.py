"""What routed calls share, blocking or not: routes, decisions by message, the record of answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import anthropic

from ...classifier.errors import CallError, InvalidRequest
from ..decision import Decision
from ..router import Router
from ..run import Attempt, Request, Usage, usage_of
from ..run._faults import failure_of
from ..run._message import wrong_in
from ..run._usage import NO_USAGE, is_at_list_price
from ..wire import Routed, Routes, Seen, listed
from ._asked import Asked

_MAX_DECISIONS = 10_000
_OURS = "tierwise"
_LEFT_OPEN = (anthropic.NotGiven, anthropic.Omit)


class Calls:
    """Of one wrapped client and its copies. Threads may share it."""

    def __init__(self, router: Router, *, with_system: bool) -> None:
        self.routes = Routes(router, with_system=with_system, while_called=True)
        self._decisions: OrderedDict[str, Decision] = OrderedDict()
        self._lock = threading.Lock()

    def decision_of(self, message_id: str) -> Decision | None:
        with self._lock:
            return self._decisions.get(message_id)

    def remember(self, message_id: str | None, decision: Decision) -> None:
        if isinstance(message_id, str):
            with self._lock:
                self._decisions[message_id] = decision
                while len(self._decisions) > _MAX_DECISIONS:
                    self._decisions.popitem(last=False)

    def route(self, given: Mapping[str, Any], client: Any) -> Routed:
        """The call that goes out. Raises InvalidTask, InvalidRequest, NotInLog."""
        request, facts = self._asked(given)
        return self.routes.route(request, facts, scope=_scope(client))

    async def aroute(self, given: Mapping[str, Any], client: Any) -> Routed:
        """`route` in asyncio."""
        request, facts = self._asked(given)
        return await self.routes.aroute(request, facts, scope=_scope(client))

    def counted(self, given: Mapping[str, Any]) -> Routed:
        """`count_tokens` for the tier that would be chosen."""
        return self.routes.counted(*self._asked(given))

    def answered(self, asked: Asked, message: Any, request: Any) -> Attempt:
        """A message is here; it carries the decision."""
        is_message = isinstance(message, anthropic.types.Message)
        if is_message:
            attach(message, asked.routed.decision)
        if not is_message or wrong_in(message) is not None:
            # the caller gets it as the SDK read it, a page of a proxy as its text; what it used, nobody knows
            return self._attempt(asked, request, is_whole=False)
        self.remember(message.id, asked.routed.decision)
        listed_price = is_at_list_price(message.usage)
        return self._attempt(asked, request, usage_of(message), message.stop_reason, is_priced=listed_price)

    def seen(self, asked: Asked, seen: Seen, request: Any) -> Attempt:
        """A body has been read, to its end or not."""
        whole = seen.is_whole and not seen.has_error
        return self._attempt(
            asked, request, seen.usage, seen.stop_reason, is_whole=whole, is_priced=seen.is_at_list_price
        )

    def failed(self, asked: Asked, error: Exception) -> Attempt:
        """No answer came; the caller gets the SDK's own error."""
        failure = failure_of(error, Request(asked.routed.request, False, ()), 600.0)
        request = error.request if isinstance(error, anthropic.APIError) else None
        return self._attempt(asked, request, is_whole=not failure.may_be_billed, error=failure.error)

    def left(self, asked: Asked) -> Attempt:
        """Nobody waits for the answer any more: what has become of it is not known."""
        return self._attempt(asked, None, is_whole=False)

    def _attempt(
        self,
        asked: Asked,
        request: Any,
        usage: Usage = NO_USAGE,
        stop_reason: str | None = None,
        *,
        is_whole: bool = True,
        is_priced: bool = True,
        error: CallError | None = None,
    ) -> Attempt:
        """request : the last `httpx2.Request`, where it is known."""
        return self.routes.attempt(
            asked.routed,
            usage,
            stop_reason,
            n_requests=asked.n_requests(request),
            is_whole=is_whole,
            is_exact=asked.is_exact and is_priced,
            error=error,
        )

    def record(self, asked: Asked, attempt: Attempt) -> None:
        self.routes.record(asked.routed, attempt)

    async def arecord(self, asked: Asked, attempt: Attempt) -> None:
        await self.routes.arecord(asked.routed, attempt)

    def record_later(self, asked: Asked, attempt: Attempt) -> None:
        """Where nothing may be awaited: a stream was dropped, a call was cancelled."""
        self.routes.record_later(asked.routed, attempt)

    def _asked(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arguments of the SDK that were given, and facts."""
        request = {name: each for name, each in given.items() if not isinstance(each, _LEFT_OPEN)}
        facts = request.pop(_OURS, None) or {}
        if not isinstance(facts, Mapping):
            raise InvalidRequest(
                f'tierwise= takes a mapping of facts, such as {{"task_type": "faq"}}; got {facts!r:.80}.',
                about=_OURS,
            )
        facts = dict(facts)
        if facts.get("follows") is not None:
            facts["follows"] = self._followed(facts["follows"])
        return listed(request), facts

    def _followed(self, follows: Any) -> Decision | str:
        """The decision where it is known, else the id, which the log may know."""
        if isinstance(follows, Decision):
            return follows
        if isinstance(follows, str):
            return self.decision_of(follows) or follows
        found = getattr(follows, _OURS, None) or self.decision_of(str(getattr(follows, "id", "")))
        if not isinstance(found, Decision):
            raise InvalidRequest(
                "follows must be a message that this client has routed, a decision, or the id of either; got "
                f"{type(follows).__name__}.",
                about="follows",
            )
        return found


def attach(found: Any, decision: Decision) -> None:
    """As pydantic keeps what it caches of a model: no field, so neither sent, dumped nor compared."""
    vars(found)[_OURS] = decision


def _scope(client: Any) -> str:
    """Accounts have caches of their own."""
    return f"{client.base_url} {client.api_key or client.auth_token or ''}"
