"""Many decisions as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from ..classifier.belief.posterior import Posterior
from ..classifier.task import Task
from ._engine import Engine
from .decision import Decision
from .rules._decide import Choice


class Decisions(Sequence[Decision]):
    """Decisions as columns; a `Decision` is built when its row is read.

    tiers, models, modes, reasons, fallbacks : one value per task.
    """

    def __init__(
        self,
        engine: Engine,
        tasks: Sequence[Task],
        posteriors: Sequence[Posterior | None],
        choices: Sequence[Choice],
    ) -> None:
        self._engine, self._tasks, self._posteriors, self._choices = engine, tasks, posteriors, choices
        self._built: dict[int, Decision] = {}

    @property
    def tiers(self) -> list[str]:
        names = self._engine.ladder.tiers
        return [names[choice.rung] for choice in self._choices]

    @property
    def modes(self) -> list[str]:
        return [choice.mode for choice in self._choices]

    @property
    def reasons(self) -> list[str]:
        return [choice.codes[0] for choice in self._choices]

    @property
    def fallbacks(self) -> list[bool]:
        return [choice.fallback for choice in self._choices]

    def __len__(self) -> int:
        return len(self._choices)

    @overload
    def __getitem__(self, index: int) -> Decision: ...
    @overload
    def __getitem__(self, index: slice) -> list[Decision]: ...
    def __getitem__(self, index: int | slice) -> Decision | list[Decision]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        if index not in self._built:  # kept, so that its decision_id stays the same
            posterior, choice = self._posteriors[index], self._choices[index]
            beliefs = self._engine.beliefs(posterior)  # made anew: a million of them need not be kept
            self._built[index] = self._engine.built(choice, self._tasks[index], beliefs, posterior)
        return self._built[index]

    def __repr__(self) -> str:
        return f"<Decisions: {len(self)} tasks>"

    def __iter__(self) -> Iterator[Decision]:
        return (self[index] for index in range(len(self)))
