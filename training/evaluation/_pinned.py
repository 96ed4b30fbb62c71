"""Cases of the operator that no model may move."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...classifier.errors import InvalidTask, InvalidTraining, suggestion
from ...classifier.model import TierModel
from ...classifier.task import Task
from ...router.ladder import default_ladder
from ...router.policy import Policy
from ...router.predict import predict_tier


class Pinned(NamedTuple):
    """tier : what must come out. at_least : the lowest that may. One of them is None."""

    where: str
    task: Task
    tier: str | None
    at_least: str | None
    history: Mapping[str, Sequence[float]] | None


def read_pinned(pinned: str | os.PathLike[str] | Sequence[Mapping[str, Any]] | None) -> list[Pinned]:
    """Raises InvalidTraining, naming the case."""
    if pinned is None:
        return []
    if isinstance(pinned, (str, os.PathLike)):
        return [_case(where, given) for where, given in _lines(Path(pinned))]
    return [_case(f"case {number}", given) for number, given in enumerate(pinned)]


def broken_cases(cases: Sequence[Pinned], model: TierModel, policy: Policy) -> list[str]:
    """A sentence for each case that the model does not keep. Raises InvalidTraining for an unknown tier."""
    ladder = policy.ladder or default_ladder()
    for case in cases:
        wanted = case.tier or case.at_least
        if wanted not in ladder.names:
            known = f"{suggestion(str(wanted), ladder.names)} Allowed: {', '.join(ladder.names)}."
            raise InvalidTraining(
                f"Pinned {case.where}: {wanted!r} is no tier of the ladder{known}", about=wanted
            )
    out = []
    for case in cases:
        facts = {name: value for name, value in vars(case.task).items() if value is not None}
        specification = facts.pop("specification")
        found = predict_tier(specification, history=case.history, model=model, policy=policy, **facts).tier
        shown = specification if len(specification) <= 60 else specification[:57] + "..."
        if case.tier is not None and found != case.tier:
            out.append(f"Pinned {case.where}, {shown!r}, must be {case.tier} and came out as {found}.")
        if case.at_least is not None and found < case.at_least:
            out.append(
                f"Pinned {case.where}, {shown!r}, must be {case.at_least} or above and came out as {found}."
            )
    return out


def _lines(path: Path) -> list[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTraining(f"The pinned cases {path} can't be read: {error}.", about=path) from error
    out = []
    for number, line in enumerate(text.split("\n"), start=1):  # a text may have other line ends in it
        if not line.strip():
            continue
        try:
            out.append((f"line {number}", json.loads(line)))
        except ValueError as error:
            raise InvalidTraining(f"{path}, line {number}, is no JSON: {error}.", about=number) from error
    return out


def _case(where: str, given: Any) -> Pinned:
    if not isinstance(given, Mapping):
        raise InvalidTraining(f"Pinned {where} must be a mapping of task facts; got {given!r}.", about=given)
    facts = dict(given)
    tier, at_least, history = (facts.pop(name, None) for name in ("tier", "at_least", "history"))
    if (tier is None) == (at_least is None):
        raise InvalidTraining(
            f"Pinned {where} needs either 'tier', which must come out, or 'at_least', the lowest that may.",
            about=where,
        )
    try:
        task = Task.from_mapping(facts)
    except InvalidTask as error:
        raise InvalidTraining(f"Pinned {where}: {error}", about=where) from error
    return Pinned(where, task, tier, at_least, history)
