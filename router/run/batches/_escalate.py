"""Items of a batch whose answer failed its check go up, those cut off get more room: in sync mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ....classifier.errors import BudgetExceeded, CallError, ModelNotServed, RequestRefused
from ....classifier.task import Task
from ...decision import Decision
from .._check import Check, Surroundings
from .._execute import execute_steps
from .._next import Next
from .._request import Options
from .._result import Attempt, Hooks, RunResult
from .._steps import Steps
from ._further import NO_GOOD, behind, further
from ._item import ItemResult
from ._journal import Journal, Line


@dataclass(frozen=True)
class Escalation:
    """How items go on whose answer is no good.

    redecide : of an item's id, decides about its task again, whose `attempts` say what failed.
    hooks : see `execute`; blocking, or async in asyncio. settle : what the hooks were told is in the log
    when this returns; the same. An item is not done before.
    """

    redecide: Callable[[str], Callable[[Task], Decision]]
    options_of: Callable[[str], Options]
    hooks: Hooks
    settle: Callable[[], Any] | None = None


def escalate_steps(
    journal: Journal, first: ItemResult, how: Escalation, check: Check | None, around: Surroundings
) -> Steps[ItemResult]:
    """The item's result in the end. What an earlier process tried is in the journal and is not tried again.

    An error that may pass is raised, and the item stays as it is: collect again later.
    """
    tried = journal.tried.get(first.id, [])
    first = replace(first, was_in_flight=first.was_in_flight or journal.was_in_flight(first.id))
    # an outage uses up no attempts, nor an answer that was good and died with its process
    n_free = sum(each["verdict"] not in NO_GOOD for each in tried)
    limits = replace(around.limits, max_attempts=around.limits.max_attempts + n_free)
    if 1 + len(tried) >= limits.max_attempts:
        return _so_far(first, journal)
    last, redecide = _last(first, tried), how.redecide(first.id)
    task, options = _task_before(last, first, tried, around.task), how.options_of(first.id)
    found = further(last, task, options, redecide, around)
    if not isinstance(found, Next):
        return _so_far(first, journal)
    before = behind(last, found, 1 + len(tried), _so_far(first, journal).cost_usd)
    journal.write({"kind": "begin", "id": first.id})
    hooks = replace(how.hooks, on_end=_told_to(journal, first.id, how.hooks))
    try:
        result: RunResult = yield from execute_steps(
            found.decision, check, found.options, limits, hooks, redecide, around.outside, before
        )
    except BudgetExceeded:
        return _so_far(first, journal)
    except (RequestRefused, ModelNotServed) as error:
        detail = f"{first.detail}; {error.error_type}".removeprefix("; ")
        return replace(_so_far(first, journal), detail=detail)
    except CallError:
        journal.write({"kind": "ended", "id": first.id})
        raise
    return _ended(_so_far(first, journal), result)


def _so_far(first: ItemResult, journal: Journal) -> ItemResult:
    """With all that was tried after the batch's answer, errors and earlier processes included."""
    tried = journal.tried.get(first.id, [])
    is_exact = all(each["cost_is_exact"] for each in tried) and not first.was_in_flight
    return replace(
        first,
        cost_usd=first.cost_usd + sum(each["cost_usd"] for each in tried),
        n_requests=first.n_requests + sum(map(_n_requests, tried)),
        cost_is_exact=first.cost_is_exact and is_exact,
        attempts=(*first.attempts, *tried),
    )


def _n_requests(attempt: Line) -> int:
    """With the check's own, where the journal has them."""
    return int(attempt["n_requests"] + (attempt["check"] or {}).get("n_requests", 0))


def _last(first: ItemResult, tried: list[Line]) -> Line:
    """The last attempt that was no good. One that was good and whose result was lost is made again."""
    if not first.attempts:  # an older journal
        made: Line = {"decision_id": first.id, "tier": first.tier, "verdict": first.verdict}
    else:
        made = first.attempts[0]
    return next((each for each in reversed(tried) if each["verdict"] in NO_GOOD), made)


def _task_before(last: Line, first: ItemResult, tried: list[Line], task: Task) -> Task:
    """With the tiers that had failed before the last attempt."""
    failed = [str(each["tier"]) for each in tried if each["verdict"] == "failed" and each is not last]
    if first.verdict == "failed" and last in tried:
        failed.insert(0, first.tier)
    return replace(task, attempts=(*task.attempts, *failed)) if failed else task


def _told_to(journal: Journal, item_id: str, hooks: Hooks) -> Callable[[Decision, Attempt], object]:
    """The hook, after the journal: what is paid must not be paid again."""

    def on_end(decision: Decision, attempt: Attempt) -> object:
        journal.write({"kind": "tried", "id": item_id, "attempt": attempt.to_dict()})
        return None if hooks.on_end is None else hooks.on_end(decision, attempt)

    return on_end


def _ended(found: ItemResult, result: RunResult) -> ItemResult:
    last, check = result.attempts[-1], result.check
    return replace(
        found,
        tier=str(result.tier),
        model=last.model,
        mode="sync",
        status=result.status,
        verdict=last.verdict,
        text=result.text,
        message=result.message.to_dict(mode="json"),
        usage=last.usage,
        detail="" if check is None else check.said,
        decision_id=result.decision.decision_id,
        escalated_from=found.tier if result.tier != found.tier else None,
    )
