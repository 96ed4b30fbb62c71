"""Runs a decision: try its tier, check the answer, go up where it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ...classifier.errors import BudgetExceeded, CallError, InvalidRequest
from ...classifier.task import FACTS, Task
from ..decision import Decision
from ..predict import predict_tier
from ._attempt import Tried, attempt_steps
from ._bounds import Before, bound_met, expected_usd, spent_usd
from ._check import Check, CheckLike, Surroundings, as_check_if_any
from ._drive import OUTSIDE, AsyncDriver, Driver, default_client
from ._given import or_default
from ._limits import Limits
from ._next import Next, next_try
from ._request import Options
from ._result import Attempt, Hooks, RunResult, status_of_run
from ._steps import Outside, Steps, Tell

Redecide = Callable[[Task], Decision]


class Start(NamedTuple):
    """How a task goes on that has something behind it. redecide : see `execute`."""

    upcoming: Next
    before: Before
    redecide: Redecide


def execute(
    decision: Decision,
    *,
    client: Any = None,
    check: CheckLike | None = None,
    options: Options | None = None,
    limits: Limits | None = None,
    hooks: Hooks | None = None,
    redecide: Redecide | None = None,
) -> RunResult:
    """The result of the task at the first tier whose answer passes.

        decision = predict_tier("Tag these tickets ...", verifiable=True)
        result = execute(decision, check=checks.json_schema(schema))

    client : an `anthropic.Anthropic`, or a `Driver` of one, which is quicker where many tasks are run
        (default: a new client with the key of the environment).
    check : of the answer's text; without one, the first whole answer is the result.
    redecide : decides about the task again after a failed attempt, which is then among its `attempts`
        (default: `predict_tier` with the decision's model and policy, without history).

    After a failed check the next decision is made with what the failure teaches; it is followed only upwards.
    An answer that was cut off is repeated with more max_tokens, or on a tier whose limits are larger; a
    refusal, a check that couldn't run, and unknown stop reasons end the run.

    Raises CallError (with attempts and cost so far) where no answer came, BudgetExceeded where not even the
    first attempt is affordable, InvalidRequest for what can't be sent, InvalidTask for a grader of a tier
    that the ladder doesn't have.
    """
    steps = execute_steps(decision, check, options, limits, hooks, redecide, OUTSIDE)
    if client is None:
        with default_client() as own:
            return Driver(own).run(steps)
    return (client if isinstance(client, Driver) else Driver(client)).run(steps)


async def aexecute(
    decision: Decision,
    *,
    client: Any = None,
    check: CheckLike | None = None,
    options: Options | None = None,
    limits: Limits | None = None,
    hooks: Hooks | None = None,
    redecide: Redecide | None = None,
) -> RunResult:
    """`execute` in asyncio, with an `anthropic.AsyncAnthropic`; checks and hooks may be async."""
    steps = execute_steps(decision, check, options, limits, hooks, redecide, OUTSIDE)
    if client is None:
        async with default_client(is_async=True) as own:
            return await AsyncDriver(own).run(steps)
    return await (client if isinstance(client, AsyncDriver) else AsyncDriver(client)).run(steps)


def execute_steps(
    decision: Decision,
    check: CheckLike | None,
    options: Options | None,
    limits: Limits | None,
    hooks: Hooks | None,
    redecide: Redecide | None,
    outside: Outside,
    before: Before = Before(),  # noqa: B008  (frozen)
) -> Steps[RunResult]:
    """The run as steps, for a driver."""
    if decision.mode == "none":
        raise InvalidRequest(
            "A program does this task (mode 'none'): there is nothing to call.", about=decision
        )
    limits, options, hooks = or_default(limits, Limits), or_default(options, Options), hooks or Hooks()
    checked = as_check_if_any(check)
    around = Surroundings(decision.task, decision.evidence.ladder, limits, outside)
    if checked is not None:  # a grader that the ladder doesn't have is found out before anything is paid
        checked.expected_cost_usd(decision.task, around.ladder)
    redecide = redecide or _default_redecide(decision)
    follows = before.follows
    attempts: list[Attempt] = []
    upcoming = Next(decision, options)
    if bound_met(upcoming, checked, around, before) is not None:
        raise BudgetExceeded(
            f"An attempt at {decision.tier} is expected to cost "
            f"{expected_usd(upcoming, checked, before.last):.6f} USD, the budget is "
            f"{limits.max_usd:g}. Raise Limits.max_usd, or give the task a ceiling.",
            about=limits.max_usd,
        )
    while True:
        if hooks.on_decision is not None and (not attempts or follows is not None):
            yield Tell(hooks.on_decision, (upcoming.decision, follows))
        tried: Tried = yield from _tried(upcoming, attempts, checked, hooks, around, before.n_attempts)
        attempts.append(tried.attempt)
        following = next_try(tried.attempt, upcoming, redecide, around)
        if isinstance(following, Next):
            following = bound_met(following, checked, around, before.and_then(attempts)) or following
        if not isinstance(following, Next):
            return _result(tried, attempts, upcoming.decision, following)
        same = following.decision is upcoming.decision
        follows = None if same else upcoming.decision.decision_id
        upcoming = following


def _tried(
    upcoming: Next,
    attempts: list[Attempt],
    check: Check | None,
    hooks: Hooks,
    around: Surroundings,
    n_before: int,
) -> Steps[Tried]:
    """One attempt; its error carries the attempts before it, and what all cost."""
    decision, options = upcoming
    number = n_before + len(attempts) + 1
    try:
        return (yield from attempt_steps(number, decision, options, check, hooks, around))
    except CallError as error:
        error.attempts = (*attempts, *error.attempts)
        error.cost_usd += spent_usd(attempts)
        raise


def _result(tried: Tried, attempts: list[Attempt], decision: Decision, stopped: str | None) -> RunResult:
    return RunResult(
        text=tried.text,
        message=tried.message,
        tier=tried.attempt.tier,
        attempts=tuple(attempts),
        cost_usd=spent_usd(attempts),
        latency_ms=sum(attempt.latency_ms for attempt in attempts),
        status=status_of_run(tried.attempt),
        stopped=stopped,
        decision=decision,
    )


def _default_redecide(decision: Decision) -> Redecide:
    """`predict_tier` with what the decision was made with."""
    found = decision.evidence

    def redecide(task: Task) -> Decision:
        policy = found.policy
        if policy.ladder is not found.ladder:
            policy = replace(policy, ladder=found.ladder)
        facts = {name: getattr(task, name) for name in FACTS}
        return predict_tier(task.specification, model=found.model, policy=policy, **facts)

    return redecide
