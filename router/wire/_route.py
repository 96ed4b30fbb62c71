"""A request in, a decision and the request for its tier out; what its answer used back into the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ...classifier.errors import CallError, NoTierFits
from ...classifier.task import Task
from ..decision import Decision
from ..ladder import Ladder, Rung
from ..predict import predict_tier
from ..router import Router
from ..run import Attempt, Usage, usage_cost_usd
from ..run._call import status_of
from ._facts import FOLLOWS
from ._prefix import Conversations, Known, asks_for_cache
from ._read import task_of_request
from ._shape import reshaped
from ._tokens import prompt_tokens, tokens_in

T = TypeVar("T")
BROKEN_OFF = "broken_off"


class Routed(NamedTuple):
    """A request that has its tier.

    request : as its model takes it. needs_stream, left_out : see `Shaped`.
    beginnings : of its conversation. started_s : `time.perf_counter()` when it was decided.
    """

    decision: Decision
    rung: Rung
    request: dict[str, Any]
    needs_stream: bool
    left_out: tuple[str, ...]
    beginnings: list[bytes]
    started_s: float


class Routes:
    """Of one router; remembers which tier has which conversation in its prompt cache. Threads may share it.

    with_system : the system prompt is part of what is asked.
    """

    def __init__(
        self, router: Router, *, with_system: bool = False, conversations: Conversations | None = None
    ) -> None:
        self.router, self._with_system = router, with_system
        self.conversations = Conversations() if conversations is None else conversations

    def route(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None, *, scope: str = ""
    ) -> Routed:
        """Decide, log, and reshape. `facts` may have `follows`; caches of one `scope` are apart.

        Raises InvalidTask, NotInLog where `follows` is an unknown id.
        """
        beginnings = self.conversations.beginnings(request, scope)
        task = self._task(request, facts, beginnings)
        follows = (facts or {}).get(FOLLOWS)
        try:
            decision = self.router.decide(task, follows=follows)
        except NoTierFits:
            if "input_tokens" in (facts or {}):
                raise
            # our estimate must not refuse what may fit: the service knows
            decision = self.router.decide(
                task_of_request(request, facts, known={"input_tokens": None}, with_system=self._with_system),
                follows=follows,
            )
        return _routed(decision, request, beginnings)

    def counted(self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
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
        return _routed(decision, request, []).request

    def attempt(
        self,
        routed: Routed,
        usage: Usage,
        stop_reason: str | None,
        *,
        n_requests: int = 1,
        is_whole: bool = True,
        error: CallError | None = None,
    ) -> Attempt:
        """What an answer took, or how it failed; `is_whole` is False where it broke off or was left alone.

        What it says of the prompt cache is remembered.
        """
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
            cost_is_exact=is_whole,
            stop_reason=stop_reason,
            left_out=routed.left_out,
            error=error,
        )

    def record(self, routed: Routed, attempt: Attempt) -> None:
        """Write it to the router's log, where it has one."""
        self.router._running()._ended(routed.decision, attempt)

    async def beside(self, call: Callable[[], T]) -> T:
        """The call's result; where it may write to a log, beside the event loop."""
        return await self.router._running().beside(call)

    def record_later(self, routed: Routed, attempt: Attempt) -> None:
        """`record`, by the thread that writes for `beside`; closing the router waits for it."""
        writer = self.router._running()._writer
        if writer is None:
            self.record(routed, attempt)
        else:
            writer.submit(self.record, routed, attempt)

    def _task(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None, beginnings: list[bytes]
    ) -> Task:
        known = self.conversations.known(beginnings)
        ladder = self._ladder()
        found: dict[str, Any] = {"input_tokens": _prompt_tokens(request, known)}
        if known.cached and asks_for_cache(request):
            tier, tokens = _cheapest(known, found["input_tokens"], ladder)
            if tier is not None:
                found |= {"session_tier": tier, "cached_tokens": min(tokens, found["input_tokens"])}
        return task_of_request(request, facts, known=found, with_system=self._with_system)

    def _ladder(self) -> Ladder:
        from ..predict import _Engine

        return _Engine.of(self.router.model, self.router.policy).ladder


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
    ladder = decision.evidence.ladder
    rung = ladder.rungs[ladder.index(decision.tier)]
    shaped = reshaped(request, rung)
    return Routed(decision, rung, *shaped, beginnings, time.perf_counter())
