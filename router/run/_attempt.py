"""One attempt: the request in the rung's shape, the call, the check, and the hooks around them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ...classifier.errors import CallError, CallInterrupted
from ..decision import Decision
from ..ladder import Rung
from ._call import COMPLETED, Answered
from ._check import NOT_RUN, Check, CheckResult, Surroundings, check_steps
from ._grade import text_of
from ._request import Options, Request, build_request
from ._result import Attempt, Begun, Hooks
from ._steps import Interrupt, Steps, Tell, add_spent
from ._successor import answer_steps


class Tried(NamedTuple):
    """An attempt that ended in a message, whatever it is worth."""

    attempt: Attempt
    message: Any
    text: str


def attempt_steps(
    number: int, decision: Decision, options: Options, check: Check | None, hooks: Hooks, around: Surroundings
) -> Steps[Tried]:
    """Try the decision's tier once. Raises CallError with the attempt as its `attempts`."""
    rung = around.ladder.rungs[around.ladder.index(decision.tier)]
    request = build_request(decision.task, rung, options)
    begun = Begun(number, decision.decision_id, decision.tier, rung.model, request.max_tokens)
    if hooks.on_begin is not None:
        yield Tell(hooks.on_begin, (decision, begun))
    try:
        answered, request = yield from answer_steps(request, rung, options, decision.task, around)
    except CallError as error:
        attempt = _attempt(begun, request, error=error)
        error.attempts = (attempt,)
        yield from _ended(hooks, decision, attempt)
        raise
    except Interrupt as stop:
        yield from _ended(hooks, decision, _attempt(begun, request, error=_interrupted(stop, rung)))
        raise
    text, found = text_of(answered.message), None
    if check is not None and answered.status == COMPLETED:
        try:
            found = yield from check_steps(check, text, around)
        except Interrupt as stop:
            yield from _ended(hooks, decision, _attempt(begun, request, answered, _unfinished(check, stop)))
            raise
    attempt = _attempt(begun, request, answered, found)
    yield from _ended(hooks, decision, attempt)
    if hooks.on_outcome is not None and attempt.verdict is not None:
        yield Tell(hooks.on_outcome, (decision, attempt.verdict, attempt.said))
    return Tried(attempt, answered.message, text)


def _ended(hooks: Hooks, decision: Decision, attempt: Attempt) -> Steps[None]:
    if hooks.on_end is not None:
        yield Tell(hooks.on_end, (decision, attempt))


def _attempt(
    begun: Begun,
    request: Request,
    answered: Answered | None = None,
    check: CheckResult | None = None,
    *,
    error: CallError | None = None,
) -> Attempt:
    base = Attempt(
        begun.number,
        begun.decision_id,
        begun.tier,
        request.kwargs["model"],
        "error",
        begun.max_tokens,
        left_out=request.left_out,
    )
    if answered is None:
        assert error is not None
        return replace(
            base,
            cost_usd=error.cost_usd,
            n_requests=error.n_requests,
            cost_is_exact=error.cost_is_exact,
            error=error,
        )
    return replace(
        base,
        status=answered.status,
        usage=answered.usage,
        cost_usd=answered.cost_usd,
        latency_ms=answered.latency_ms,
        n_requests=answered.n_requests,
        cost_is_exact=answered.cost_is_exact and (check is None or check.cost_is_exact),
        stop_reason=answered.message.stop_reason,
        check=check,
    )


def _interrupted(stop: Interrupt, rung: Rung) -> CallError:
    error = CallInterrupted("The caller left before the answer came.", about=rung.model)
    add_spent(error, stop.n_requests, stop.cost_usd, stop.cost_is_exact)
    return error


def _unfinished(check: Check, stop: Interrupt) -> CheckResult:
    return CheckResult(
        check.name,
        NOT_RUN,
        "interrupted",
        stop.cost_usd,
        n_requests=stop.n_requests,
        cost_is_exact=stop.cost_is_exact,
    )
