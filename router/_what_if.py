"""What would change a decision: the same pure function, asked again with one fact changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..classifier.errors import InvalidTask
from ..classifier.task import Task
from ._percent import percent
from .decision import Decision
from .rules._beliefs import Beliefs
from .rules._bounds import bounds_of
from .rules._decide import Choice, decide

_FLIPS: tuple[tuple[str, Any, str], ...] = (
    ("live", True, "if a person were waiting for it (live=True)"),
    ("consequential", True, "if much depended on it (consequential=True)"),
    ("role", "orchestrator", 'if it planned for other agents (role="orchestrator")'),
    ("verifiable", True, "if a program could check the result (verifiable=True)"),
    ("items", 25, "if it ran over 25 items (items=25)"),
)


def alternatives(decision: Decision) -> list[str]:
    """One line for each change that would give another tier, mode or plan."""
    if decision.mode == "none":
        return ["deterministic=False would route it to a model"]
    return [*_flipped_facts(decision), *_moved_probabilities(decision)]


def _flipped_facts(decision: Decision) -> Iterator[str]:
    task, now = decision.task, decision.evidence.choice
    for name, value, words in _FLIPS:
        if getattr(task, name) == value or (name in ("items", "role") and getattr(task, name) is not None):
            continue
        other = _asked_again(decision, replace(task, **{name: value}), decision.evidence.beliefs)
        if other is not None and _outcome(other) != _outcome(now):
            yield f"{_in_words(decision, other)} {words}"
    if task.pin is not None:
        other = _asked_again(decision, replace(task, pin=None), decision.evidence.beliefs)
        if other is not None and other.rung != now.rung:
            yield f"{_in_words(decision, other)} without the pin"


def _moved_probabilities(decision: Decision) -> Iterator[str]:
    """How far the two sums that "Sonnet unless" compares are from their thresholds."""
    beliefs, ladder = decision.evidence.beliefs, decision.evidence.ladder
    if beliefs is None or decision.reason not in ("classifier", "low_confidence", "many_items"):
        return
    middle = ladder.production
    above, below = percent(sum(beliefs.needed[middle + 1 :])), percent(sum(beliefs.needed[:middle]))
    up, down = f"{beliefs.lambda_up:.0%}", f"{beliefs.lambda_down:.0%}"
    name = ladder.names[middle]
    bounds = bounds_of(decision.task, ladder)
    if decision.tier > name and bounds.low <= middle:
        yield f"{name} if the probability of a higher tier fell from {above} below {up}"
    elif decision.tier < name and bounds.high >= middle:
        yield f"{name} if the probability of a lower tier fell from {below} below {down}"
    elif decision.tier == name:
        if middle < bounds.high:
            yield f"a higher tier if its probability rose from {above} to {up}"
        if middle > bounds.low:
            yield f"a lower tier if its probability rose from {below} to {down}"
    yield "the outcomes of this task type move these numbers: give history=, or report outcomes"


def _asked_again(decision: Decision, task: Task, beliefs: Beliefs | None) -> Choice | None:
    evidence = decision.evidence
    try:
        return decide(
            task, beliefs, evidence.policy, evidence.ladder, unavailable=evidence.trouble is not None
        )
    except InvalidTask:
        return None  # the changed fact contradicts another one: no alternative to offer


def _outcome(choice: Choice) -> tuple[object, ...]:
    return choice.rung, choice.mode, choice.plan


def _in_words(decision: Decision, choice: Choice) -> str:
    names = decision.evidence.ladder.names
    mode = "" if choice.mode == decision.mode else f" in {choice.mode} mode"
    return " then ".join(names[rung] for rung in choice.plan) + mode
