"""Sends the parts of a job, each once. The API has no key against repetition: we look, then send again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ....classifier.errors import ServiceFailed
from .._limits import Limits
from .._steps import Api, Outside, Steps
from ._api import create_steps, read_steps
from ._journal import Journal, Line, Part

_CLOCKS_DIFFER_S = 300.0  # between the service and us, at most


def submit_steps(
    journal: Journal, limits: Limits, outside: Outside, clock: Callable[[], float]
) -> Steps[None]:
    """Every part without a batch gets one; where one may have been made before, that one."""
    for part in journal.parts.values():
        if part.batch_id is not None:
            continue
        if part.sending_at is not None:
            batch = yield from _found(part, journal, limits, outside)
            if batch is not None:
                journal.write(_sent(part, batch, proved=batch.results_url is not None))
                continue
        requests = [{"custom_id": each, "params": _body(journal.items[each]["params"])} for each in part.ids]
        journal.write({"kind": "sending", "part": part.number, "at": clock()})
        created = yield from create_steps(requests, limits, outside)
        if created.batch is None:  # the next submit looks for it, when it can be seen in the list
            raise ServiceFailed(
                f"Nobody knows whether batch {part.number} of {journal.path} was made. Submit again: it is "
                "looked for first, and nothing is sent twice.",
                about=part.number,
            )
        journal.write(_sent(part, created.batch, proved=True))


def _body(params: Line) -> Line:
    """Of a request, as the SDK makes it of the arguments of a call."""
    own = {name: value for name, value in params.items() if name != "extra_body"}
    return {**own, **(params.get("extra_body") or {})}


def _found(part: Part, journal: Journal, limits: Limits, outside: Outside) -> Steps[Any | None]:
    """The batch that was made of this part when the answer was lost, if there is one.

    Batches carry no name of ours: candidates are those of the right size and time that no part has claimed;
    one that has ended proves itself by its custom ids, one that runs is taken at its size (and proved when it
    is collected).
    """
    assert part.sending_at is not None
    claimed = {each.batch_id for each in journal.parts.values()} | part.not_ours
    since_s = part.sending_at - _CLOCKS_DIFFER_S
    listing = Api("list", {"limit": 100}, enough=lambda batch: batch.created_at.timestamp() < since_s)
    for batch in (yield from read_steps(listing, limits, outside)):
        counts = batch.request_counts
        size = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
        if size != len(part.ids) or batch.id in claimed:
            continue
        if batch.results_url is None:
            return batch
        results = yield from read_steps(Api("results", {"message_batch_id": batch.id}), limits, outside)
        if are_of(part, [each.custom_id for each in results]):
            return batch
    return None


def are_of(part: Part, custom_ids: Collection[str]) -> bool:
    """Whether results with these ids, all that have come or some, are those of this part."""
    return len(custom_ids) > 0 and set(custom_ids) <= set(part.ids)


def _sent(part: Part, batch: Any, *, proved: bool) -> dict[str, Any]:
    made_at = batch.created_at.timestamp()
    return {"kind": "sent", "part": part.number, "batch": batch.id, "at": made_at, "proved": proved}
