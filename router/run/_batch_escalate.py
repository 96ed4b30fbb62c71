"""Items of a batch whose answer failed its check go up, one by one and in sync mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...classifier.errors import BudgetExceeded, CallError, ModelNotServed, RequestRefused
from ...classifier.task import Task
from ..decision import Decision
from ._batch_item import ItemResult
from ._check import Check, Surroundings
from ._execute import Before, execute_steps
from ._journal import Journal, Line
from ._next import decided_above
from ._request import Options
from ._result import Attempt, Hooks, RunResult
from ._steps import Steps


@dataclass(frozen=True)
class Escalation:
    """How failed items go up.

    redecide : of an item's id, decides about its task again, whose `attempts` say what failed.
    hooks : see `execute`; blocking, or async in asyncio.
    """

    redecide: Callable[[str], Callable[[Task], Decision]]
    check: Check
    options_of: Callable[[str], Options]
    hooks: Hooks


def escalate_steps(
    journal: Journal, failed: ItemResult, how: Escalation, around: Surroundings
) -> Steps[ItemResult]:
    """The item's result in the end. What an earlier process tried is in the journal and is not tried again.

    An error that may pass is raised, and the item stays as it is: collect again later.
    """
    task, tried = around.task, journal.tried.get(failed.id, [])
    failed = replace(
        failed,
        was_in_flight=failed.was_in_flight or journal.was_in_flight(failed.id),
        cost_usd=failed.cost_usd + sum(each["cost_usd"] for each in tried),
    )
    tiers = [failed.tier, *(each["tier"] for each in tried if each["verdict"] == "failed")]
    follows = tried[-1]["decision_id"] if tried else failed.id
    before = Before(follows, 1 + len(tried), failed.cost_usd)
    if before.n_attempts >= around.limits.max_attempts:
        return failed
    highest = around.ladder.tiers[max(around.ladder.index(tier) for tier in tiers)]
    redecide = how.redecide(failed.id)
    decision = decided_above(highest, replace(task, attempts=(*task.attempts, *tiers)), redecide)
    if decision is None:
        return failed
    journal.write({"kind": "begin", "id": failed.id})
    hooks = replace(how.hooks, on_end=_told_to(journal, failed.id, how.hooks))
    try:
        result: RunResult = yield from execute_steps(
            decision,
            how.check,
            how.options_of(failed.id),
            around.limits,
            hooks,
            redecide,
            around.outside,
            before,
        )
    except BudgetExceeded:
        return failed
    except (RequestRefused, ModelNotServed) as error:
        return replace(
            failed, cost_usd=failed.cost_usd + error.cost_usd, detail=f"{failed.detail}; {error.error_type}"
        )
    except CallError:
        journal.write({"kind": "ended", "id": failed.id})
        raise
    return _escalated(failed, result, journal.tried.get(failed.id, []))


def _told_to(journal: Journal, item_id: str, hooks: Hooks) -> Callable[[Decision, Attempt], object]:
    """The hook, after the journal: what is paid must not be paid again."""

    def on_end(decision: Decision, attempt: Attempt) -> object:
        journal.write({"kind": "tried", "id": item_id, "attempt": attempt.to_dict()})
        return None if hooks.on_end is None else hooks.on_end(decision, attempt)

    return on_end


def _escalated(failed: ItemResult, result: RunResult, tried: list[Line]) -> ItemResult:
    last = result.attempts[-1]
    check = result.check
    return replace(
        failed,
        tier=str(result.tier),
        model=last.model,
        mode="sync",
        status=result.status,
        verdict=last.verdict,
        text=result.text,
        message=result.message.to_dict(mode="json"),
        usage=last.usage,
        cost_usd=failed.cost_usd + result.cost_usd,
        detail="" if check is None else f"{check.name}: {check.detail}".rstrip(": "),
        decision_id=result.decision.decision_id,
        escalated_from=failed.tier,
        attempts=(*failed.attempts, *tried),
    )
