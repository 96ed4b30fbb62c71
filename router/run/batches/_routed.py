"""A router's batches: decided, logged, sent, collected; what fails its check goes up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ....classifier.errors import InvalidRequest
from ....classifier.task import Task
from ..._deciding import decided, redecided_after
from ..._engine import Engine
from ...rules._trivial import is_deterministic
from .._check import CheckLike, as_check_if_any
from .._keyed import keyed
from .._limits import Limits
from .._logged import Columns, note
from .._request import Options
from .._result import USABLE, Hooks
from ._collect import AT_ONCE
from ._escalate import Escalation
from ._item import ItemResult
from ._job import BatchJob
from ._journal import Journal
from ._place import journal_of, new_journal

if TYPE_CHECKING:
    from ...router import Router

Given = str | Task | Mapping[str, Any]
Place = str | os.PathLike[str]


def submit(
    router: Router,
    tasks: Iterable[Given],
    *,
    journal: Place | None = None,
    options: Options | Sequence[Options] | None = None,
    limits: Limits | None = None,
) -> BatchJob:
    """See `Router.submit_batch`."""
    driver = router._running().driver()
    job = _prepared(router, tasks, journal, options)
    job.submit(driver, limits=limits)
    return job


async def asubmit(
    router: Router,
    tasks: Iterable[Given],
    *,
    journal: Place | None = None,
    options: Options | Sequence[Options] | None = None,
    limits: Limits | None = None,
) -> BatchJob:
    """See `Router.asubmit_batch`."""
    runner = router._running()
    driver = runner.async_driver()
    prepare = partial(_prepared, router, tasks, journal, options)
    job = await asyncio.wrap_future(runner.submit(prepare))
    await job.asubmit(driver, limits=limits)
    return job


def collect(
    router: Router,
    job: BatchJob | Place,
    *,
    check: CheckLike | None = None,
    limits: Limits | None = None,
    escalate: bool = True,
    concurrency: int = AT_ONCE,
) -> tuple[ItemResult, ...]:
    """See `Router.collect_batch`."""
    runner = router._running()
    driver, opened = runner.driver(), _opened(router, job)

    def on_item(result: ItemResult) -> None:
        runner.submit(partial(log_item, router, result)).result()

    entries = runner.entries()
    escalation = _escalation(router, opened, entries.hooks(), entries.settle) if escalate else None
    given: dict[str, Any] = {"limits": limits, "on_item": on_item, "concurrency": concurrency}
    steps = opened.collect_steps(as_check_if_any(check), escalation=escalation, **given)
    try:
        return driver.run(steps)
    finally:
        entries.wait()


async def acollect(
    router: Router,
    job: BatchJob | Place,
    *,
    check: CheckLike | None = None,
    limits: Limits | None = None,
    escalate: bool = True,
    concurrency: int = AT_ONCE,
) -> tuple[ItemResult, ...]:
    """See `Router.acollect_batch`."""
    runner = router._running()
    driver, opened = runner.async_driver(), _opened(router, job)

    async def on_item(result: ItemResult) -> None:
        await asyncio.wrap_future(runner.submit(partial(log_item, router, result)))

    entries = runner.entries()
    escalation = _escalation(router, opened, entries.hooks(), entries.asettle) if escalate else None
    given: dict[str, Any] = {"limits": limits, "on_item": on_item, "concurrency": concurrency}
    steps = opened.collect_steps(as_check_if_any(check), escalation=escalation, **given)
    try:
        return await driver.run(steps)
    finally:
        await entries.await_all()


def _prepared(
    router: Router,
    tasks: Iterable[Given],
    journal: Place | None,
    options: Options | Sequence[Options] | None,
) -> BatchJob:
    """The job of these tasks: made, or, where the journal holds it, opened."""
    found = keyed(tasks)
    wanted = [each.task for each in found]
    path = new_journal() if journal is None else journal
    if Journal(path).is_planned:
        job = BatchJob.open(path, ladder=_ladder(router))
        if list(job.tasks.values()) != wanted:
            raise InvalidRequest(f"{path} holds a job of other tasks; give another journal.", about=path)
        return job
    for number, task in enumerate(wanted, start=1):
        if is_deterministic(task):
            raise InvalidRequest(f"Task {number} needs no model: a program does it.", about=number)
        if task.live:
            raise InvalidRequest(
                f"Task {number} is live: somebody waits for it. Run it with Router.run.", about=number
            )
    decisions = [decided(router, task, None, None).decision for task in wanted]
    return BatchJob.create(path, decisions, options=options, keys=[each.key for each in found])


def _opened(router: Router, job: BatchJob | Place) -> BatchJob:
    return job if isinstance(job, BatchJob) else BatchJob.open(journal_of(job), ladder=_ladder(router))


def _ladder(router: Router) -> Any:
    return Engine.of(router.model, router.policy).ladder


def _escalation(router: Router, job: BatchJob, hooks: Hooks | None, settle: Callable[[], Any]) -> Escalation:
    tasks = job.tasks
    return Escalation(
        lambda item_id: redecided_after(router, tasks[item_id], item_id),
        job.options_of,
        hooks or Hooks(),
        settle,
    )


def log_item(router: Router, result: ItemResult) -> None:
    """An item is told of at least once; the log keeps its attempt once."""
    logged = router._logged
    if logged is None:
        return
    stop_reason = None if result.message is None else result.message.get("stop_reason")
    said = None if result.verdict is None else note(result.detail or f"stop reason {stop_reason}")
    logged.attempted(result.id, _columns_of(result, stop_reason), result.verdict, said, router._learners())
    logged.settle()


def _columns_of(result: ItemResult, stop_reason: str | None) -> dict[str, Any]:
    ended = result.message is not None
    judged = ended and result.status in (*USABLE, "failed")
    return Columns(
        number=1,
        mode=result.mode,
        model=result.model,
        status="completed" if judged else result.status,
        stop_reason=stop_reason,
        error=None if ended else note(result.detail or result.status),
        usage=result.usage,
        cost_usd=result.cost_usd - result.check_cost_usd,
        check_cost_usd=result.check_cost_usd,
        cost_is_exact=result.cost_is_exact,
        n_requests=result.n_requests,
        latency_ms=result.latency_ms,
    ).to_dict()
