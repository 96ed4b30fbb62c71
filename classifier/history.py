"""History of a task type, as counts: clean and not clean, per tier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .errors import InvalidTask, suggestion

Counts = Mapping[str, Sequence[float]]


def parse_counts(history: object, tiers: Sequence[str]) -> dict[int, tuple[float, float]] | None:
    """Tier index -> (clean, not clean); None where nothing was observed.

        parse_counts({"haiku": (12, 1), "sonnet": (4, 0)}, ("haiku", "sonnet", "opus"))

    Raises InvalidTask, naming the tier and what was found.
    """
    if not isinstance(history, Mapping):
        raise InvalidTask(
            "history must map tiers to (clean, not clean), such as {'haiku': (12, 1)}; "
            f"got {type(history).__name__}.",
            about="history",
        )
    counts: dict[int, tuple[float, float]] = {}
    for tier, pair in history.items():
        if tier not in tiers:
            raise InvalidTask(
                f"history names the tier {tier!r}{suggestion(tier, tiers)} The model has: "
                f"{', '.join(tiers)}.",
                about=tier,
            )
        clean, unclean = _parse_pair(tier, pair)
        if clean or unclean:
            counts[tiers.index(tier)] = (clean, unclean)
    return counts or None


def _parse_pair(tier: str, pair: object) -> tuple[float, float]:
    numbers = list(pair) if isinstance(pair, (tuple, list)) else []
    valid = len(numbers) == 2 and all(
        isinstance(n, (int, float)) and not isinstance(n, bool) and 0 <= n < math.inf for n in numbers
    )
    if not valid:
        raise InvalidTask(
            f"history[{tier!r}] must be two counts >= 0, (clean, not clean); got {pair!r}.", about="history"
        )
    return float(numbers[0]), float(numbers[1])
