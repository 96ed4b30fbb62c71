"""Collects the results of a job, item by item, and runs in sync mode what its batch could not do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...classifier.errors import CallError, ModelNotServed, RequestRefused
from ...classifier.task import Task
from ..ladder import Rung
from ._batch_api import read_steps
from ._call import COMPLETED, CUT_OFF, REFUSED, Answered, call_steps, status_of
from ._check import Check, CheckResult, Surroundings
from ._grade import text_of
from ._journal import Journal, Line, Part
from ._request import MAX_TOKENS_WITHOUT_STREAM, Request
from ._result import VERDICT_OF_CHECK
from ._steps import Api, Steps, Tell
from ._usage import NO_USAGE, Usage, usage_cost_usd, usage_of

_MAY_PASS = {"api_error", "overloaded_error", "rate_limit_error", "timeout_error"}
OnItem = Callable[["ItemResult"], Any]


@dataclass(frozen=True)
class ItemResult:
    """What became of one item.

    id : of the decision. mode : "batch", or "sync" where the batch could not do it.
    status : "passed", "failed", "unchecked", "check_not_run", "refused", "cut_off", another stop reason as it
        is; "error" (the request was refused), or "canceled" (by someone else than us: it is not run).
    verdict : as of an `Attempt`. message : as the API wrote it. cost_usd : with the check's own cost.
    was_in_flight : it was being run in sync mode when the process died, so it may have been paid twice.
    """

    id: str
    tier: str
    model: str
    mode: str
    status: str
    verdict: str | None = None
    text: str = ""
    message: Line | None = None
    usage: Usage = NO_USAGE
    cost_usd: float = 0.0
    detail: str = ""
    was_in_flight: bool = False

    @classmethod
    def from_line(cls, line: Line) -> ItemResult:
        return cls(**{**line, "usage": Usage(*line["usage"])})


def collect_steps(
    journal: Journal,
    around: Surroundings,
    check: Check | None,
    on_item: OnItem | None,
    clock: Callable[[], float],
) -> Steps[tuple[ItemResult, ...]]:
    """What has come since the last time."""
    found: list[ItemResult] = []
    for part in list(journal.parts.values()):
        pending = [each for each in part.ids if each not in journal.done]
        if part.batch_id is None or not pending:
            continue
        arguments = {"message_batch_id": part.batch_id}
        batch = yield from read_steps(Api("retrieve", arguments), around.limits, around.outside)
        if batch.processing_status != "ended":
            yield from _cancel_if_late(part, journal, around, clock())
            continue
        lines = yield from read_steps(Api("results", arguments), around.limits, around.outside)
        results = {each.custom_id: each.result for each in lines}
        if results.keys() != set(part.ids):  # it was taken at its size, see _batch_submit
            journal.write({"kind": "not_ours", "part": part.number, "batch": part.batch_id})
            continue
        for each in pending:
            result = yield from _item_steps(journal, part, each, results[each], around, check)
            if on_item is not None:
                yield Tell(on_item, (result,))
            line = {"kind": "done", "id": each, "result": asdict(result)}
            journal.write(line, durable=result.mode == "sync")  # a batch's results can be asked for again
            found.append(result)
    return tuple(found)


def _cancel_if_late(part: Part, journal: Journal, around: Surroundings, now_s: float) -> Steps[None]:
    """Past the wait ceiling the batch is cancelled; what it has not done by then is run in sync mode."""
    late = now_s - (part.sent_at or now_s) > journal.job["wait_ceiling_s"]
    if not late or part.is_canceled or not part.is_proved:
        return
    journal.write({"kind": "cancel", "part": part.number})
    arguments = {"message_batch_id": part.batch_id}
    yield from read_steps(Api("cancel", arguments), around.limits, around.outside)


def _item_steps(
    journal: Journal, part: Part, item_id: str, result: Any, around: Surroundings, check: Check | None
) -> Steps[ItemResult]:
    item = journal.items[item_id]
    around = around._replace(task=Task.from_mapping(item["task"]))
    rung = around.ladder.rungs[around.ladder.index(item["tier"])]
    base = ItemResult(item_id, item["tier"], item["model"], "batch", "error")
    if result.type == "succeeded":
        usage = usage_of(result.message)
        cost_usd = usage_cost_usd(rung, usage, batch=True)
        return (yield from _judged(base, result.message, usage, cost_usd, check, around))
    if result.type == "errored":
        kind = result.error.error.type
        if kind not in _MAY_PASS:
            return replace(base, detail=kind)
    elif result.type == "canceled" and not part.is_canceled:
        return replace(base, status="canceled")
    return (yield from _in_sync(journal, base, item, rung, around, check))


def _in_sync(
    journal: Journal, base: ItemResult, item: Line, rung: Rung, around: Surroundings, check: Check | None
) -> Steps[ItemResult]:
    """The same request, now and at the full price. An error that may pass is raised: collect again later."""
    base = replace(base, mode="sync", was_in_flight=base.id in journal.begun)
    request = Request(item["params"], item["params"]["max_tokens"] > MAX_TOKENS_WITHOUT_STREAM, ())
    journal.write({"kind": "begin", "id": base.id})
    try:
        answered: Answered = yield from call_steps(request, rung, around.limits, around.outside)
    except (RequestRefused, ModelNotServed) as error:
        return replace(base, detail=error.error_type or type(error).__name__, cost_usd=error.cost_usd)
    except CallError:
        journal.write({"kind": "ended", "id": base.id})
        raise
    return (yield from _judged(base, answered.message, answered.usage, answered.cost_usd, check, around))


def _judged(
    base: ItemResult, message: Any, usage: Usage, cost_usd: float, check: Check | None, around: Surroundings
) -> Steps[ItemResult]:
    status, text = status_of(message.stop_reason), text_of(message)
    found: CheckResult | None = None
    if check is not None and status not in (CUT_OFF, REFUSED):
        found = yield from check.steps(text, around)
    verdict = status if status in (CUT_OFF, REFUSED) else None
    if status == COMPLETED:
        status = "unchecked" if found is None else found.status
        status = "check_not_run" if status == "not_run" else status
    return replace(
        base,
        status=status,
        verdict=verdict or (None if found is None else VERDICT_OF_CHECK.get(found.status)),
        text=text,
        message=message.to_dict(mode="json"),
        usage=usage,
        cost_usd=cost_usd + (found.cost_usd if found else 0.0),
        detail="" if found is None else f"{found.name}: {found.detail}".rstrip(": "),
    )
