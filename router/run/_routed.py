"""What a router's runs have in common: the client that is kept, and what goes into the log."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from ...classifier.errors import InvalidRequest
from .._deciding import Decided, redecided
from ..decision import Decision
from ._check import CheckLike, CheckResult, as_check
from ._drive import AsyncDriver, Driver, default_client
from ._execute import aexecute, execute
from ._limits import Limits
from ._request import Options
from ._result import Attempt, Hooks, RunResult

if TYPE_CHECKING:
    from ..router import Router

T = TypeVar("T")
NO_MODEL = "no_model"
_MAX_NOTE_CHARS = 1_000


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

    def run(
        self,
        decide: Callable[[], Decided],
        check: CheckLike | None,
        options: Options | None,
        limits: Limits | None,
    ) -> RunResult:
        """Decide, then execute; each decision and each attempt is logged."""
        driver, checked = self.driver(), None if check is None else as_check(check)
        first = decide()
        if first.decision.mode == "none":
            return no_model(first.decision)
        return execute(
            first.decision,
            client=driver,
            check=checked,
            options=options,
            limits=limits,
            hooks=self._hooks(),
            redecide=redecided(self._router, first),
        )

    async def arun(
        self,
        decide: Callable[[], Decided],
        check: CheckLike | None,
        options: Options | None,
        limits: Limits | None,
    ) -> RunResult:
        """`run` in asyncio; the log is written beside the loop."""
        driver, checked = self.async_driver(), None if check is None else as_check(check)
        first = await self.beside(decide)
        if first.decision.mode == "none":
            return no_model(first.decision)
        return await aexecute(
            first.decision,
            client=driver,
            check=checked,
            options=options,
            limits=limits,
            hooks=self._async_hooks(),
            redecide=redecided(self._router, first),
        )

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

    async def beside(self, call: Callable[[], T]) -> T:
        """The call's result; where there is a log, by a thread of its own, in turn: writers queue anyway."""
        if self._router._logged is None:
            return call()
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, thread_name_prefix="tierwise-log")
        return await asyncio.get_running_loop().run_in_executor(self._writer, call)

    def close(self) -> None:
        """Give up what is the router's own; clients of asyncio need `aclose`."""
        if self._writer is not None:
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

    def _hooks(self) -> Hooks | None:
        if self._router._logged is None:
            return None
        return Hooks(on_decision=self._escalated, on_end=self._ended)

    def _async_hooks(self) -> Hooks | None:
        if self._router._logged is None:
            return None

        async def on_decision(decision: Decision, follows: str | None) -> None:
            if follows is not None:
                await self.beside(lambda: self._escalated(decision, follows))

        async def on_end(decision: Decision, attempt: Attempt) -> None:
            await self.beside(lambda: self._ended(decision, attempt))

        return Hooks(on_decision=on_decision, on_end=on_end)

    def _escalated(self, decision: Decision, follows: str | None) -> None:
        if follows is not None and self._router._logged is not None:  # the first one is logged already
            self._router._logged.add(decision, follows)

    def _ended(self, decision: Decision, attempt: Attempt) -> None:
        logged = self._router._logged
        if logged is not None:
            note = None if attempt.verdict is None else note_of(attempt.check, attempt.stop_reason)
            values = columns_of(attempt)
            logged.attempted(decision, values, attempt.verdict, note, self._router._learners())


def no_model(decision: Decision) -> RunResult:
    """Of a task that a program does: nothing was asked, nothing was paid."""
    return RunResult("", None, decision.tier, (), 0.0, 0.0, NO_MODEL, None, decision)


def columns_of(attempt: Attempt) -> dict[str, Any]:
    """Values of the log's columns."""
    check, error = attempt.check, attempt.error
    return {
        "number": attempt.number,
        "mode": "sync",
        "model": attempt.model,
        "status": attempt.status,
        "stop_reason": attempt.stop_reason,
        "error": None if error is None else type(error).__name__,
        **attempt.usage._asdict(),
        "cost_usd": attempt.cost_usd,
        "check_cost_usd": 0.0 if check is None else check.cost_usd,
        "cost_is_exact": attempt.cost_is_exact,
        "n_requests": attempt.n_requests,
        "latency_ms": attempt.latency_ms,
    }


def note_of(check: CheckResult | None, stop_reason: str | None) -> str:
    """Which check said it and why, as the log can keep it."""
    said = f"stop reason {stop_reason}" if check is None else f"{check.name}: {check.detail}".rstrip(": ")
    return said.encode("utf-8", "replace").decode().replace("\x00", "?")[:_MAX_NOTE_CHARS]
