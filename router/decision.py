"""The answer: tier, model, mode, plan, and the arithmetic behind them. Frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..classifier.belief.posterior import Posterior
from ..classifier.model import TierModel
from ..classifier.task import Task
from .ladder import Ladder
from .ladder.tier import Tier
from .policy import Policy
from .rules._beliefs import Beliefs
from .rules._costs import expected_costs_usd, latency_ms
from .rules._decide import Choice
from .rules._mode import Mode


class Evidence(NamedTuple):
    """What the decision was computed from; `explain()` and replay read it."""

    policy: Policy
    ladder: Ladder
    beliefs: Beliefs | None  # None on a ladder without a model
    choice: Choice
    posterior: Posterior | None  # None without a model, and where a decision has travelled
    model: TierModel | None  # likewise
    trouble: str | None  # why no model could be loaded
    versions: Mapping[str, str]


class Decision:
    """What to run a task on, why, and what it is expected to cost.

    Everything below follows from the task and the evidence, and is worked out when it is read.

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
    task : what was decided about. evidence : what the decision was computed from.
    """

    __slots__ = ("_decision_id", "_evidence", "_task")

    def __init__(self, task: Task, evidence: Evidence, decision_id: str) -> None:
        self._task, self._evidence, self._decision_id = task, evidence, decision_id

    @property
    def tier(self) -> Tier:
        return self._evidence.ladder.tiers[self._evidence.choice.rung]

    @property
    def model(self) -> str | None:
        return None if self.mode == "none" else self._evidence.ladder.rungs[self._evidence.choice.rung].model

    @property
    def mode(self) -> Mode:
        return self._evidence.choice.mode

    @property
    def plan(self) -> tuple[Tier, ...]:
        return tuple(self._evidence.ladder.tiers[rung] for rung in self._evidence.choice.plan)

    @property
    def confidence(self) -> float:
        beliefs, choice = self._evidence.beliefs, self._evidence.choice
        return 0.0 if beliefs is None or choice.mode == "none" else beliefs.needed[choice.rung]

    @property
    def probabilities(self) -> dict[str, float]:
        beliefs = self._evidence.beliefs
        return {} if beliefs is None else self._by_tier(beliefs.needed)

    @property
    def pass_probabilities(self) -> dict[str, float]:
        beliefs = self._evidence.beliefs
        return {} if beliefs is None else self._by_tier(beliefs.pass_)

    @property
    def expected_cost_usd(self) -> dict[str, float]:
        policy, ladder, beliefs, choice, *_ = self._evidence
        if choice.mode == "none":
            return {}
        return self._by_tier(expected_costs_usd(choice, self._task, beliefs, policy, ladder))

    @property
    def expected_latency_ms(self) -> dict[str, float | None]:
        if self.mode == "none":
            return {}
        tokens = self._evidence.choice.tokens
        return {rung.tier: latency_ms(rung, tokens.output) for rung in self._evidence.ladder.rungs}

    @property
    def reason(self) -> str:
        return self._evidence.choice.codes[0]

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._evidence.choice.codes

    @property
    def fallback(self) -> bool:
        return self._evidence.choice.fallback

    @property
    def return_to(self) -> Tier | None:
        rung = self._evidence.choice.return_to
        return None if rung is None else self._evidence.ladder.tiers[rung]

    @property
    def batch_wait_ceiling_s(self) -> float | None:
        return self._evidence.policy.batch_wait_ceiling_s if self.mode == "batch" else None

    @property
    def propensity(self) -> float:
        return self._evidence.choice.propensity

    @property
    def decision_id(self) -> str:
        return self._decision_id

    @property
    def versions(self) -> dict[str, str]:
        return dict(self._evidence.versions)

    @property
    def task(self) -> Task:
        return self._task

    @property
    def evidence(self) -> Evidence:
        return self._evidence

    def explain(self) -> str:
        """Rules, probabilities, evidence, arithmetic, and what would change the answer."""
        from ._explain import explain  # prose is needed by few decisions, so it is loaded by them

        return explain(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, for JSON; without the specification and the objects behind it."""
        values = {name: getattr(self, name) for name in _FIELDS}
        values["plan"] = [str(tier) for tier in self.plan]
        values["tier"] = str(self.tier)
        values["return_to"] = None if self.return_to is None else str(self.return_to)
        values["reasons"] = list(self.reasons)
        return values

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __str__(self) -> str:
        from ._percent import percent

        if self.mode == "none":
            return f"no model ({self.reason})"
        needed = f"needed {percent(self.confidence)}, " if self.probabilities else ""
        return f"{self.tier} ({self.mode}, {needed}{self.reason})"

    def __repr__(self) -> str:
        return f"Decision({', '.join(f'{name}={getattr(self, name)!r}' for name in _FIELDS)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return self.to_dict() == other.to_dict() and self._task == other._task

    def __hash__(self) -> int:
        return hash(self._decision_id)

    def __reduce__(self) -> tuple[object, ...]:
        """Between processes a decision travels without its model: numbers and rules stay."""
        found = self._evidence
        beliefs = (
            None
            if found.beliefs is None
            else found.beliefs._replace(passes=found.beliefs.pass_, all_fail=None, top_passes=None)
        )
        stripped = found._replace(beliefs=beliefs, posterior=None, model=None)
        return Decision, (self._task, stripped, self._decision_id)

    def _by_tier(self, values: tuple[float, ...]) -> dict[str, float]:
        return dict(zip(self._evidence.ladder.names, values, strict=True))


_FIELDS = tuple(
    name
    for name, value in vars(Decision).items()
    if isinstance(value, property) and name not in ("task", "evidence")
)
