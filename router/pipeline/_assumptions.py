"""What a plan's figures rest on, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..policy import Policy
from ._tokens import COUNTED, DEFAULT, TYPICAL, Typical
from .pipeline import Pipeline
from .plan import PlannedStep


class Basis(NamedTuple):
    """What a plan was made from. unit : of the ladder. fields_counted : real articles were given."""

    pipeline: Pipeline
    policy: Policy
    unit: str
    typical: Mapping[str, Typical]
    fields_counted: bool


def assumptions(steps: Sequence[PlannedStep], basis: Basis) -> tuple[str, ...]:
    """One sentence each, with the steps that it is about."""
    return tuple(_sentences([s for s in steps if s.mode != "none"], basis))


def _sentences(steps: Sequence[PlannedStep], basis: Basis) -> Iterator[str]:
    known = [s for s in steps if TYPICAL in (s.input_from, s.output_from)]
    if known:
        names = ", ".join(f"{s.name} ({basis.typical[s.task_type].n})" for s in known)
        yield f"Tokens as the log saw them, median of so many runs: {names}."
    assumed = [s.name for s in steps if s.output_from == DEFAULT]
    if assumed:
        yield (f"{_default(basis)} per item where a step says no output_tokens: {', '.join(assumed)}.")
    counted = [s.name for s in steps if s.input_from == COUNTED]
    if counted:
        yield (
            "Input tokens: a quarter of the template's characters, and the output tokens of the steps "
            f"that it uses: {', '.join(counted)}."
        )
    fields = dict.fromkeys(name for each in counted for name in basis.pipeline[each].template.fields)
    if fields and not basis.fields_counted:
        yield f"Fields of the article are not counted: {', '.join(fields)}."
    if any(s.with_retries_usd > s.cost_usd for s in steps):
        yield "Retries: where a check is expected to fail, by the probability that the answer isn't clean."
    if any(s.mode == "batch" for s in steps):
        yield (
            "A batch is sent when all articles have come to its step, and takes its own time, which no "
            "latency here includes; what fails its check there is tried further at once, at the full price."
        )
    for number in sorted({s.batch_from_articles for s in steps if s.batch_from_articles is not None}):
        names = ", ".join(s.name for s in steps if s.batch_from_articles == number)
        yield f"From {number} articles on these would go in batch, at its price: {names}."
    yield "Prices and speeds of the ladder; thinking tokens, cache writes and corrections are not in."


def _default(basis: Basis) -> str:
    if basis.unit != "token":
        return f"1 {basis.unit}"
    return f"{basis.policy.default_output_tokens} output tokens (the policy's default)"
