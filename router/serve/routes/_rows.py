"""Decisions as JSON: what is acted on, or all that they know.

Costs, latencies and pass probabilities take longer than the decision, so they are for those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._decisions import Decisions
from ..._ids import new_ids
from ...decision import Decision
from ...ladder import Ladder
from ...rules._beliefs import Beliefs
from ...rules._decide import Choice


def full_row(decision: Decision, *, logged: bool) -> dict[str, Any]:
    """All that it knows."""
    return {**decision.to_dict(), "logged": logged}


def brief_rows(decisions: Decisions | Sequence[Decision], *, keep_ids: bool) -> list[dict[str, Any]]:
    """The same of many, quicker.

    keep_ids : the decisions are built already, and logged under their ids.
    """
    if keep_ids or not isinstance(decisions, Decisions):
        return [brief_row(each) for each in decisions]
    engine, choices = decisions._engine, decisions._choices
    rows = zip(new_ids(len(choices)), choices, decisions._posteriors, strict=True)
    return [_row(each, choice, engine.beliefs(posterior), engine.ladder) for each, choice, posterior in rows]


def brief_row(decision: Decision) -> dict[str, Any]:
    """What is acted on."""
    _, ladder, beliefs, choice, *_ = decision.evidence
    return _row(decision.decision_id, choice, beliefs, ladder)


def _row(decision_id: str, choice: Choice, beliefs: Beliefs | None, ladder: Ladder) -> dict[str, Any]:
    rung, mode, names = choice.rung, choice.mode, ladder.names
    no_model = mode == "none"
    return {
        "decision_id": decision_id,
        "tier": names[rung],
        "model": None if no_model else ladder.rungs[rung].model,
        "mode": mode,
        "plan": [names[each] for each in choice.plan],
        "confidence": 0.0 if beliefs is None or no_model else beliefs.needed[rung],
        "probabilities": {} if beliefs is None else dict(zip(names, beliefs.needed, strict=True)),
        "reason": choice.codes[0],
        "reasons": choice.codes,
        "fallback": choice.fallback,
        "return_to": None if choice.return_to is None else names[choice.return_to],
        "propensity": choice.propensity,
    }
