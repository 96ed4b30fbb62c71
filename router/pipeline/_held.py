"""Works that wait for a batch until every article that can come has come to their step. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..run._keyed import Keyed


class Held:
    """`before` : step -> all steps that are done before it.

    A step is complete when nothing is under way at the steps before it: an article that failed there does not
    come, and nobody waits for it.
    """

    def __init__(self, before: Mapping[str, Sequence[str]]) -> None:
        self._before = before
        self._under_way: Counter[str] = Counter()
        self._held: dict[str, list[Keyed]] = {}

    def __bool__(self) -> bool:
        return any(self._held.values())

    def begun(self, step: str) -> None:
        """A work of this step waits, runs, or is in a batch."""
        self._under_way[step] += 1

    def ended(self, step: str) -> None:
        """It has its result."""
        self._under_way[step] -= 1

    def hold(self, step: str, keyed: Keyed) -> None:
        self._held.setdefault(step, []).append(keyed)

    def complete(self) -> str | None:
        """A step whose works can be sent, if there is one."""
        for step, works in self._held.items():
            if works and not any(self._under_way[each] for each in self._before[step]):
                return step
        return None

    def of(self, step: str) -> Sequence[Keyed]:
        return tuple(self._held.get(step, ()))

    def take(self, step: str, n_works: int) -> list[Keyed]:
        """The first so many; they are held no more."""
        works = self._held[step]
        self._held[step] = works[n_works:]
        return works[:n_works]
