"""How many tokens a step's request takes, and where each figure comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..policy import Policy
from ..rules._limits import CHARS_PER_TOKEN
from ._template import STEPS, text_of
from .pipeline import Pipeline
from .step import Step

FACT, TYPICAL, DEFAULT, COUNTED = "fact", "log", "default", "counted"


class Typical(NamedTuple):
    """Tokens of one request of a task type, as the log knows them."""

    input_tokens: int
    output_tokens: int
    n: int


class StepTokens(NamedTuple):
    """Tokens of one article's request, and their sources: "fact", "log", "counted" or "default"."""

    input: int
    output: int
    cached: int
    input_from: str
    output_from: str


def tokens_of_steps(
    pipeline: Pipeline,
    policy: Policy,
    typical: Mapping[str, Typical],
    articles: Sequence[Mapping[str, Any]] = (),
    *,
    unit: str = "token",
) -> dict[str, StepTokens]:
    """Step -> tokens. What the step says comes first, then what the log knows of its type.

    Else the output is the policy's default per item (on a ladder of images: one), and the input is counted:
    the template, the outputs of the steps that it uses, and the mean of the fields of these articles (without
    any, fields count nothing).
    """
    found: dict[str, StepTokens] = {}
    for step in pipeline.order:
        known = typical.get(step.task_type or step.name)
        output, output_from = _output(step, policy, known, unit)
        given = step.facts.get("input_tokens")
        cached = int(step.facts.get("cached_tokens") or 0)
        if given is not None:
            into, into_from = int(given), FACT
        elif known is not None:
            into, into_from = max(known.input_tokens, cached), TYPICAL
        else:
            into, into_from = max(_counted(step, found, articles), cached), COUNTED
        found[step.name] = StepTokens(into, output, cached, into_from, output_from)
    return found


def _output(step: Step, policy: Policy, known: Typical | None, unit: str) -> tuple[int, str]:
    given = step.facts.get("output_tokens")
    if given is not None:
        return int(given), FACT
    if step.deterministic:
        return 0, FACT
    if known is not None:
        return known.output_tokens, TYPICAL
    return (policy.default_output_tokens if unit == "token" else 1) * step.items, DEFAULT


def _counted(step: Step, before: Mapping[str, StepTokens], articles: Sequence[Mapping[str, Any]]) -> int:
    template = step.template
    n_chars: float = template.n_chars
    for name in template.fields:
        lengths = [len(text_of(article[name])) for article in articles]
        n_chars += template.uses_of(name) * (sum(lengths) / len(lengths) if lengths else 0.0)
    from_steps = sum(before[used].output * template.uses_of(STEPS + used) for used in template.steps)
    return math.ceil(n_chars / CHARS_PER_TOKEN) + from_steps
