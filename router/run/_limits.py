"""How long, how often and for how much a task may be tried. Checked once, frozen."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...classifier.errors import InvalidRequest


def checked_concurrency(concurrency: int) -> int:
    """How many are run at once. Raises InvalidRequest."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, numbers.Integral) or concurrency < 1:
        raise InvalidRequest(
            f"concurrency must be a whole number >= 1; got {concurrency!r}.", about="concurrency"
        )
    return int(concurrency)


@dataclass(frozen=True)
class Limits:
    """Bounds of one task's run; the defaults suit work that nobody waits for.

    Parameters
    ----------
    deadline_s : for one attempt, retries and waits included. After it: DeadlineExceeded.
    timeout_s : for one request of an attempt.
    max_retries : requests of one attempt after the first, for errors that may pass.
    max_retry_after_s : longest wait between two requests; a service that asks for more gets this (the SDK
        would wait for as long as it is told).
    first_backoff_s : wait before the first retry where the service names none; doubles each time.
    max_attempts : attempts of the task, over all tiers.
    max_usd : an attempt begins only while what was spent and what it is expected to cost do not exceed it.
        Where the task has no token counts of its own, all that the options send is counted, and the last
        answer's length; one that was cut off is expected to fill its room again.
    max_tokens_ceiling : cut-off answers are repeated with at most so many (default: the model's cap).
    """

    deadline_s: float = 900.0
    timeout_s: float = 600.0
    max_retries: int = 4
    max_retry_after_s: float = 60.0
    first_backoff_s: float = 0.5
    max_attempts: int = 4
    max_usd: float = math.inf
    max_tokens_ceiling: int | None = None

    def __post_init__(self) -> None:
        for name in ("deadline_s", "timeout_s"):
            self._check(name, lambda value: value > 0, "a number > 0")
        for name in ("max_retry_after_s", "first_backoff_s", "max_usd"):
            self._check(name, lambda value: value >= 0, "a number >= 0")
        self._check("max_retries", lambda value: value >= 0, "a whole number >= 0", whole=True)
        self._check("max_attempts", lambda value: value >= 1, "a whole number >= 1", whole=True)
        if self.max_tokens_ceiling is not None:
            self._check("max_tokens_ceiling", lambda value: value >= 1, "a whole number >= 1", whole=True)

    def _check(self, name: str, fine: Callable[[Any], bool], allowed: str, *, whole: bool = False) -> None:
        value = getattr(self, name)
        kind = numbers.Integral if whole else numbers.Real  # NumPy's included
        if isinstance(value, bool) or not isinstance(value, kind) or not fine(value):
            raise InvalidRequest(f"{name} must be {allowed}; got {value!r}.", about=name)
