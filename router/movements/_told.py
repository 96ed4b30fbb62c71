"""What a model believes of types' latest tasks, now that it is told the outcomes of their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple

from ...classifier.belief._place import Place
from ...classifier.belief.posterior import Posterior
from ...classifier.belief.state import Seen, TypeState
from ...classifier.model import TierModel
from ...classifier.reading._reader import Readings
from ...classifier.task import Task
from .._placing import seen
from ._unread import state_of
from ._work import Judged, Recurring, Work


def told_of(
    model: TierModel, types: Sequence[Recurring], works: Sequence[Sequence[Work]]
) -> list[list[Posterior]]:
    """A posterior for each of `works`, which are of these types, by its text and the type's outcomes."""
    judged = [[each for each in some.outcomes if each.work.tier in model.tiers] for some in types]
    read = _read(model, chain(chain(*works), (each.work for some in judged for each in some)))
    states = _states(model, types, judged, read)
    return _like(works, _posteriors(model, [each.task_type for each in types], works, states, read))


class _Read(NamedTuple):
    """Texts that were read, each once: one that was judged is also among the latest of its type.

    rows : by the identity of the task.
    """

    readings: Readings
    rows: Mapping[int, int]

    def of(self, tasks: Iterable[Task]) -> Readings:
        return self.readings.of([self.rows[id(task)] for task in tasks])


def _read(model: TierModel, works: Iterable[Work]) -> _Read:
    tasks = {id(work.task): work.task for work in works if _readable(work)}
    rows = {key: row for row, key in enumerate(tasks)}
    return _Read(model.reader.read_many(list(tasks.values())), rows)


def _states(
    model: TierModel,
    types: Sequence[Recurring],
    judged: Sequence[Sequence[Judged]],
    read: _Read,
) -> list[TypeState]:
    """What each type's outcomes say under this model."""
    places = iter(_places(model, [each.work for some in judged for each in some], read))
    return [
        state_of(
            model,
            [found for each in some if (found := _seen(each, next(places), model)) is not None],
            {model.tiers.index(tier): n for tier, n in each.unread.items() if tier in model.tiers},
        )
        for each, some in zip(types, judged, strict=True)
    ]


def _places(model: TierModel, works: Sequence[Work], read: _Read) -> list[Place]:
    of_texts = iter(model.places_read(read.of(work.task for work in works if _readable(work))))
    kept = iter(model.places_of([work.text or model.uninformed for work in works if not _readable(work)]))
    return [next(of_texts if _readable(work) else kept) for work in works]


def _seen(judged: Judged, place: Place, model: TierModel) -> Seen | None:
    work = judged.work
    return seen(judged.verdict, work.tier, judged.basis, judged.at, place, work.task.attempts, model)


def _posteriors(
    model: TierModel,
    names: Sequence[str],
    works: Sequence[Sequence[Work]],
    states: Sequence[TypeState],
    read: _Read,
) -> list[Posterior]:
    of_type = dict(zip(names, states, strict=True))
    texts = [
        (name, work.task) for name, some in zip(names, works, strict=True) for work in some if _readable(work)
    ]
    of_texts = iter(
        model.posteriors(
            [_named(task, name) for name, task in texts],
            of_type,
            readings=read.of(task for _, task in texts),
        )
    )
    return [
        next(of_texts)
        if _readable(work)
        else model.posterior_of_mass(work.text or model.uninformed, of_type[name])
        for name, some in zip(names, works, strict=True)
        for work in some
    ]


def _like(shape: Sequence[Sequence[Work]], flat: Sequence[Posterior]) -> list[list[Posterior]]:
    """The same values in groups as long as those of `shape`."""
    rest = iter(flat)
    return [list(islice(rest, len(some))) for some in shape]


def _named(task: Task, task_type: str) -> Task:
    return task if task.task_type == task_type else replace(task, task_type=task_type)


def _readable(work: Work) -> bool:
    """A text that was not kept stands as dots, or as nothing."""
    return work.text is None and bool(work.task.specification.strip("."))
