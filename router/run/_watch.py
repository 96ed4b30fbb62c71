"""Attempts told to one more listener, after the log."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from ..decision import Decision
from ._result import Attempt, Hooks

Watch: TypeAlias = Callable[[Attempt], Any]


def watched(hooks: Hooks | None, watch: Watch | None) -> Hooks | None:
    """The hooks, and `watch` called with each attempt that has ended; blocking where on_end is."""
    if watch is None:
        return hooks
    hooks = hooks or Hooks()
    before = hooks.on_end

    def on_end(decision: Decision, attempt: Attempt) -> Any:
        said = None if before is None else before(decision, attempt)
        return _after(said, attempt) if inspect.isawaitable(said) else watch(attempt)

    async def _after(said: Any, attempt: Attempt) -> None:
        await said
        watch(attempt)

    return replace(hooks, on_end=on_end)
