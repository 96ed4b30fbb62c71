"""A request in, a decision and the request for its tier out; what its answer used back into the log."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ...classifier.errors import CallError, NoTierFits
from ...classifier.task import Task
from .._deciding import reads_log, unlogged
from .._plain import read_of
from .._prompt_tokens import prompt_tokens, tokens_in
from ..decision import Decision
from ..ladder import Ladder, Rung
from ..predict import predict_tier
from ..router import Router
from ..run import Attempt, Usage, usage_cost_usd
from ..run._call import status_of
from ..run._retired import Retired
from ..run._routed import Entries
from ..run._successor import successor_of
from ._facts import FOLLOWS
from ._prefix import Conversations, Known, asks_for_cache
from ._read import task_of_request
from ._shape import reshaped

BROKEN_OFF = "broken_off"


class Routed(NamedTuple):
    """A request that has its tier.

    rung : whose shape and prices the request has. request : as its model takes it; given : as it came.
    needs_stream, left_out : see `Shaped`. is_priced : see `Successor`.
    beginnings : of its conversation. started_s : `time.perf_counter()` when it was decided.
    entries : of the log, where they are written while the call is under way.
    retired_as : the name by which its model is known to be retired. has_asked_retired : before this one.
    """

    decision: Decision
    rung: Rung
    given: Mapping[str, Any]
    request: dict[str, Any]
    needs_stream: bool
    left_out: tuple[str, ...]
    beginnings: list[bytes]
    started_s: float
    entries: Entries | None = None
    is_priced: bool = True
    retired_as: bytes = b""
    has_asked_retired: bool = False


class Routes:
    """Of one router; remembers which tier has which conversation in its prompt cache. Threads may share it.

    with_system : the system prompt is part of what is asked.
    while_called : the log is written by a thread of the router's while the call is under way; `record` waits
        for it. Else `route` has the decision in the log when it returns.
    """

    def __init__(
        self,
        router: Router,
        *,
        with_system: bool = False,
        conversations: Conversations | None = None,
        retired: Retired | None = None,
        while_called: bool = False,
    ) -> None:
        self.router, self._with_system, self._while_called = router, with_system, while_called
        self.conversations = Conversations() if conversations is None else conversations
        self._retired = Retired() if retired is None else retired

    def route(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None, *, scope: str = ""
    ) -> Routed:
        """Decide, log, and reshape. `facts` may have `follows`; caches of one `scope` are apart.

        Raises InvalidTask, NotInLog where `follows` is an unknown id.
        """
        read = read_of(request)
        # without a breakpoint there is no cache to lose, and no conversation to know
        beginnings = self.conversations.beginnings(read, scope) if asks_for_cache(read) else []
        task = self._task(read, facts, beginnings)
        follows = (facts or {}).get(FOLLOWS)
        try:
            decision, entries = self._decided(task, follows)
        except NoTierFits:
            if "input_tokens" in (facts or {}):
                raise
            # our estimate must not refuse what may fit: the service knows
            uncounted = {"input_tokens": None}
            task = task_of_request(read, facts, known=uncounted, with_system=self._with_system)
            decision, entries = self._decided(task, follows)
        return self._served(_routed(decision, request, beginnings)._replace(entries=entries), scope)

    async def aroute(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None, *, scope: str = ""
    ) -> Routed:
        """`route`, beside the event loop where it asks the log."""
        given = facts or {}
        kind = Task("", task_type=given.get("task_type"))
        if not reads_log(self.router, kind, given.get(FOLLOWS)):
            return self.route(request, facts, scope=scope)
        call = partial(self.route, request, facts, scope=scope)
        return await asyncio.wrap_future(self.router._running().submit(call))

    def counted(self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> Routed:
        """The request for the tier that would be chosen, to count its tokens. Nothing is logged."""
        given = {name: value for name, value in (facts or {}).items() if name != FOLLOWS}
        known = {"input_tokens": None} if "input_tokens" not in given else {}
        task = task_of_request(request, given, known=known, with_system=self._with_system)
        facts_of_task = {name: value for name, value in vars(task).items() if value not in (None, ())}
        decision = predict_tier(
            facts_of_task.pop("specification"),
            model=self.router.model,
            policy=self.router.policy,
            history=self.router.log,
            **facts_of_task,
        )
        return _routed(decision, request, [])

    def attempt(
        self,
        routed: Routed,
        usage: Usage,
        stop_reason: str | None,
        *,
        n_requests: int = 1,
        is_whole: bool = True,
        is_exact: bool = True,
        error: CallError | None = None,
    ) -> Attempt:
        """What an answer took, or how it failed; `is_whole` is False where it broke off or was left alone.

        What it says of the prompt cache is remembered. is_exact : no earlier request of the call may have
        used tokens that nobody told us of, and the ladder's prices are all that this one cost.
        """
        if usage.prompt_tokens and routed.has_asked_retired:  # the successor has answered
            self._retired.add(routed.retired_as)
        if usage.prompt_tokens and routed.beginnings:
            self.conversations.answered(routed.beginnings, str(routed.decision.tier), usage)
        cap = routed.request.get("max_tokens")
        finished = status_of(stop_reason) if is_whole else BROKEN_OFF
        return Attempt(
            number=len(routed.decision.task.attempts) + 1,
            decision_id=routed.decision.decision_id,
            tier=routed.decision.tier,
            model=routed.request["model"],
            status=finished if error is None else "error",
            max_tokens=cap if isinstance(cap, int) else 0,
            usage=usage,
            cost_usd=usage_cost_usd(routed.rung, usage),
            latency_ms=(time.perf_counter() - routed.started_s) * 1000.0,
            n_requests=n_requests,
            cost_is_exact=is_whole and is_exact and routed.is_priced,
            stop_reason=stop_reason,
            left_out=routed.left_out,
            error=error,
        )

    def record(self, routed: Routed, attempt: Attempt) -> None:
        """Write it to the router's log, where it has one; with `while_called` that is done on return."""
        if routed.entries is None:
            self.router._running().ended(routed.decision, attempt)
            if self.router._logged is not None:
                self.router._logged.settle()
        else:
            _end(routed.entries, routed.decision, attempt)
            routed.entries.wait()

    async def arecord(self, routed: Routed, attempt: Attempt) -> None:
        """`record` in asyncio, with `while_called`."""
        if routed.entries is not None:
            _end(routed.entries, routed.decision, attempt)
            await routed.entries.await_all()

    def record_later(self, routed: Routed, attempt: Attempt) -> None:
        """In a moment, where nothing can be waited for; closing the router waits for it."""
        self.router._running().ended(routed.decision, attempt)
        if self.router._logged is not None:
            self.router._logged.linger()

    def _served(self, routed: Routed, scope: str) -> Routed:
        """For the successor, where the model is known to be retired."""
        if routed.rung.replaced_by is None:
            return routed
        # hashed, because a scope holds a key
        name = hashlib.blake2b(f"{routed.rung.model} {scope}".encode(), digest_size=16).digest()
        routed = routed._replace(retired_as=name)
        found = with_successor(routed) if name in self._retired else None
        return routed if found is None else found._replace(has_asked_retired=False)

    def _decided(self, task: Task, follows: Decision | str | None) -> tuple[Decision, Entries | None]:
        if not self._while_called:
            return self.router.decide(task, follows=follows), None
        found, entries = unlogged(self.router, task, None, follows), self.router._running().entries()
        entries.decided(found.decision, found.follows)
        return found.decision, entries

    def _task(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None, beginnings: list[bytes]
    ) -> Task:
        known = self.conversations.known(beginnings)
        ladder = self._ladder()
        found: dict[str, Any] = {"input_tokens": _prompt_tokens(request, known)}
        if known.cached:
            tier, tokens = _cheapest(known, found["input_tokens"], ladder)
            if tier is not None:
                found |= {"session_tier": tier, "cached_tokens": min(tokens, found["input_tokens"])}
        return task_of_request(request, facts, known=found, with_system=self._with_system)

    def _ladder(self) -> Ladder:
        from .._engine import Engine

        return Engine.of(self.router.model, self.router.policy).ladder


def with_successor(routed: Routed) -> Routed | None:
    """For the model that the ladder names in place of a retired one, in its own shape; None without one."""
    successor = successor_of(routed.rung, routed.decision.evidence.ladder)
    if successor is None or routed.rung != _rung_of(routed.decision):
        return None  # a successor has none of its own
    shaped = reshaped(routed.given, successor.rung)
    return routed._replace(
        rung=successor.rung, is_priced=successor.is_priced, has_asked_retired=True, **shaped._asdict()
    )


def _end(entries: Entries, decision: Decision, attempt: Attempt) -> None:
    hooks = entries.hooks()
    if hooks is not None and hooks.on_end is not None:
        hooks.on_end(decision, attempt)


def _prompt_tokens(request: Mapping[str, Any], known: Known) -> int:
    """As the service counted the beginning, and estimated from there on."""
    messages = request.get("messages")
    if not known.n_messages or not isinstance(messages, list | tuple):
        return prompt_tokens(request)
    return known.prompt_tokens + tokens_in(messages[known.n_messages :])


def _cheapest(known: Known, input_tokens: int, ladder: Ladder) -> tuple[str | None, int]:
    """Of the tiers that have the conversation cached, the one that reads the whole prompt for least."""
    costs = {}
    for rung in ladder.rungs:
        cached = known.cached.get(rung.tier)
        if cached is not None:
            tokens = min(cached.tokens, input_tokens)
            usage = Usage(cache_read_tokens=tokens, cache_write_5m_tokens=input_tokens - tokens)
            costs[rung.tier] = usage_cost_usd(rung, usage)
    if not costs:
        return None, 0
    tier = min(costs, key=costs.__getitem__)
    return tier, known.cached[tier].tokens


def _routed(decision: Decision, request: Mapping[str, Any], beginnings: list[bytes]) -> Routed:
    rung = _rung_of(decision)
    return Routed(decision, rung, request, *reshaped(request, rung), beginnings, time.perf_counter())


def _rung_of(decision: Decision) -> Rung:
    ladder = decision.evidence.ladder
    return ladder.rungs[ladder.index(decision.tier)]
