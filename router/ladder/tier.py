"""The name of a tier: a plain `str` that also knows its place on the ladder."""

from __future__ import annotations

from ...classifier.errors import InvalidTask, suggestion


class Tier(str):
    """Equal to its name, ordered by its ladder.

    >>> haiku, sonnet = ladder_tiers(["haiku", "sonnet"])
    >>> haiku == "haiku", haiku < "sonnet", sonnet >= "sonnet"
    (True, True, True)
    """

    __slots__ = ("order", "rank")
    rank: int
    order: tuple[str, ...]

    def __lt__(self, other: str) -> bool:
        return self.rank < self._index_of(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= self._index_of(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > self._index_of(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= self._index_of(other)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (str(self), self.order)

    def __str__(self) -> str:
        return str.__str__(self)

    def _index_of(self, other: str) -> int:
        return index_of(other, self.order)


def ladder_tiers(names: list[str] | tuple[str, ...]) -> tuple[Tier, ...]:
    """One `Tier` per name, lowest first."""
    order = tuple(names)
    return tuple(_restore(name, order) for name in order)


def index_of(name: str, order: tuple[str, ...]) -> int:
    """Place of a tier on its ladder; InvalidTask with the nearest name for an unknown one."""
    try:
        return order.index(name)
    except ValueError:
        raise InvalidTask(
            f"Unknown tier {name!r}{suggestion(name, order)} This ladder has, lowest first: "
            f"{', '.join(order)}.",
            about=name,
        ) from None


def _restore(name: str, order: tuple[str, ...]) -> Tier:
    tier = Tier(name)
    tier.order = order
    tier.rank = order.index(name)
    return tier
