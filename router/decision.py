"""The answer: tier, model, mode, plan, and the arithmetic behind them. Frozen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..classifier.task import Task
from ._mode import Mode
from .ladder import Ladder
from .policy import Policy
from .tier import Tier


@dataclass(frozen=True, slots=True)
class Decision:
    """What to run a task on, why, and what it is expected to cost.

    tier : a `str` that also orders: `decision.tier < "sonnet"`.
    model : the model id; None where no model is needed.
    mode : "sync", "batch" or "none".
    plan : tiers to try in order; the next one where a program's check fails.
    confidence : P(this is the needed tier); 0 where no model took part.
    probabilities : tier -> P(needed tier = it); sums to 1.
    pass_probabilities : tier -> P(clean | it); never falls up the ladder.
    expected_cost_usd : tier -> tokens, plus P(not clean) x price of a correction where priced.
    expected_latency_ms : tier -> time to the last token, in sync mode; None where speed is unknown.
    reason, reasons : the decisive code, and every rule that spoke; see docs/reasons.md.
    fallback : the production tier was the answer to "not sure".
    return_to : the tier to go back to after this step (token-limit rule), else None.
    batch_wait_ceiling_s : after this a batch falls back to sync; None in other modes.
    propensity : probability with which the policy chose this tier; 1 without exploration.
    decision_id : report the outcome with it.
    versions : of model, ladder and package, for replay.
    """

    tier: Tier
    model: str | None
    mode: Mode
    plan: tuple[Tier, ...]
    confidence: float
    probabilities: dict[str, float]
    pass_probabilities: dict[str, float]
    expected_cost_usd: dict[str, float]
    expected_latency_ms: dict[str, float | None]
    reason: str
    reasons: tuple[str, ...]
    fallback: bool
    return_to: Tier | None
    batch_wait_ceiling_s: float | None
    propensity: float
    decision_id: str
    versions: dict[str, str]
    task: Task = field(repr=False)
    evidence: Evidence = field(repr=False)

    def explain(self) -> str:
        """Rules, probabilities, evidence, arithmetic, and what would change the answer."""
        from ._explain import explain  # prose is needed by few decisions, so it is loaded by them

        return explain(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, for JSON; without the specification and the objects behind it."""
        names = [name for name in self.__dataclass_fields__ if name not in ("task", "evidence")]
        values = {name: getattr(self, name) for name in names}
        values["plan"] = [str(tier) for tier in self.plan]
        values["tier"] = str(self.tier)
        values["return_to"] = None if self.return_to is None else str(self.return_to)
        values["reasons"] = list(self.reasons)
        return values

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __str__(self) -> str:
        sure = f"{self.confidence:.0%} sure, " if self.confidence else ""
        return f"{self.tier} ({self.mode}, {sure}{self.reason})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decision was computed from; `explain()` and replay read it."""

    policy: Policy
    ladder: Ladder
    beliefs: Any  # Beliefs, or None on a ladder without a model
    choice: Any  # Choice
    posterior: Any  # the classifier's Posterior, or None
    model: Any  # TierModel, or None
    trouble: str | None = None  # why no model could be loaded

    def __reduce__(self) -> tuple[object, ...]:
        """Between processes a decision travels without its model: numbers and rules stay."""
        beliefs = None if self.beliefs is None else self.beliefs._replace(all_fail=None)
        return Evidence, (self.policy, self.ladder, beliefs, self.choice, None, None, self.trouble)
