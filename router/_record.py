"""A choice written out as the decision that callers see; ids are added here, at the edge."""

from __future__ import annotations

import os

from .. import __version__
from ..classifier.task import Task
from ._decide import Choice, rung_cost_usd
from .decision import Decision, Evidence
from .ladder import Ladder, Rung


def decision_of(choice: Choice, task: Task, evidence: Evidence) -> Decision:
    """Names in place of indices, dollars in place of tokens."""
    ladder, policy, beliefs = evidence.ladder, evidence.policy, evidence.beliefs
    names = ladder.names
    n_rungs = len(names)
    needed = beliefs.needed if beliefs is not None else (0.0,) * n_rungs
    pass_ = beliefs.pass_ if beliefs is not None else (0.0,) * n_rungs
    no_model = choice.mode == "none"
    batch = choice.mode == "batch"
    costs = {} if no_model else _expected_costs(choice, task, evidence, batch=batch)
    return Decision(
        tier=ladder.tiers[choice.rung],
        model=None if no_model else ladder.rungs[choice.rung].model,
        mode=choice.mode,
        plan=tuple([ladder.tiers[index] for index in choice.plan]),
        confidence=0.0 if no_model else needed[choice.rung],
        probabilities=dict(zip(names, needed, strict=True)) if beliefs is not None else {},
        pass_probabilities=dict(zip(names, pass_, strict=True)) if beliefs is not None else {},
        expected_cost_usd=costs,
        expected_latency_ms={} if no_model else _latencies(ladder, choice),
        reason=choice.codes[0],
        reasons=choice.codes,
        fallback=choice.fallback,
        return_to=None if choice.return_to is None else ladder.tiers[choice.return_to],
        batch_wait_ceiling_s=policy.batch_wait_ceiling_s if batch else None,
        propensity=1.0,
        decision_id=os.urandom(16).hex(),
        versions={
            "tierwise": __version__,
            "ladder": ladder.name,
            "model": "none" if evidence.model is None else evidence.model.version,
        },
        task=task,
        evidence=evidence,
    )


def _expected_costs(choice: Choice, task: Task, evidence: Evidence, *, batch: bool) -> dict[str, float]:
    """Per tier: tokens in the chosen mode, plus P(not clean) x correction where it has a price."""
    correction = evidence.policy.correction_cost_usd(task.task_type)
    beliefs = evidence.beliefs
    rungs = evidence.ladder.rungs
    costs = {rung.tier: rung_cost_usd(rung, choice.tokens, task, batch=batch) for rung in rungs}
    if correction is not None and beliefs is not None:
        for rung, passes in zip(rungs, beliefs.pass_, strict=True):
            costs[rung.tier] += (1.0 - passes) * correction
    return costs


def _latencies(ladder: Ladder, choice: Choice) -> dict[str, float | None]:
    return {rung.tier: latency_ms(rung, choice.tokens.output) for rung in ladder.rungs}


def latency_ms(rung: Rung, output_tokens: float) -> float | None:
    """Expected milliseconds to the last token of one request; None where the speed is unknown."""
    if not rung.output_tokens_per_second:
        return None
    return rung.first_token_ms + 1000.0 * output_tokens / rung.output_tokens_per_second
