"""An outcome of the log as the learner sees it: where its text stood, which tier, clean or not.

Without the text a row is placed by what was kept of it, the best first:

1. the place itself, where this very model made the decision;
2. the text, read by this model;
3. what another model had made of the text: P(needed tier), logged with the decision;
4. nothing: as a text that can't be read, so that only verdict and tier speak.

A stored embedding is no substitute for the third: the head reads embedding and words together, and half
of what it adds up says less than the whole that another model added up. Fits can use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ..classifier.belief._place import Place
from ..classifier.belief.state import BASIS_WEIGHT, Seen
from ..classifier.model import TierModel
from ..classifier.task import Task

CAPABILITY: Mapping[str, bool] = {"clean": True, "corrected": False, "failed": False}


class Row(Protocol):
    """What is asked of a row of the log; see `JudgedRow`."""

    @property
    def task_type(self) -> str | None: ...
    @property
    def tier(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def specification(self) -> str | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def details(self) -> Mapping[str, Any] | None: ...


def seen_of(row: Row, place: Place, model: TierModel) -> Seen | None:
    """None where the verdict says nothing about capability, or the tier is none of the model's."""
    return seen(row.verdict, row.tier, row.basis, row.at, place, row.facts.get("attempts", ()), model)


def seen(
    verdict: str,
    tier: str,
    basis: str,
    at: datetime,
    place: Place,
    attempts: Sequence[str],
    model: TierModel,
) -> Seen | None:
    """The same, of parts."""
    if verdict not in CAPABILITY or tier not in model.tiers:
        return None
    failed = tuple(model.tiers.index(each) for each in dict.fromkeys(attempts) if each in model.tiers)
    index = model.tiers.index(tier)
    return Seen(at.timestamp(), index, CAPABILITY[verdict], place, failed, BASIS_WEIGHT[basis])


def places_of(rows: Sequence[Row], model: TierModel) -> list[Place]:
    """Where each row's text stands for this model."""
    found = [_stored_place(row, model) for row in rows]
    to_read = [index for index, place in enumerate(found) if place is None]
    tasks = [_task(rows[index]) for index in to_read]
    for index, place in zip(to_read, model.places(tasks), strict=True):
        found[index] = place
    return [place for place in found if place is not None]


def _stored_place(row: Row, model: TierModel) -> Place | None:
    """None where the text is to be read."""
    beliefs = (row.details or {}).get("beliefs") or {}
    if beliefs.get("fingerprint") == model.fingerprint and beliefs.get("place"):
        return tuple(beliefs["place"])
    if row.specification is not None:
        return None
    if tuple(beliefs.get("tiers") or ()) == model.tiers and beliefs.get("text"):
        return model.link.place(beliefs["text"])
    return model.link.place(model.uninformed)


def _task(row: Row) -> Task:
    facts = {name: value for name, value in row.facts.items() if name != "attempts"}
    return Task(row.specification or "", task_type=row.task_type, **facts)
