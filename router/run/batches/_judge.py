"""What one item of a batch comes to: its answer is judged, or it is run in sync mode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....classifier.errors import BudgetExceeded, CallError, ModelNotServed, RequestRefused
from ...ladder import Rung
from .._call import COMPLETED, status_of
from .._check import Check, CheckResult, Surroundings, check_steps
from .._grade import text_of
from .._message import wrong_in
from .._request import MAX_TOKENS_WITHOUT_STREAM, Request
from .._result import Attempt, status_of_run
from .._steps import Steps
from .._successor import answer_steps, successor_of
from .._usage import Usage, is_at_list_price, usage_cost_usd, usage_of
from ._item import ItemResult
from ._journal import Journal, Line, Part

_NOT_SERVED = "not_found_error"
_MAY_PASS = {"api_error", "overloaded_error", "rate_limit_error", "timeout_error"}


def item_steps(
    journal: Journal,
    part: Part,
    item_id: str,
    result: Any,
    around: Surroundings,
    check: Check | None,
    *,
    in_sync: bool,
) -> Steps[ItemResult]:
    """in_sync : what the batch could not do is run now; else it is only said."""
    item = journal.items[item_id]
    rung = around.ladder.rungs[around.ladder.index(item["tier"])]
    base = ItemResult(item_id, item["tier"], item["model"], "batch", "error", key=item.get("key"))
    if result.type == "succeeded" and wrong_in(result.message) is not None:
        return replace(base, detail="not_a_message", cost_is_exact=False)
    if result.type == "succeeded":
        usage = usage_of(result.message)
        cost_usd = usage_cost_usd(rung, usage, batch=True)
        base = replace(base, cost_is_exact=is_at_list_price(result.message.usage))
        if asks_a_model(check, around):
            base = _begun(base, journal)
        max_tokens = item["params"]["max_tokens"]
        return (yield from _judged(base, result.message, usage, cost_usd, max_tokens, check, around))
    if result.type == "errored":
        kind = result.error.error.type
        if not in_sync:
            return replace(base, detail=kind)
        if kind not in _MAY_PASS and not (kind == _NOT_SERVED and successor_of(rung, around.ladder)):
            return replace(base, detail=kind)
    elif result.type == "canceled" and not part.is_canceled:
        return replace(base, status="canceled")
    if not in_sync:
        return replace(base, status="expired")
    return (yield from _in_sync(journal, base, item, rung, around, check))


def _in_sync(
    journal: Journal, base: ItemResult, item: Line, rung: Rung, around: Surroundings, check: Check | None
) -> Steps[ItemResult]:
    """The same, now and at the full price; in the place of a retired model its successor. An error that may
    pass is raised, and BudgetExceeded: collect again later."""
    _check_affordable(journal, item, around, check)
    base = replace(base, mode="sync", was_in_flight=journal.was_in_flight(base.id))
    task, options = around.task, journal.options_of(base.id)
    request = Request(item["params"], item["params"]["max_tokens"] > MAX_TOKENS_WITHOUT_STREAM, ())
    journal.write({"kind": "begin", "id": base.id})
    try:
        answered, sent = yield from answer_steps(request, rung, options, task, around)
    except (RequestRefused, ModelNotServed) as error:
        detail = error.error_type or type(error).__name__
        return _with_earlier(replace(base, detail=detail, **_spent(error)), journal)
    except CallError as error:
        journal.write({"kind": "ended", "id": base.id, "spent": _spent(error)})
        raise
    base = replace(
        base,
        model=sent.kwargs["model"],
        n_requests=answered.n_requests,
        cost_is_exact=answered.cost_is_exact,
        latency_ms=answered.latency_ms,
    )
    usage, cost_usd, max_tokens = answered.usage, answered.cost_usd, sent.max_tokens
    judged = yield from _judged(base, answered.message, usage, cost_usd, max_tokens, check, around)
    return _with_earlier(judged, journal)


def _check_affordable(journal: Journal, item: Line, around: Surroundings, check: Check | None) -> None:
    """Within the limit of a task, with what earlier tries took."""
    earlier_usd = sum(each.get("cost_usd", 0.0) for each in journal.spent.get(item["id"], []))
    checking_usd = 0.0 if check is None else check.expected_cost_usd(around.task, around.ladder)
    usd, max_usd = earlier_usd + item.get("sync_usd", 0.0) + checking_usd, around.limits.max_usd
    if usd > max_usd:
        raise BudgetExceeded(
            f"Run at once at {item['tier']}, an item of {journal.path} is expected to cost {usd:.6f} USD "
            f"in all, the budget is {max_usd:g}. Raise Limits.max_usd and collect again.",
            about=max_usd,
        )


def asks_a_model(check: Check | None, around: Surroundings) -> bool:
    """Whether the check takes its time, and costs something."""
    return check is not None and check.expected_cost_usd(around.task, around.ladder) > 0


def _begun(base: ItemResult, journal: Journal) -> ItemResult:
    """The check is asked now; if an earlier process died with it, that may have been paid."""
    was_in_flight = journal.was_in_flight(base.id)
    journal.write({"kind": "begin", "id": base.id}, durable=False)
    return replace(base, was_in_flight=was_in_flight, cost_is_exact=base.cost_is_exact and not was_in_flight)


def _spent(error: CallError) -> dict[str, Any]:
    return {
        "cost_usd": error.cost_usd,
        "n_requests": error.n_requests,
        "cost_is_exact": error.cost_is_exact,
    }


def _with_earlier(result: ItemResult, journal: Journal) -> ItemResult:
    """With what earlier tries in sync mode took, which ended in errors or with their process."""
    earlier = journal.spent.get(result.id, [])
    return replace(
        result,
        cost_usd=result.cost_usd + sum(each.get("cost_usd", 0.0) for each in earlier),
        n_requests=result.n_requests + sum(each.get("n_requests", 0) for each in earlier),
        cost_is_exact=result.cost_is_exact
        and not result.was_in_flight
        and all(each.get("cost_is_exact", True) for each in earlier),
    )


def _judged(
    base: ItemResult,
    message: Any,
    usage: Usage,
    cost_usd: float,
    max_tokens: int,
    check: Check | None,
    around: Surroundings,
) -> Steps[ItemResult]:
    status, text = status_of(message.stop_reason), text_of(message)
    found: CheckResult | None = None
    if check is not None and status == COMPLETED:
        found = yield from check_steps(check, text, around)
    attempt = Attempt(
        1,
        base.id,
        around.ladder.tiers[around.ladder.index(base.tier)],
        base.model,
        status,
        max_tokens,
        usage,
        cost_usd,
        latency_ms=base.latency_ms or 0.0,
        n_requests=base.n_requests,
        cost_is_exact=base.cost_is_exact and (found is None or found.cost_is_exact),
        stop_reason=message.stop_reason,
        check=found,
        mode=base.mode,
    )
    return replace(
        base,
        status=status_of_run(attempt),
        verdict=attempt.verdict,
        text=text,
        message=message.to_dict(mode="json"),
        usage=usage,
        cost_usd=attempt.total_cost_usd,
        check_cost_usd=found.cost_usd if found else 0.0,
        n_requests=base.n_requests + (found.n_requests if found else 0),
        cost_is_exact=attempt.cost_is_exact,
        attempts=(attempt.to_dict(),),
        detail="" if found is None else found.said,
    )
