"""Items of a batch whose answer failed its check go up, those cut off get more room: in sync mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

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
    hooks : see `execute`; blocking, or async in asyncio.
    """

    redecide: Callable[[str], Callable[[Task], Decision]]
    check: Check | None
    options_of: Callable[[str], Options]
    hooks: Hooks


def escalate_steps(
    journal: Journal, first: ItemResult, how: Escalation, around: Surroundings
) -> Steps[ItemResult]:
    """The item's result in the end. What an earlier process tried is in the journal and is not tried again.

    An error that may pass is raised, and the item stays as it is: collect again later.
    """
    tried = journal.tried.get(first.id, [])
    stays = replace(
        first,
        was_in_flight=first.was_in_flight or journal.was_in_flight(first.id),
        cost_usd=first.cost_usd + sum(each["cost_usd"] for each in tried),
        attempts=(*first.attempts, *tried),
    )
    if 1 + len(tried) >= around.limits.max_attempts:
        return stays
    last, redecide = _last(first, tried), how.redecide(first.id)
    task, options = _task_before(last, first, tried, around.task), how.options_of(first.id)
    found = further(last, task, options, redecide, around)
    if not isinstance(found, Next):
        return stays
    before = behind(last, found, 1 + len(tried), stays.cost_usd)
    journal.write({"kind": "begin", "id": first.id})
    hooks = replace(how.hooks, on_end=_told_to(journal, first.id, how.hooks))
    try:
        result: RunResult = yield from execute_steps(
            found.decision, how.check, found.options, around.limits, hooks, redecide, around.outside, before
        )
    except BudgetExceeded:
        return stays
    except (RequestRefused, ModelNotServed) as error:
        detail = f"{stays.detail}; {error.error_type}".removeprefix("; ")
        return replace(stays, cost_usd=stays.cost_usd + error.cost_usd, detail=detail)
    except CallError:
        journal.write({"kind": "ended", "id": first.id})
        raise
    return _ended(stays, result, (*first.attempts, *journal.tried.get(first.id, [])))


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


def _ended(stays: ItemResult, result: RunResult, attempts: tuple[Line, ...]) -> ItemResult:
    last, check = result.attempts[-1], result.check
    return replace(
        stays,
        tier=str(result.tier),
        model=last.model,
        mode="sync",
        status=result.status,
        verdict=last.verdict,
        text=result.text,
        message=result.message.to_dict(mode="json"),
        usage=last.usage,
        cost_usd=stays.cost_usd + result.cost_usd,
        detail="" if check is None else f"{check.name}: {check.detail}".rstrip(": "),
        decision_id=result.decision.decision_id,
        escalated_from=stays.tier if result.tier != stays.tier else None,
        attempts=attempts,
    )
