"""What a run gives back: every attempt, and the result. Frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...classifier.errors import CallError
from ..decision import Decision
from ..ladder.tier import Tier
from ._check import FAILED, NOT_RUN, PASSED, CheckResult
from ._usage import NO_USAGE, Usage

USABLE = ("passed", "unchecked", "check_not_run")  # of the statuses of a run
VERDICT_OF_CHECK = {PASSED: "clean", FAILED: "failed"}


@dataclass(frozen=True)
class Begun:
    """An attempt that is about to be made. One that never ended was in flight when the process died.

    number : 1 for the first of the task.
    """

    number: int
    decision_id: str
    tier: Tier
    model: str
    max_tokens: int


@dataclass(frozen=True)
class Attempt:
    """One try of one tier, retries included.

    status : "completed", "cut_off", "refused", "error", or a stop reason that we don't know, as it is.
    verdict : "clean" or "failed" by the check, "cut_off", "refused", or None: nothing was said of it.
    usage, cost_usd, latency_ms, n_requests : of all its requests; a check's own are `check.cost_usd` and
        `check.n_requests`.
    cost_is_exact : False where a request that failed may have used tokens that nobody told us of, a
        successor answered whose prices aren't in the ladder, or more is charged than tokens at its prices
        (fast mode, a priority tier, inference in the US alone, web searches); the check's requests included.
    left_out : options that this model doesn't accept. error : where it ended in one.
    mode : "sync", or "batch": then nobody knows its latency.
    """

    number: int
    decision_id: str
    tier: Tier
    model: str
    status: str
    max_tokens: int
    usage: Usage = NO_USAGE
    cost_usd: float = 0.0
    latency_ms: float = 0.0
    n_requests: int = 0
    cost_is_exact: bool = True
    stop_reason: str | None = None
    check: CheckResult | None = None
    left_out: tuple[str, ...] = ()
    error: CallError | None = None
    mode: str = "sync"

    @property
    def verdict(self) -> str | None:
        if self.status in ("cut_off", "refused"):
            return self.status
        return None if self.check is None else VERDICT_OF_CHECK.get(self.check.status)

    @property
    def said(self) -> str:
        """Why it has its verdict, without any text of the task or the answer."""
        return f"stop reason {self.stop_reason}" if self.check is None else self.check.said

    @property
    def total_cost_usd(self) -> float:
        """With the check's own cost."""
        return self.cost_usd + (0.0 if self.check is None else self.check.cost_usd)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; no text of the task or the answer."""
        check, error = self.check, self.error
        return {
            "number": self.number,
            "decision_id": self.decision_id,
            "tier": str(self.tier),
            "model": self.model,
            "mode": self.mode,
            "status": self.status,
            "verdict": self.verdict,
            "stop_reason": self.stop_reason,
            "check": None if check is None else check.to_dict(),
            "max_tokens": self.max_tokens,
            "usage": self.usage._asdict(),
            "cost_usd": self.total_cost_usd,
            "cost_is_exact": self.cost_is_exact,
            "latency_ms": self.latency_ms,
            "n_requests": self.n_requests,
            "left_out": list(self.left_out),
            "error": None if error is None else type(error).__name__,
        }


@dataclass(frozen=True)
class RunResult:
    """A finished task.

    text : all text of the answer. message : the SDK's own Message.
    tier : that answered. attempts : in order; cost_usd and latency_ms are of all of them, checks included.
    status : "passed" (by the check), "unchecked" (no check was given), "check_not_run", "failed" (the last
        answer failed its check), "refused", "cut_off", "no_model" (a program does this task), or a stop
        reason that we don't know, as it is.
    stopped : why a result that isn't good wasn't tried again: "exhausted" (no tier above), "max_attempts",
        "budget", "max_tokens" or "context_window" (no higher limit); else None.
    decision : that the last attempt followed. Report a person's verdict with its decision_id.
    """

    text: str
    message: Any
    tier: Tier
    attempts: tuple[Attempt, ...]
    cost_usd: float
    latency_ms: float
    status: str
    stopped: str | None
    decision: Decision

    @property
    def is_usable(self) -> bool:
        """It passed its check, or there was none that could say otherwise."""
        return self.status in USABLE

    @property
    def check(self) -> CheckResult | None:
        return self.attempts[-1].check if self.attempts else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "text": self.text,
            "tier": str(self.tier),
            "status": self.status,
            "stopped": self.stopped,
            "cost_usd": self.cost_usd,
            "latency_ms": self.latency_ms,
            "decision_id": self.decision.decision_id,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
        }


def status_of_run(attempt: Attempt) -> str:
    """The status of a task whose last attempt this is."""
    if attempt.status != "completed":
        return attempt.status
    if attempt.check is None:
        return "unchecked"
    return {PASSED: PASSED, FAILED: FAILED, NOT_RUN: "check_not_run"}[attempt.check.status]


@dataclass(frozen=True)
class Hooks:
    """Called as a run goes on; in asyncio they may be async. What a hook raises ends the run.

    on_decision(decision, follows) : before the first attempt that follows it; `follows` is the id of the
        decision whose failed attempt it answers, or None.
    on_begin(decision, begun) : before each attempt.
    on_end(decision, attempt) : after each attempt, errors included, and after its check.
    on_outcome(decision, verdict, detail) : after on_end, where there is a verdict (basis: check). "cut_off"
        and "refused" are no evidence on capability.
    """

    on_decision: Callable[[Decision, str | None], Any] | None = None
    on_begin: Callable[[Decision, Begun], Any] | None = None
    on_end: Callable[[Decision, Attempt], Any] | None = None
    on_outcome: Callable[[Decision, str, str], Any] | None = None
