"""What stands in for a model that is served no more."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ...classifier.errors import CallError, ModelNotServed
from ...classifier.task import Task
from ..ladder import Ladder, Rung
from ._call import Answered, call_steps
from ._check import Surroundings
from ._request import Options, Request, build_request
from ._retired import Retired
from ._steps import Interrupt, Remembered, Steps, add_spent


class Successor(NamedTuple):
    """A rung to call in place of the retired one. is_priced : its own prices are known, by the ladder."""

    rung: Rung
    is_priced: bool


def successor_of(rung: Rung, ladder: Ladder) -> Successor | None:
    """The one that the rung names: with the shape, limits and prices of the ladder's own rung of that model,
    else with those of the retired one."""
    model = rung.replaced_by
    if model is None or model == rung.model:
        return None
    known = next((each for each in ladder.rungs if each.model == model), None)
    return Successor(known or replace(rung, model=model), known is not None)


def answer_steps(
    request: Request, rung: Rung, options: Options, task: Task, around: Surroundings
) -> Steps[tuple[Answered, Request]]:
    """The model's answer; where it is retired, that of the successor which the ladder names.

    For some minutes the client remembers that, and asks the successor alone.
    """
    successor = successor_of(rung, around.ladder)
    if successor is None:
        return (yield from call_steps(request, rung, around.limits, around.outside)), request
    retired: Retired = yield Remembered()
    refused: CallError | None = None
    if rung.model not in retired:
        try:
            return (yield from call_steps(request, rung, around.limits, around.outside)), request
        except ModelNotServed as error:
            refused = error
    request = build_request(task, successor.rung, options)
    try:
        answered = yield from call_steps(request, successor.rung, around.limits, around.outside)
    except (CallError, Interrupt) as error:
        if refused is not None:
            add_spent(error, refused.n_requests, refused.cost_usd, refused.cost_is_exact)
        raise
    if refused is not None:
        retired.add(rung.model)
    return answered.after(refused, is_priced=successor.is_priced), request
