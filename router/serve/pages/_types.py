"""The page Types: a row per task type, what its outcomes say and where it should go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ....classifier.errors import TierwiseError
from ...log.figures._stats import TierStats
from ...movements import Movement
from . import _counts, _svg
from ._cached import Cached
from ._state import State, ladder_of

PER_PAGE = 50
SAYS = {
    "down": "ready to go down",
    "up": "must go up",
    "held": "held by a rule",
    "unsure": "too little is known",
    "stay": "stays",
}
_ORDER = tuple(SAYS)


class Cell(NamedTuple):
    """Outcomes of one type at one tier."""

    clean: int
    n: int
    rate: float
    interval: tuple[float, float]
    bar: Any


class TypeRow(NamedTuple):
    """A line of the table.

    share_clean : None where no verdict speaks of capability. move : None where nothing was worked out.
    """

    name: str | None
    cells: dict[str, Cell]
    n_judged: int
    share_clean: float | None
    move: Movement | None


_SORTS: dict[str, Callable[[TypeRow], Any]] = {
    "judged": lambda row: (-row.n_judged, row.name or ""),
    "type": lambda row: row.name or "",
    "clean": lambda row: (2.0 if row.share_clean is None else row.share_clean, row.name or ""),
    "move": lambda row: (
        len(_ORDER) if row.move is None else _ORDER.index(row.move.direction),
        row.name or "",
    ),
    "saves": lambda row: (0.0 if row.move is None else -_saves(row.move), row.name or ""),
}


def types_page(state: State, cached: Cached, asked: Mapping[str, str]) -> dict[str, Any] | None:
    """What the template shows; None while the verdicts are being counted."""
    stats = _counts.stats(state, cached)
    if stats is None:
        return None
    trouble, moves = None, {}
    try:
        found = _counts.moves(state, cached)
        moves = {} if found is None else {each.task_type: each for each in found.types}
        counting = found is None
    except TierwiseError as error:  # the counts are true without a model
        trouble, counting = str(error), False
    tiers = ladder_of(state).names
    rows = [_row(name, found, moves.get(name or "")) for name, found in stats.types.items()]
    sort = asked["sort"] if asked.get("sort") in _SORTS else "judged"
    rows.sort(key=_SORTS[sort])
    n_pages = max(-(-len(rows) // PER_PAGE), 1)
    page = min(max(_whole(asked.get("page", "")), 1), n_pages)
    return {
        "rows": [_with_bars(row) for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE]],
        "n_types": len(rows),
        "tiers": [*tiers, *sorted({tier for row in rows for tier in row.cells} - set(tiers))],
        "sort": sort,
        "page": page,
        "n_pages": n_pages,
        "says": SAYS,
        "counting": counting,
        "trouble": trouble,
        "saves": _saves,
        "counted_at": cached.counted_at(_counts.STATS, _counts.moves_name(state.model())),
    }


def _row(name: str | None, tiers: Mapping[str, TierStats], move: Movement | None) -> TypeRow:
    cells = {}
    for tier, found in tiers.items():
        if found.pass_rate is not None and found.interval is not None:
            clean = found.counts.get("clean", 0)
            cells[tier] = Cell(clean, found.n_evidence, found.pass_rate, found.interval, None)
    n = sum(cell.n for cell in cells.values())
    clean = sum(cell.clean for cell in cells.values())
    return TypeRow(name, cells, n, clean / n if n else None, move)


def _with_bars(row: TypeRow) -> TypeRow:
    cells = {
        tier: cell._replace(
            bar=_svg.rate_bar(
                cell.rate,
                *cell.interval,
                f"{cell.rate:.0%} clean of {cell.n:,}, 90 % interval {cell.interval[0]:.0%} to "
                f"{cell.interval[1]:.0%}",
            )
        )
        for tier, cell in row.cells.items()
    }
    return row._replace(cells=cells)


def _saves(move: Movement) -> float:
    """USD a month of moving it; 0 where it stays."""
    moves = move.direction in ("down", "up")
    return move.saves_usd_per_1000 * move.tasks_per_month / 1000.0 if moves else 0.0


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
