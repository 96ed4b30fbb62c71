"""What a router's runs have in common: the client that is kept, and what goes into the log."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ...classifier.errors import InvalidRequest
from ...classifier.task import Task
from .._deciding import Decided, History, redecided, unlogged, waits_for_log
from ..decision import Decision
from ._bounds import Before
from ._check import Check, CheckLike, as_check_if_any
from ._drive import OUTSIDE, AsyncDriver, Driver, default_client
from ._execute import Start, execute_steps
from ._given import or_default
from ._limits import Limits
from ._logged import columns_of, note
from ._next import Next
from ._request import Options
from ._result import Attempt, Hooks, RunResult
from ._steps import Steps
from ._watch import Watch, watched

if TYPE_CHECKING:
    from ..router import Router

T = TypeVar("T")
NO_MODEL = "no_model"


class Job(NamedTuple):
    """What `Router.run` was given. start : what was decided already, where an attempt was made elsewhere."""

    task: Task
    history: History
    follows: Decision | str | None
    check: CheckLike | None
    options: Options | None
    limits: Limits | None
    watch: Watch | None = None  # told each attempt that has ended, after the log
    start: Start | None = None


def _whole(job: Job) -> Job:
    """With limits and options. Raises InvalidRequest for what is none, before anything is decided."""
    return job._replace(limits=or_default(job.limits, Limits), options=or_default(job.options, Options))


class Runner:
    """Of one router. Threads and tasks may share it."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._own: Any = None  # the default client, made once
        self._driver: Driver | None = None
        self._async_drivers: weakref.WeakKeyDictionary[Any, tuple[Any, AsyncDriver]] = (
            weakref.WeakKeyDictionary()
        )
        self._writer: ThreadPoolExecutor | None = None
        self._writer_pid = 0

    def run(self, job: Job) -> RunResult:
        """Decide, then execute; each decision and each attempt is logged."""
        job = _whole(job)
        driver, check = self.driver(), as_check_if_any(job.check)
        first = None if job.start else unlogged(self._router, job.task, job.history, job.follows)
        entries = self.entries()
        try:
            if first is not None:
                entries.decided(first.decision, first.follows)
                if first.decision.mode == "none":
                    return no_model(first.decision)
            return driver.run(self._steps(job, self._start(job, first), check, entries, entries.wait))
        finally:
            entries.wait()

    async def arun(self, job: Job) -> RunResult:
        """`run` in asyncio; the log is used beside the loop, but for what takes less than handing it over."""
        job = _whole(job)
        driver, check = self.async_driver(), as_check_if_any(job.check)
        first = None if job.start else await self._adecided(job)
        entries = self.entries()
        try:
            if first is not None:
                entries.decided(first.decision, first.follows)
                if first.decision.mode == "none":
                    return no_model(first.decision)
                entries.prepare_soon(first.decision)
            steps = self._steps(job, self._start(job, first), check, entries, entries.await_all)
            return await driver.run(steps)
        except asyncio.CancelledError:
            entries.leave()
            raise
        finally:
            await entries.await_all()

    async def _adecided(self, job: Job) -> Decided:
        decide = partial(unlogged, self._router, job.task, job.history, job.follows)
        waits = waits_for_log(self._router, job.task, job.follows)
        return await asyncio.wrap_future(self.submit(decide)) if waits else decide()

    def _start(self, job: Job, first: Decided | None) -> Start:
        """As it was decided elsewhere, else as it was decided now, which is in the log already."""
        if job.start is not None:
            return job.start
        assert first is not None
        upcoming = Next(first.decision, job.options or Options())
        return Start(upcoming, Before(), redecided(self._router, first))

    def _steps(
        self, job: Job, start: Start, check: Check | None, entries: Entries, settle: Callable[[], Any]
    ) -> Steps[RunResult]:
        (decision, options), before, redecide = start
        hooks = watched(entries.hooks(), job.watch, settle)
        return execute_steps(decision, check, options, job.limits, hooks, redecide, OUTSIDE, before)

    def driver(self) -> Driver:
        """Raises InvalidRequest for a client of asyncio."""
        if self._driver is None:
            client = self._router.client
            if isinstance(client, AsyncDriver):
                raise InvalidRequest("Router.run needs a blocking client; use arun.", about="client")
            if client is None:
                client = self._own = default_client()
            self._driver = client if isinstance(client, Driver) else Driver(client)
        return self._driver

    def async_driver(self) -> AsyncDriver:
        """One per event loop, as its connections are. Raises InvalidRequest for a blocking client."""
        loop = asyncio.get_running_loop()
        known = self._async_drivers.get(loop)
        if known is None:
            client, own = self._router.client, None
            if isinstance(client, Driver):
                raise InvalidRequest("Router.arun needs a client of asyncio; use run.", about="client")
            if client is None:
                client = own = default_client(is_async=True)
            driver = client if isinstance(client, AsyncDriver) else AsyncDriver(client)
            known = self._async_drivers[loop] = own, driver
        return known[1]

    def entries(self) -> Entries:
        """Of one run."""
        return Entries(self, self._router._logged)

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have a thread of the router's own make this call, after those before it.

        It reads and writes beside the event loop.
        """
        if self._writer is None or self._writer_pid != os.getpid():  # threads don't survive a fork
            self._writer = ThreadPoolExecutor(1, thread_name_prefix="tierwise-log")
            self._writer_pid = os.getpid()
        return self._writer.submit(call)

    def close(self) -> None:
        """Give up what is the router's own; clients of asyncio need `aclose`."""
        if self._writer is not None and self._writer_pid == os.getpid():
            self._writer.shutdown()
        self._writer = None
        if self._own is not None:
            self._own.close()
            self._own = None
        self._driver = None

    async def aclose(self) -> None:
        """`close`, and the client of this event loop."""
        own, _ = self._async_drivers.pop(asyncio.get_running_loop(), (None, None))
        if own is not None:
            await own.close()
        self.close()

    def ended(self, decision: Decision, attempt: Attempt) -> None:
        """Log an attempt with what is logged next."""
        logged = self._router._logged
        if logged is not None:
            said = None if attempt.verdict is None else note(attempt.said)
            models = self._router._learners()
            logged.attempted(decision, columns_of(attempt), attempt.verdict, said, models)


class Entries:
    """What one run writes into the log: with what others write, in a moment or at its end, where it waits."""

    def __init__(self, runner: Runner, logged: Any) -> None:
        self._runner, self._logged = runner, logged
        self._is_pending = False

    def decided(self, decision: Decision, follows: str | None) -> None:
        """Log a decision, in a moment."""
        if self._logged is not None:
            self._logged.add(decision, follows)
            self._added()

    def prepare_soon(self, decision: Decision) -> None:
        """Its row is made while the model answers, so that nobody waits for that at the end."""
        if self._logged is not None:
            asyncio.get_running_loop().call_soon(self._logged.prepare, decision.decision_id)

    def hooks(self) -> Hooks | None:
        """Blocking and in asyncio; None without a log."""
        return None if self._logged is None else Hooks(on_decision=self._escalated, on_end=self._ended)

    def wait(self) -> None:
        """Until all is written, or waits for the log to be back."""
        if self._is_pending:
            self._is_pending = False
            self.settle()

    async def await_all(self) -> None:
        """`wait` in asyncio."""
        if self._is_pending:
            self._is_pending = False
            await self.asettle()

    def settle(self) -> None:
        """All that was told before this call is written, whoever told it, or waits for the log to be back."""
        if self._logged is not None:
            self._logged.settle()

    async def asettle(self) -> None:
        """`settle` in asyncio: by the loop itself where that is quicker, else beside it."""
        if self._logged is None or self._logged.settled_at_once():
            return
        await asyncio.wrap_future(self._runner.submit(self.settle))

    def leave(self) -> None:
        """Wait for nothing: it is written in a moment, or when the router is closed."""
        self._is_pending = False

    def _ended(self, decision: Decision, attempt: Attempt) -> None:
        self._runner.ended(decision, attempt)
        self._added()

    def _escalated(self, decision: Decision, follows: str | None) -> None:
        if follows is not None:  # the first one is written already
            self.decided(decision, follows)

    def _added(self) -> None:
        self._is_pending = True
        self._logged.linger()


def no_model(decision: Decision) -> RunResult:
    """Of a task that a program does: nothing was asked, nothing was paid."""
    return RunResult("", None, decision.tier, (), 0.0, 0.0, NO_MODEL, None, decision)
