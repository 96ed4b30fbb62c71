"""Attempts told to one more listener, such as a job's journal, after the log."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

from ..decision import Decision
from ._result import Attempt, Hooks

Watch: TypeAlias = Callable[[Attempt], Any]


def watched(hooks: Hooks | None, watch: Watch | None, settle: Callable[[], Any]) -> Hooks | None:
    """The hooks, and `watch` called with each attempt that has ended.

    settle : what the hooks were told is in the log when this returns; async in asyncio. An answer is there
    before `watch` knows of it: a process that dies in between would otherwise not make the attempt again, and
    the log would never hear what became of it.
    """
    if watch is None:
        return hooks
    hooks = hooks or Hooks()
    before = hooks.on_end

    def on_end(decision: Decision, attempt: Attempt) -> Any:
        settled = None
        if before is not None:
            before(decision, attempt)
            settled = settle() if attempt.error is None else None  # one that met an error is made again
        return _after(settled, attempt) if inspect.isawaitable(settled) else watch(attempt)

    async def _after(settled: Awaitable[None], attempt: Attempt) -> None:
        await settled
        watch(attempt)

    return replace(hooks, on_end=on_end)
