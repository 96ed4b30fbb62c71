"""Limits of the tiers: a request that a tier can't hold is not sent to it."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...classifier.errors import NoTierFits
from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder
from ..policy import Policy

CHARS_PER_TOKEN = 4.0  # English prose, as the SDK's own documents estimate it


class Tokens(NamedTuple):
    """Tokens of the whole task, given or estimated."""

    input: float
    output: float
    cached: float
    estimated: bool


def tokens_of(task: Task, policy: Policy, unit: str = "token") -> Tokens:
    """The caller's counts; where they are missing, the text's length and a default per item."""
    given_in: float | None = task.input_tokens
    given_out: float | None = task.output_tokens
    estimated = of_text_alone(task.specification, policy, unit)
    if given_in is None:
        given_in = max(estimated.input, task.cached_tokens or 0)
    if given_out is None:
        given_out = (task.items or 1) * estimated.output
    is_estimated = task.input_tokens is None or task.output_tokens is None
    return Tokens(given_in, given_out, task.cached_tokens or 0, is_estimated)


def of_text_alone(text: str, policy: Policy, unit: str) -> Tokens:
    """The same of a task of which nothing else is known."""
    output = policy.default_output_tokens if unit == "token" else 1  # one image an item
    return Tokens(math.ceil(len(text) / CHARS_PER_TOKEN), output, 0, True)


def fitting_tiers(task: Task, ladder: Ladder) -> tuple[list[bool], list[str]]:
    """Per rung whether it holds the task, and the codes of the limits that ruled one out.

    Only counts that the caller gave can rule a tier out; an estimate never does.
    """
    if task.input_tokens is None and task.output_tokens is None:
        return [True] * len(ladder.rungs), []
    fits: list[bool] = []
    codes: list[str] = []
    needs_in, needs_out = task.input_tokens or 0, task.output_tokens or 0
    for rung in ladder.rungs:
        holds = True
        if rung.context_window_tokens is not None and needs_in + needs_out > rung.context_window_tokens:
            holds = False
            codes.append(reasons.LIMIT_CONTEXT)
        if rung.max_output_tokens is not None and needs_out > rung.max_output_tokens:
            holds = False
            codes.append(reasons.LIMIT_OUTPUT)
        fits.append(holds)
    return fits, list(dict.fromkeys(codes))


def check_some_fit(task: Task, ladder: Ladder, allowed: range, fits: list[bool]) -> None:
    """Raise NoTierFits, naming the limit, unless an allowed rung holds the task."""
    if any(fits[index] for index in allowed):
        return
    names = [ladder.rungs[index].tier for index in allowed]
    windows = [ladder.rungs[index].context_window_tokens or math.inf for index in allowed]
    caps = [ladder.rungs[index].max_output_tokens or math.inf for index in allowed]
    needs_in, needs_out = task.input_tokens or 0, task.output_tokens or 0
    limit = (
        f"output_tokens={needs_out:,} exceeds the output cap ({max(caps):,.0f})"
        if needs_out > max(caps)
        else f"input_tokens={needs_in:,} and output_tokens={needs_out:,} together exceed the context "
        f"window ({max(windows):,.0f})"
    )
    raise NoTierFits(
        f"No allowed tier ({', '.join(names)}) holds this task: {limit}. "
        "Split the task, or allow a tier with a larger limit.",
        about=task,
    )
