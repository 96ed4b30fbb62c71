"""An attempt as the log has it: its columns, and a note on its verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

from ._result import Attempt
from ._usage import Usage

MAX_NOTE_CHARS = 1_000


class Columns(NamedTuple):
    """Of one attempt. cost_usd is without the check's; n_requests, cost_is_exact : the check's included."""

    number: int
    mode: str
    model: str
    status: str
    stop_reason: str | None
    error: str | None
    usage: Usage
    cost_usd: float
    check_cost_usd: float
    cost_is_exact: bool
    n_requests: int
    latency_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """By the log's names."""
        values = self._asdict()
        return {**values, **values.pop("usage")._asdict()}


def columns_of(attempt: Attempt) -> dict[str, Any]:
    check, error = attempt.check, attempt.error
    return Columns(
        number=attempt.number,
        mode=attempt.mode,
        model=attempt.model,
        status=attempt.status,
        stop_reason=attempt.stop_reason,
        error=None if error is None else type(error).__name__,
        usage=attempt.usage,
        cost_usd=attempt.cost_usd,
        check_cost_usd=0.0 if check is None else check.cost_usd,
        cost_is_exact=attempt.cost_is_exact,
        n_requests=attempt.n_requests + (0 if check is None else check.n_requests),
        latency_ms=attempt.latency_ms,
    ).to_dict()


def note(said: str) -> str:
    """As the log can keep it."""
    return said.encode("utf-8", "replace").decode().replace("\x00", "?")[:MAX_NOTE_CHARS]
