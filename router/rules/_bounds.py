"""Pin, floors and ceiling: what the facts allow before any probability is read."""

from __future__ import annotations

from typing import NamedTuple

from ...classifier.errors import ContradictoryTask
from ...classifier.task import Task
from .. import reasons
from ..ladder import Ladder


class Bounds(NamedTuple):
    """Indices on the ladder, and for each floor the code of the fact behind it."""

    low: int
    high: int
    pin: int | None
    floors: tuple[tuple[int, str], ...]  # (index, code), as the facts imply them
    codes: tuple[str, ...]  # what must be said whatever is predicted


def bounds_of(task: Task, ladder: Ladder) -> Bounds:
    """Raises ContradictoryTask where the caller's own bounds exclude each other."""
    top = len(ladder.rungs) - 1
    if not (task.live or task.role or task.attempts or task.floor or task.ceiling or task.pin):
        return Bounds(0, top, None, (), ())  # most tasks
    explicit_low = 0 if task.floor is None else ladder.index(task.floor)
    high = top if task.ceiling is None else ladder.index(task.ceiling)
    pin = None if task.pin is None else ladder.index(task.pin)
    _check_consistent(task, explicit_low, high, pin)
    codes: list[str] = []
    floors = _derived_floors(task, ladder, high, codes)
    derived = max((index for index, _ in floors), default=0)
    if derived > high:
        codes.append(reasons.CEILING_BELOW_FLOOR)
    if pin is not None:
        codes.insert(0, reasons.PIN)  # the decisive one first
        if pin < derived:
            codes.append(reasons.PIN_BELOW_FLOOR)
    if explicit_low:
        floors.append((explicit_low, reasons.FLOOR))
    low = min(max(derived, explicit_low), high)
    return Bounds(low, high, pin, tuple(floors), tuple(codes))


def _derived_floors(task: Task, ladder: Ladder, high: int, codes: list[str]) -> list[tuple[int, str]]:
    floors: list[tuple[int, str]] = []
    if task.live:
        floors.append((ladder.production, reasons.FLOOR_LIVE))
    if task.role == "orchestrator":
        floors.append((ladder.strategy, reasons.FLOOR_ORCHESTRATOR))
    elif task.role == "reviewer":
        floors.append((ladder.production, reasons.FLOOR_REVIEWER))
    if task.attempts:
        highest = max(ladder.index(tier) for tier in task.attempts)
        if highest >= high if task.pin is None else task.pin in task.attempts:
            codes.append(reasons.EXHAUSTED)  # nothing above is allowed: the highest once more
        floors.append((min(highest + 1, high), reasons.FLOOR_ATTEMPTS))
    return floors


def _check_consistent(task: Task, low: int, high: int, pin: int | None) -> None:
    if low > high:
        raise ContradictoryTask(
            f"floor {task.floor!r} lies above ceiling {task.ceiling!r}; raise the ceiling or drop one.",
            about="floor",
        )
    if pin is not None and not low <= pin <= high:
        side = f"below floor {task.floor!r}" if pin < low else f"above ceiling {task.ceiling!r}"
        raise ContradictoryTask(
            f"pin {task.pin!r} lies {side}; a pin must keep the bounds given with it.", about="pin"
        )
