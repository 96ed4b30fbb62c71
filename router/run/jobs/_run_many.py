"""Many tasks, a budget for all of them, and a journal by which the same call goes on where it ended.

    with Router(log="outcomes.db") as router:
        summary = run_many(router, tasks, journal="tags.jsonl", check=checks.json_schema(schema), max_usd=5)
    summary.by_status, summary.cost_usd, summary.saved_usd

Whatever ends it (a kill, Ctrl-C, an empty budget, a full disk), the same call again goes on: what is done is
not paid again. Only what was in flight when the process died may be; results say so (`was_in_flight`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ....classifier.errors import InvalidRequest
from ..._engine import Engine
from .._check import CheckLike, as_check_if_any
from .._execute import Start
from .._given import or_default
from .._keyed import TaskLike, keyed
from .._limits import Limits, checked_concurrency
from .._request import Options
from .._result import RunResult
from .._routed import Job
from ._ceiling import ceiling_of
from ._past import Past
from ._perform import OnResult, aperform, perform
from ._result import RunSummary, TaskResult
from ._state import Begin, JobState

if TYPE_CHECKING:
    from ...router import Router

__all__ = ["RunSummary", "TaskResult", "arun_many", "run_many"]


def run_many(
    router: Router,
    tasks: Iterable[TaskLike],
    *,
    journal: str | os.PathLike[str] | None,
    check: CheckLike | None = None,
    options: Options | None = None,
    limits: Limits | None = None,
    max_usd: float | None = None,
    concurrency: int = 8,
    on_result: OnResult | None = None,
    on_known: OnResult | None = None,
) -> RunSummary:
    """Run each task as `Router.run` does, in threads, and write down what becomes of it.

    tasks : texts, mappings (with an "id", if they have one) or Tasks; all are read before the first is run.
    journal : a path; made where it doesn't exist. None: nothing is kept, and nothing can be resumed.
    limits : of each task. max_usd : of the whole job, what earlier runs of it paid included: a task is begun
        only while it is not expected to exceed that; then `stopped` is "budget".
    concurrency : tasks at once.
    on_result : called with each TaskResult of this run when the journal has it, by the thread that ran it.
    on_known : called with each of earlier runs, before anything is begun.

    A task that ends in an error is a result with that status, and is tried again by the next run. Done stays
    done, also where check or options are others than before.

    Raises InvalidTask and JournalError before anything is sent; AccountRefused, InvalidRequest, and
    JournalError for a full disk, when what was in flight has ended. KeyboardInterrupt likewise.
    """
    checked = as_check_if_any(check)

    router._running().driver()  # a client that can't be used is found out now

    def run(begin: Begin) -> RunResult:
        return run_task(router, begin, job, check=checked, options=options)

    with _job(router, tasks, journal, checked, limits, max_usd, concurrency, options) as job:
        tell(job.known, on_known)
        perform(job, run, concurrency, on_result)
        return _result(job)


async def arun_many(
    router: Router,
    tasks: Iterable[TaskLike],
    *,
    journal: str | os.PathLike[str] | None,
    check: CheckLike | None = None,
    options: Options | None = None,
    limits: Limits | None = None,
    max_usd: float | None = None,
    concurrency: int = 8,
    on_result: OnResult | None = None,
    on_known: OnResult | None = None,
) -> RunSummary:
    """`run_many` in asyncio; check and on_result may be async. Cancelled, it begins nothing more, waits for
    what is in flight and writes it down; cancelled again, it leaves at once."""
    checked = as_check_if_any(check)

    router._running().async_driver()

    async def run(begin: Begin) -> RunResult:
        return await arun_task(router, begin, job, check=checked, options=options)

    with _job(router, tasks, journal, checked, limits, max_usd, concurrency, options) as job:
        tell(job.known, on_known)
        await aperform(job, run, concurrency, on_result)
        return _result(job)


@contextmanager
def _job(
    router: Router,
    tasks: Iterable[TaskLike],
    journal: str | os.PathLike[str] | None,
    check: Any,
    limits: Limits | None,
    max_usd: float | None,
    concurrency: int,
    options: Options | None,
) -> Iterator[JobState]:
    limits, options = or_default(limits, Limits), or_default(options, Options)
    budget_usd = checked_budget_usd(max_usd, concurrency)
    found = keyed(tasks)
    past = Past(journal)
    try:
        past.check(found)
        ceiling_usd = ceiling_of(router, [] if check is None else [check], options)
        ladder = Engine.of(router.model, router.policy).ladder
        yield JobState(found, past, limits, budget_usd, ladder, ceiling_usd)
    finally:
        past.close()


def checked_budget_usd(max_usd: float | None, concurrency: int) -> float:
    """The budget of a job. Raises InvalidRequest for a bound that is none."""
    checked_concurrency(concurrency)
    budget_usd = math.inf if max_usd is None else max_usd
    if not budget_usd >= 0:
        raise InvalidRequest(f"max_usd must be a number >= 0; got {max_usd!r}.", about="max_usd")
    return budget_usd


def run_task(
    router: Router,
    begin: Begin,
    job: JobState,
    *,
    check: Any,
    options: Options | None,
    start: Start | None = None,
) -> RunResult:
    """One task; each of its attempts is written down as it ends. start : see `_routed.Job`."""
    return router._running().run(_asked(begin, job, check, options, start))


async def arun_task(
    router: Router,
    begin: Begin,
    job: JobState,
    *,
    check: Any,
    options: Options | None,
    start: Start | None = None,
) -> RunResult:
    """`run_task` in asyncio."""
    return await router._running().arun(_asked(begin, job, check, options, start))


def _asked(begin: Begin, job: JobState, check: Any, options: Options | None, start: Start | None) -> Job:
    watch = partial(job.attempted, begin)
    return Job(begin.task, None, None, check, options, begin.limits, watch, start)


def tell(results: Iterable[TaskResult], on_known: OnResult | None) -> None:
    if on_known is not None:
        for result in results:
            on_known(result)


def _result(job: JobState) -> RunSummary:
    if job.trouble is not None:
        raise job.trouble
    return job.summary()
