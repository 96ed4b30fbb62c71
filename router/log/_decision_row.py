"""A decision as a row: what one filters by as columns, all that a replay needs in `details`."""

from __future__ import annotations

from itertools import combinations
from operator import attrgetter
from typing import Any, NamedTuple

from ...classifier.task import FACTS, Task
from .._champion import champion
from ..decision import Decision, Evidence
from ..rules._costs import expected_costs_usd, latency_ms
from ._policy_body import policy_body
from ._text import StoreText, features_of

COLUMN_FACTS = ("task_type",)  # a column of its own; the others are in `facts`
_OTHER_FACTS = tuple(name for name in FACTS if name not in COLUMN_FACTS)
_other_facts = attrgetter(*_OTHER_FACTS)
_NONE_GIVEN = _other_facts(Task.of_text("-"))


class DecisionRow(NamedTuple):
    """Values of the decisions table, and of the policy that it refers to."""

    values: dict[str, Any]
    policy: dict[str, Any]


def decision_row(
    decision: Decision, *, store_text: StoreText, decided_at_us: int, recorded_at_us: int, follows: str | None
) -> DecisionRow:
    """What the decision's properties say, read from its evidence at once: every decision comes by here."""
    task, evidence = decision.task, decision.evidence
    policy, ladder, beliefs, choice, _, model, _, versions = evidence
    fingerprint, body = policy_body(policy, ladder)
    no_model, rung = choice.mode == "none", choice.rung
    return DecisionRow(
        {
            "decision_id": decision.decision_id,
            "task_type": task.task_type,
            "tier": ladder.names[rung],
            "mode": choice.mode,
            "model": None if no_model else ladder.rungs[rung].model,
            "reason": choice.codes[0],
            "fallback": choice.fallback,
            "confidence": 0.0 if beliefs is None or no_model else beliefs.needed[rung],
            "propensity": choice.propensity,
            "model_version": versions["model"],
            "policy_fingerprint": fingerprint,
            "follows": follows,
            "decided_at_us": decided_at_us,
            "recorded_at_us": recorded_at_us,
            "facts": facts_of(task),
            "details": _details(task, evidence),
            **text_columns(task.specification, store_text, model),
        },
        body,
    )


def facts_of(task: Task) -> dict[str, Any]:
    """The facts that were given, but for the task type."""
    given = _other_facts(task)
    if given == _NONE_GIVEN:
        return {}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in zip(_OTHER_FACTS, given, strict=True)
        if value is not None and value != ()
    }


def text_columns(text: str | None, store_text: StoreText, model: Any = None) -> dict[str, Any]:
    """Text, features and what was stored; features by this model, else by the one in use."""
    if store_text == "full" and text is not None:
        return {"text_stored": "full", "specification": text, "features": None}
    if store_text == "features" and text is not None:
        model = model or champion()
        if not isinstance(model, str):  # else it is the reason why no model could be loaded
            return {"text_stored": "features", "specification": None, "features": features_of(text, model)}
    return {"text_stored": "none", "specification": None, "features": None}


def _details(task: Task, evidence: Evidence) -> dict[str, Any]:
    policy, ladder, beliefs, choice, _, _, trouble, versions = evidence
    names, costs, latencies = ladder.names, {}, {}
    if choice.mode != "none":
        costs = dict(zip(names, expected_costs_usd(choice, task, beliefs, policy, ladder), strict=True))
        latencies = {rung.tier: latency_ms(rung, choice.tokens.output) for rung in ladder.rungs}
    return {
        "plan": [names[rung] for rung in choice.plan],
        "reasons": list(choice.codes),
        "probabilities": {} if beliefs is None else dict(zip(names, beliefs.needed, strict=True)),
        "pass_probabilities": {} if beliefs is None else dict(zip(names, beliefs.pass_, strict=True)),
        "expected_cost_usd": costs,
        "expected_latency_ms": latencies,
        "return_to": None if choice.return_to is None else names[choice.return_to],
        "batch_wait_ceiling_s": policy.batch_wait_ceiling_s if choice.mode == "batch" else None,
        "versions": dict(versions),
        "n_chars": len(task.specification),
        "beliefs": _beliefs(task, evidence),
        "unavailable": trouble is not None,
    }


def _beliefs(task: Task, evidence: Evidence) -> dict[str, Any] | None:
    """Inputs of the decision that came from a model, and what that model had to go by."""
    beliefs, posterior = evidence.beliefs, evidence.posterior
    if beliefs is None:
        return None
    history = None if posterior is None else posterior.history
    return {
        "guard": beliefs.guard,
        "history": beliefs.history,
        "lambda_down": beliefs.lambda_down,
        "lambda_up": beliefs.lambda_up,
        "min_pass": beliefs.min_pass,
        "all_fail": _all_fail(task, evidence),
        "text": None if posterior is None else list(posterior.text),  # P(needed tier) by text alone
        "counts": None if history is None else {str(tier): list(pair) for tier, pair in history.items()},
        "tiers": None if evidence.model is None else list(evidence.model.tiers),
        # where the text was placed, and by which model: an outcome can be felt without the text
        "place": None if posterior is None else list(posterior.place),
        "fingerprint": None if evidence.model is None else evidence.model.fingerprint,
    }


def _all_fail(task: Task, evidence: Evidence) -> dict[str, float] | None:
    """P(all of these rungs fail this very task), where plans of several tiers could compete."""
    ask = None if evidence.beliefs is None else evidence.beliefs.all_fail
    if ask is None or not task.verifiable or evidence.policy.correction_cost_usd(task.task_type) is None:
        return None
    rungs = range(len(evidence.ladder.rungs))
    groups = [group for size in rungs[2:] for group in combinations(rungs, size)] + [tuple(rungs)]
    return {",".join(map(str, group)): float(ask(group)) for group in groups if len(group) > 1}
