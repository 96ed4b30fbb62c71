"""History of a task type, as counts: clean and not clean, per tier.

The other form is a `TypeState`, which also knows when, and of which texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

from ..errors import InvalidTask, suggestion

Counts = Mapping[str, Sequence[float]]
MAX_COUNT = 1e15  # above it a float no longer counts


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


def _is_number(value: object) -> bool:
    """NumPy's and pandas' numbers included."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _parse_pair(tier: str, pair: object) -> tuple[float, float]:
    numbers = list(pair) if isinstance(pair, (tuple, list)) else []
    valid = len(numbers) == 2 and all(_is_number(n) and 0 <= n <= MAX_COUNT for n in numbers)
    if not valid:
        raise InvalidTask(
            f"history[{tier!r}] must be two counts >= 0, (clean, not clean); got {pair!r}.", about="history"
        )
    return float(numbers[0]), float(numbers[1])
