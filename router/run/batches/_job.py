"""Message batches at half the price: made, sent once, collected item by item, whatever crashes in between.

    job = BatchJob.create("tags.jsonl", decisions)         # writes the journal, sends nothing
    job.submit(client)
    ...                                                     # hours later, in another process
    job = BatchJob.open("tags.jsonl")
    while not job.is_finished:
        job.collect(client, check=checks.json_schema(schema))
        time.sleep(300)
    job.results

Items that expired or met an error that may pass are run in sync mode instead, as are those that a batch had
not done when the wait ceiling was reached.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import Any

from ....classifier.errors import InvalidRequest
from ....classifier.task import Task
from ...decision import Decision
from ...ladder import Ladder
from .._check import Check, CheckLike, Surroundings, as_check_if_any
from .._drive import OUTSIDE, AsyncDriver, Driver
from .._given import or_default
from .._limits import Limits, checked_concurrency
from .._request import Options
from .._steps import Steps
from ._collect import AT_ONCE, collect_steps
from ._escalate import Escalation
from ._item import ItemResult
from ._journal import FORMAT, Journal, Part
from ._planned import item_of, options_said, plan_parts
from ._submit import submit_steps

MAX_REQUESTS = 100_000  # of one batch, by the API
MAX_BYTES = 250_000_000  # the API's 256 MB, less what JSON adds around the requests

__all__ = ["BatchJob", "ItemResult"]


@dataclass(frozen=True)
class BatchStatus:
    """How far a job is. items = done + waiting; parts are batches of the API, of which `sent` were made."""

    items: int
    done: int
    waiting: int
    parts: int
    sent: int
    cost_usd: float
    by_status: dict[str, int]


class BatchJob:
    """Decisions with mode "batch", one request each; its journal is its state.

    A crash at any moment loses nothing and sends nothing twice: a batch of which nobody knows whether it was
    made is looked for among the account's batches first. Only an item that was being run in sync mode when
    the process died may be paid twice; its result says so (`was_in_flight`).
    """

    def __init__(self, journal: Journal, ladder: Ladder, clock: Callable[[], float] = time.time) -> None:
        self._journal, self._ladder, self._clock = journal, ladder, clock

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        decisions: Iterable[Decision],
        *,
        options: Options | Sequence[Options] | None = None,
        keys: Iterable[str] | None = None,
        max_requests: int = MAX_REQUESTS,
        clock: Callable[[], float] = time.time,
    ) -> BatchJob:
        """A job of these decisions, whatever their mode. Raises InvalidRequest where the file holds a job.

        options : of all requests, or one for each. keys : the caller's own name of each; results have it.
        """
        journal = Journal(path)
        if journal.is_planned:
            raise InvalidRequest(f"{path} holds a job already; use BatchJob.open(...).", about=path)
        made = list(decisions)
        shared: Options | None = None
        own: list[Options | None] = [None] * len(made)
        if options is None or isinstance(options, Options):
            shared = options
        else:
            own = list(options)
        if len(own) != len(made):
            raise InvalidRequest(
                f"options must be one Options, or one for each of the {len(made)} items; got {len(own)}.",
                about="options",
            )
        if not made or any(decision.mode == "none" for decision in made):
            raise InvalidRequest(
                "A batch needs at least one decision, each with a model to call.", about=path
            )
        ladder = made[0].evidence.ladder
        named = [None] * len(made) if keys is None else list(keys)
        items = plan_parts(
            (item_of(*each, shared) for each in zip(made, named, own, strict=True)),
            max_requests=max_requests,
            max_bytes=MAX_BYTES,
        )
        ceiling_s = min(decision.evidence.policy.batch_wait_ceiling_s for decision in made)
        head = {"kind": "job", "format": FORMAT, "made_at": clock(), "wait_ceiling_s": ceiling_s}
        with journal.alone():
            if journal.is_planned:
                raise InvalidRequest(f"{path} holds a job already; use BatchJob.open(...).", about=path)
            journal.empty()
            journal.write(
                {**head, "ladder": ladder.name, "options": options_said(shared)}, *items, {"kind": "planned"}
            )
        return cls(journal, ladder, clock)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        ladder: Ladder | None = None,
        clock: Callable[[], float] = time.time,
    ) -> BatchJob:
        """A job that was made before, by this or another process."""
        journal = Journal(path)
        if not journal.is_planned:
            raise InvalidRequest(
                f"{path} holds no job; make one with BatchJob.create(...) or `tierwise batch submit`.",
                about=path,
            )
        return cls(journal, ladder or Ladder.load(), clock)

    @property
    def path(self) -> Path:
        """The journal."""
        return self._journal.path

    def options_of(self, item_id: str) -> Options:
        """Of the request of this item."""
        return self._journal.options_of(item_id)

    @property
    def is_finished(self) -> bool:
        """Every item has its result."""
        return not self._journal.pending()

    @property
    def results(self) -> dict[str, ItemResult]:
        """Decision id -> result, of the items that have one."""
        return {each: ItemResult.from_line(line) for each, line in self._journal.done.items()}

    @property
    def tasks(self) -> dict[str, Task]:
        """Decision id -> task."""
        return {each: Task.from_mapping(line["task"]) for each, line in self._journal.items.items()}

    @property
    def parts(self) -> Collection[Part]:
        """Each a batch of the API."""
        return self._journal.parts.values()

    def status(self) -> BatchStatus:
        """Counts, from the journal alone."""
        results, parts = self.results.values(), self.parts
        by_status: dict[str, int] = {}
        for result in results:
            by_status[result.status] = by_status.get(result.status, 0) + 1
        n_items, n_done = len(self._journal.items), len(results)
        sent = sum(part.batch_id is not None for part in parts)
        cost_usd = fsum(result.cost_usd for result in results)
        return BatchStatus(n_items, n_done, n_items - n_done, len(parts), sent, cost_usd, by_status)

    def submit(self, client: Any, *, limits: Limits | None = None) -> None:
        """Send every part that has not been sent. Raises CallError; calling it again goes on. Raises
        JournalError where another process is at work on the job, as do the other three."""
        _driver(client).run(self.submit_steps(limits))

    async def asubmit(self, client: Any, *, limits: Limits | None = None) -> None:
        """`submit` in asyncio."""
        await _async_driver(client).run(self.submit_steps(limits))

    def collect(
        self,
        client: Any,
        *,
        check: CheckLike | None = None,
        on_item: Callable[[ItemResult], Any] | None = None,
        limits: Limits | None = None,
        concurrency: int = AT_ONCE,
    ) -> tuple[ItemResult, ...]:
        """The results that have come since the last time; submits first what was not sent.

        on_item : called with each result before the journal knows of it, so at least once for each; of items
            that are run in sync mode by the thread that ran them. concurrency : so many of them at once.

        An item that meets an error is left for the next time, and holds no other; the error is raised where
        nothing else has come.
        """
        checked = as_check_if_any(check)
        steps = self.collect_steps(checked, limits=limits, on_item=on_item, concurrency=concurrency)
        return _driver(client).run(steps)

    async def acollect(
        self,
        client: Any,
        *,
        check: CheckLike | None = None,
        on_item: Callable[[ItemResult], Any] | None = None,
        limits: Limits | None = None,
        concurrency: int = AT_ONCE,
    ) -> tuple[ItemResult, ...]:
        """`collect` in asyncio; check and on_item may be async."""
        checked = as_check_if_any(check)
        steps = self.collect_steps(checked, limits=limits, on_item=on_item, concurrency=concurrency)
        return await _async_driver(client).run(steps)

    def submit_steps(self, limits: Limits | None) -> Steps[None]:
        """`submit` as steps, for a driver."""
        with self._journal.alone():
            yield from submit_steps(self._journal, or_default(limits, Limits), OUTSIDE, self._clock)

    def collect_steps(
        self,
        check: Check | None,
        *,
        limits: Limits | None = None,
        on_item: Callable[[ItemResult], Any] | None = None,
        escalation: Escalation | None = None,
        in_sync: bool = True,
        concurrency: int = AT_ONCE,
    ) -> Steps[tuple[ItemResult, ...]]:
        """`collect` as steps, for a driver: what was not sent is sent first.

        escalation : how items go on whose answer is no good. in_sync : what the batch could not do is run
            now; else it is only said.
        """
        around, at_once = self.around(limits), checked_concurrency(concurrency)
        steps = collect_steps(
            *(self._journal, around, check, on_item, self._clock, escalation),
            in_sync=in_sync,
            at_once=at_once,
        )
        with self._journal.alone():
            yield from submit_steps(self._journal, around.limits, OUTSIDE, self._clock)
            return (yield from steps)

    def around(self, limits: Limits | None) -> Surroundings:
        """Of its items, but for their tasks."""
        return Surroundings(Task(""), self._ladder, or_default(limits, Limits), OUTSIDE)


def _driver(client: Any) -> Driver:
    return client if isinstance(client, Driver) else Driver(client)


def _async_driver(client: Any) -> AsyncDriver:
    return client if isinstance(client, AsyncDriver) else AsyncDriver(client)
