"""Collects the results of a job, item by item, and runs in sync mode what its batch could not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from ....classifier.errors import AccountRefused, BudgetExceeded, CallError, RequestRefused
from ....classifier.task import Task
from .._check import Check, Surroundings
from .._steps import Api, Steps, Tell, Together
from ._api import read_steps
from ._escalate import Escalation, escalate_steps
from ._further import NO_GOOD
from ._item import ItemResult
from ._journal import Journal, Part
from ._judge import asks_a_model, item_steps
from ._submit import are_of

AT_ONCE = 8  # items in sync mode
_MISSING = SimpleNamespace(type="expired")  # what is said of an item that an ended batch says nothing of
_MAX_ERRORS_IN_A_ROW = 3  # an outage: those behind would only wait for it too
OnItem = Callable[[ItemResult], Any]
T = TypeVar("T")


@dataclass
class Outage:
    """Errors met. is_over : nothing more is asked for, and no more items are begun."""

    first: CallError | BudgetExceeded | None = None
    in_a_row: int = 0
    is_over: bool = False

    def met(self, error: CallError | BudgetExceeded) -> None:
        self.first = self.first or error
        if isinstance(error, BudgetExceeded):  # others may cost less
            return
        self.in_a_row += 1
        self.is_over |= isinstance(error, AccountRefused) or self.in_a_row >= _MAX_ERRORS_IN_A_ROW


class Collecting(NamedTuple):
    """What all items of a collection have in common. in_sync : what the batch could not do is run now."""

    journal: Journal
    around: Surroundings
    check: Check | None
    on_item: OnItem | None
    escalation: Escalation | None
    in_sync: bool


class Said(NamedTuple):
    """An item, and what the API says of it."""

    id: str
    part: Part
    result: Any


def collect_steps(
    journal: Journal,
    around: Surroundings,
    check: Check | None,
    on_item: OnItem | None,
    clock: Callable[[], float],
    escalation: Escalation | None = None,
    *,
    in_sync: bool = True,
    at_once: int = AT_ONCE,
) -> Steps[tuple[ItemResult, ...]]:
    """What has come since the last time; with an escalation, answers that are no good go on first.

    in_sync : what the batch could not do is run now; else it is only said. at_once : items that ask a model.

    An error holds its own item (or part) only, but for a refused account, and three in a row. It is raised
    where nothing else has come.
    """
    how = Collecting(journal, around, check, on_item, escalation, in_sync)
    found: list[ItemResult] = []
    asking: list[Steps[ItemResult]] = []
    outage = Outage()
    for part in [*journal.parts.values(), journal.at_once]:
        results = yield from _unless(outage, _results_of(part, journal, around, clock))
        if results is None:
            continue
        for said in _new(part, results, journal):
            if _asks(said, how):
                asking.append(_whole_steps(said, how))
                continue
            first = yield from _first_steps(said, how)
            if _goes_on(first, how):
                asking.append(_last_steps(first, how))
            else:
                found.append((yield from _last_steps(first, how)))
    if asking:
        ended = yield Together([_unless(outage, steps) for steps in asking], at_once)
        found += [result for result in ended if result is not None]
    if outage.first is not None and not found:
        raise outage.first
    return tuple(found)


def _new(part: Part, results: dict[str, Any], journal: Journal) -> Iterator[Said]:
    for each in part.ids:
        if each in results and each not in journal.done:
            yield Said(each, part, results[each])


def _asks(said: Said, how: Collecting) -> bool:
    """Whether a model is asked to find out what the item comes to: it takes its time."""
    if said.result.type != "succeeded":
        return how.in_sync
    return said.id not in how.journal.failed and asks_a_model(how.check, _around(said.id, how))


def _goes_on(first: ItemResult, how: Collecting) -> bool:
    return how.escalation is not None and first.verdict in NO_GOOD


def _unless(outage: Outage, steps: Steps[T]) -> Steps[T | None]:
    """None where it met an error, or was not begun because others did."""
    if outage.is_over:
        return None
    try:
        result = yield from steps
    except (CallError, BudgetExceeded) as error:
        outage.met(error)
        return None
    outage.in_a_row = 0
    return result


def _whole_steps(said: Said, how: Collecting) -> Steps[ItemResult]:
    first = yield from _first_steps(said, how)
    return (yield from _last_steps(first, how))


def _first_steps(said: Said, how: Collecting) -> Steps[ItemResult]:
    """The item's own answer, told."""
    known = how.journal.failed.get(said.id)  # by a process that died before it went on
    if known is not None:
        return ItemResult.from_line(known)
    around = _around(said.id, how)
    first = yield from item_steps(
        how.journal, said.part, said.id, said.result, around, how.check, in_sync=how.in_sync
    )
    if how.on_item is not None:
        yield Tell(how.on_item, (first,))
    return first


def _last_steps(first: ItemResult, how: Collecting) -> Steps[ItemResult]:
    """What it comes to in the end, written down."""
    result = first
    if how.escalation is not None and _goes_on(first, how):
        if first.id not in how.journal.failed:
            how.journal.write({"kind": "failed", "id": first.id, "result": asdict(first)})
        result = yield from escalate_steps(
            how.journal, first, how.escalation, how.check, _around(first.id, how)
        )
        if how.escalation.settle is not None:  # a process that dies after the line below tells nobody again
            yield Tell(how.escalation.settle, ())
    line = {"kind": "done", "id": result.id, "result": asdict(result)}
    how.journal.write(line, durable=result.mode == "sync")  # a batch's results can be asked for again
    return result


def _around(item_id: str, how: Collecting) -> Surroundings:
    return how.around._replace(task=Task.from_mapping(how.journal.items[item_id]["task"]))


def _results_of(
    part: Part, journal: Journal, around: Surroundings, clock: Callable[[], float]
) -> Steps[dict[str, Any]]:
    """Item id -> what the API says of it; none where the batch has not ended, or all is known.

    An item that the results lack is asked for again the next time; past the wait ceiling it has expired, as
    has what was never to be sent.
    """
    if part is journal.at_once:
        return dict.fromkeys(part.ids, _MISSING)
    if part.batch_id is None or all(each in journal.done for each in part.ids):
        return {}
    arguments = {"message_batch_id": part.batch_id}
    batch = yield from read_steps(Api("retrieve", arguments), around.limits, around.outside)
    if batch.processing_status != "ended":
        yield from _cancel_if_late(part, journal, around, clock())
        return {}
    if batch.results_url is None:
        raise RequestRefused(
            f"The API keeps no results of {part.batch_id} any more; it does so for 29 days. Submit the tasks "
            "that have none with another journal.",
            about=part.batch_id,
        )
    lines = yield from read_steps(Api("results", arguments), around.limits, around.outside)
    results = {each.custom_id: each.result for each in lines}
    if (
        results and not part.is_proved and not are_of(part, results)
    ):  # it was taken at its size, see `_submit`
        journal.write({"kind": "not_ours", "part": part.number, "batch": part.batch_id})
        return {}
    if _is_late(part, journal, clock()):
        results = dict.fromkeys(part.ids, _MISSING) | results
    return results


def _cancel_if_late(part: Part, journal: Journal, around: Surroundings, now_s: float) -> Steps[None]:
    """Past the wait ceiling the batch is cancelled; what it has not done by then is run in sync mode."""
    if not _is_late(part, journal, now_s) or part.is_canceled or not part.is_proved:
        return
    journal.write({"kind": "cancel", "part": part.number})
    arguments = {"message_batch_id": part.batch_id}
    yield from read_steps(Api("cancel", arguments), around.limits, around.outside)


def _is_late(part: Part, journal: Journal, now_s: float) -> bool:
    return bool(now_s - (part.sent_at or now_s) > journal.job["wait_ceiling_s"])
