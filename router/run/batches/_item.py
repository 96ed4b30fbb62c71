"""What became of one item of a batch. Frozen."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .._usage import NO_USAGE, Usage
from ._journal import Line


@dataclass(frozen=True)
class ItemResult:
    """What became of one item.

    id : of the decision. mode : "batch", or "sync" where the batch could not do it, or its rung has no
        batch price.
    status : "passed", "failed", "unchecked", "check_not_run", "refused", "cut_off", another stop reason as it
        is; "error" (the request was refused), "canceled" (by someone else than us: it is not run), or, where
        nothing is run in sync mode, "expired" (the batch ended without it).
    verdict : as of an `Attempt`. message : as the API wrote it. usage : of this answer.
    cost_usd : of all that was tried, with the checks' own cost; check_cost_usd : the part of the check of
        the batch's answer.
    was_in_flight : it was being run in sync mode, or judged by a model, when the process died, so that may
        have been paid twice.
    decision_id : that the answer followed: report a person's verdict with it.
    key : the task's own "id", else one made from its content.
    escalated_from : the batch's tier, whose answer had failed its check; `Router.collect_batch` goes up then.
    attempts : as of `RunResult.to_dict`, in order, with those that met an error after the batch's answer.
    n_requests, cost_is_exact : as of an `Attempt`, of all that was tried, with the checks' own requests.
    """

    id: str
    tier: str
    model: str
    mode: str
    status: str
    verdict: str | None = None
    text: str = ""
    message: Line | None = None
    usage: Usage = NO_USAGE
    cost_usd: float = 0.0
    detail: str = ""
    was_in_flight: bool = False
    check_cost_usd: float = 0.0
    n_requests: int = 1
    cost_is_exact: bool = True
    latency_ms: float | None = None
    decision_id: str = ""
    escalated_from: str | None = None
    key: str | None = None
    attempts: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        if not self.decision_id:
            object.__setattr__(self, "decision_id", self.id)

    def to_dict(self) -> Line:
        """Plain values, for JSON."""
        return {**asdict(self), "usage": self.usage._asdict(), "attempts": list(self.attempts)}

    @classmethod
    def from_line(cls, line: Line) -> ItemResult:
        return cls(**{**line, "usage": Usage(*line["usage"]), "attempts": tuple(line.get("attempts", ()))})
