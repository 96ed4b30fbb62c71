"""What would change a decision: the same pure function, asked again with one fact changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..classifier.errors import InvalidTask
from ..classifier.task import Task
from ._percent import percent, threshold
from .decision import Decision
from .rules._beliefs import Beliefs
from .rules._decide import Choice, decide
from .rules._sonnet_unless import asked_down

_FLIPS: tuple[tuple[str, Any, str], ...] = (
    ("live", True, "if a person were waiting for it (live=True)"),
    ("consequential", True, "if much depended on it (consequential=True)"),
    ("role", "orchestrator", 'if it planned for other agents (role="orchestrator")'),
    ("verifiable", True, "if a program could check the result (verifiable=True)"),
    ("items", 25, "if it ran over 25 items (items=25)"),
)
_LITTLE = 1e-6  # beyond a threshold


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
    """How far the two sums that "Sonnet unless" compares are from their thresholds.

    Each is tried: a rule (much depends on it, a limit, a bound) may answer the same whatever they are.
    """
    beliefs, ladder = decision.evidence.beliefs, decision.evidence.ladder
    if beliefs is None or decision.reason not in ("classifier", "low_confidence", "many_items"):
        return
    middle, rung = ladder.production, decision.evidence.choice.rung
    name = ladder.names[middle]
    asked = asked_down(decision.task, beliefs, decision.evidence.policy)
    sides = (
        (slice(middle + 1, None), beliefs.lambda_up, rung > middle, "a higher tier", 1),
        (slice(0, middle), asked, rung < middle, "a lower tier", -1),
    )
    for side, limit, is_there, words, step in sides:
        if not beliefs.needed[side] or (rung != middle and not is_there):
            continue
        to = limit - _LITTLE if is_there else limit + _LITTLE
        moved = beliefs._replace(needed=_with_sum(beliefs.needed, side, to, middle))
        other = _asked_again(decision, decision.task, moved)
        here = percent(sum(beliefs.needed[side]), 1)
        if other is None:
            continue
        if is_there and other.rung == middle:
            yield f"{name} if the probability of {words} fell from {here} below {threshold(limit)}"
        elif not is_there and (other.rung - rung) * step > 0:
            yield f"{words} if its probability rose from {here} to {threshold(limit)}"
    yield "the outcomes of this task type move these numbers: give history=, or report outcomes"


def _with_sum(needed: tuple[float, ...], side: slice, to: float, middle: int) -> tuple[float, ...]:
    """With this sum on one side, spread as it was; the difference is the middle's, or all others'."""
    out, now = list(needed), sum(needed[side])
    to = min(max(to, 0.0), 1.0)
    nearest = middle + 1 if side.start else middle - 1
    for index in range(len(out))[side]:
        out[index] = out[index] * to / now if now else to * (index == nearest)
    others = [index for index in range(len(out)) if index not in range(len(out))[side]]
    rest = 1.0 - to - sum(out[index] for index in others)
    if out[middle] + rest >= 0.0:
        out[middle] += rest
        return tuple(out)
    left = sum(out[index] for index in others)
    for index in others:
        out[index] *= (1.0 - to) / left
    return tuple(out)


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
