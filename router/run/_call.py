"""One answer of one rung: requests, retries, waits, within a deadline. Written once, for both worlds."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...classifier.errors import CallError
from ..ladder import Rung
from ._faults import Failure, broken_off, failure_of, not_a_message
from ._limits import Limits
from ._message import wrong_in, wrong_in_usage
from ._request import Request
from ._steps import Interrupt, Outside, Send, Sent, Sleep, Steps, add_spent
from ._usage import Usage, is_at_list_price, usage_cost_usd, usage_of

MAX_BACKOFF_S = 8.0  # as the SDK has it
_JITTER = 0.25

COMPLETED, CUT_OFF, REFUSED = "completed", "cut_off", "refused"
_STATUS = {
    "end_turn": COMPLETED,
    "stop_sequence": COMPLETED,
    "tool_use": COMPLETED,
    "max_tokens": CUT_OFF,
    "model_context_window_exceeded": CUT_OFF,
    "refusal": REFUSED,
}


class Answered(NamedTuple):
    """A message and what it took: all requests together, those that failed included.

    status : "completed", "cut_off", "refused", or a stop reason that we don't know, as it is.
    cost_is_exact : False where a request failed in a way that may have used tokens nobody told us of, where a
        successor answered whose prices aren't in the ladder, or where more is charged than tokens at its
        prices; see `is_at_list_price`.
    """

    message: Any
    status: str
    usage: Usage
    cost_usd: float
    n_requests: int
    latency_ms: float
    cost_is_exact: bool

    def after(self, refused: CallError | None, *, is_priced: bool) -> Answered:
        """With what a model took that refused before, if it was asked. is_priced : the prices are those of
        the model."""
        if refused is None:
            return self._replace(cost_is_exact=self.cost_is_exact and is_priced)
        return self._replace(
            n_requests=self.n_requests + refused.n_requests,
            cost_usd=self.cost_usd + refused.cost_usd,
            cost_is_exact=self.cost_is_exact and refused.cost_is_exact and is_priced,
        )


class Spent(NamedTuple):
    """What requests have used so far."""

    usage: Usage = Usage()
    cost_usd: float = 0.0
    n_requests: int = 0
    is_exact: bool = True

    def after(self, rung: Rung, message: Any | None, *, may_be_billed: bool) -> Spent:
        told = message is not None and wrong_in_usage(message.usage) is None
        usage = usage_of(message) if told else Usage()
        may_be_billed |= told and not is_at_list_price(message.usage)  # type: ignore[union-attr]
        cost = usage_cost_usd(rung, usage)
        exact = self.is_exact and not may_be_billed
        return Spent(self.usage + usage, self.cost_usd + cost, self.n_requests + 1, exact)

    def add_to(self, error: CallError | Interrupt) -> None:
        add_spent(error, self.n_requests, self.cost_usd, self.is_exact)


def status_of(stop_reason: str | None) -> str:
    """What a stop reason means for the task; unknown ones are kept as they are."""
    return _STATUS.get(stop_reason or "", stop_reason or "unknown")


def call_steps(request: Request, rung: Rung, limits: Limits, outside: Outside) -> Steps[Answered]:
    """Ask until there is a whole answer. Raises a CallError with what was spent; an Interrupt has it, too."""
    started_s = outside.now_s()
    ends_s = started_s + limits.deadline_s
    spent = Spent()
    while True:
        timeout_s = min(limits.timeout_s, max(ends_s - outside.now_s(), 0.001))
        try:
            sent: Sent = yield Send(request, timeout_s)
        except Interrupt as stop:
            spent.after(rung, stop.partial, may_be_billed=True).add_to(stop)
            raise
        failure = _failure(sent, request, timeout_s)
        if failure is None:
            spent = spent.after(rung, sent.message, may_be_billed=False)
            latency_ms = (outside.now_s() - started_s) * 1000.0
            status = status_of(sent.message.stop_reason)  # type: ignore[union-attr]
            usage, cost_usd, n_requests, is_exact = spent
            return Answered(sent.message, status, usage, cost_usd, n_requests, latency_ms, is_exact)
        spent = spent.after(rung, sent.partial, may_be_billed=failure.may_be_billed)
        pause_s = wait_s(failure.error, spent.n_requests, limits, outside.chance())
        if (
            not failure.may_pass
            or spent.n_requests > limits.max_retries
            or outside.now_s() + pause_s >= ends_s
        ):
            spent.add_to(failure.error)
            raise failure.error
        try:
            yield Sleep(pause_s)
        except Interrupt as stop:
            spent.add_to(stop)
            raise


def _failure(sent: Sent, request: Request, timeout_s: float) -> Failure | None:
    if sent.error is not None:
        return failure_of(sent.error, request, timeout_s)
    if sent.message is None and request.stream:  # no event of a message came
        return broken_off(request)
    wrong = wrong_in(sent.message)
    if wrong is not None:
        return not_a_message(request, wrong)
    return broken_off(request) if sent.message.stop_reason is None else None  # type: ignore[union-attr]


def wait_s(error: CallError, n_requests: int, limits: Limits, chance: float) -> float:
    """What the service asks for, within our bound; else twice as long each time, less up to a quarter."""
    if error.retry_after_s is not None:
        return min(error.retry_after_s, limits.max_retry_after_s)
    doubled = min(limits.first_backoff_s * 2.0 ** (n_requests - 1), MAX_BACKOFF_S)
    return min(doubled * (1.0 - _JITTER * chance), limits.max_retry_after_s)
