"""Ordered rungs, and where they are read from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ...classifier.errors import InvalidLadder
from ._file import read_ladder
from .rung import ROLES, Rung
from .tier import Tier, index_of, ladder_tiers


@dataclass(frozen=True)
class Ladder:
    """Ordered rungs, lowest first.

    >>> from tierwise.router.ladder import Ladder
    >>> Ladder.load().names
    ('haiku', 'sonnet', 'opus')
    """

    name: str
    rungs: tuple[Rung, ...]
    unit: str = "token"

    def __post_init__(self) -> None:
        if not self.rungs:
            raise InvalidLadder(
                f"Ladder {self.name!r} has no rung that is switched on; give at least one [[rung]].",
                about=self.name,
            )
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise InvalidLadder(f"Tier {twice[0]!r} stands on the ladder twice.", about=twice[0])
        for role in ROLES:
            if sum(rung.role == role for rung in self.rungs) > 1:
                raise InvalidLadder(f"More than one rung has the role {role!r}.", about=role)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(rung.tier for rung in self.rungs)

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        return ladder_tiers(self.names)

    def index(self, tier: str) -> int:
        """Place of a tier, 0 the lowest; InvalidTask names the nearest for an unknown one."""
        return index_of(tier, self.names)

    @cached_property
    def production(self) -> int:
        """The rung for "not sure": the one with that role, else the middle one."""
        return self._with_role("production", len(self.rungs) // 2)

    @cached_property
    def volume(self) -> int:
        return self._with_role("volume", 0)

    @cached_property
    def strategy(self) -> int:
        return self._with_role("strategy", len(self.rungs) - 1)

    def _with_role(self, role: str, otherwise: int) -> int:
        return next((i for i, rung in enumerate(self.rungs) if rung.role == role), otherwise)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, *, enable: Iterable[str] = ()) -> Ladder:
        """Read a ladder from TOML (default: `TIERWISE_LADDER`, else the Claude ladder that ships).

        Raises InvalidLadder, naming file, rung and fact.
        """
        from ...data import TIERS

        return cls(*read_ladder(Path(path or os.environ.get("TIERWISE_LADDER") or TIERS), tuple(enable)))


def default_ladder() -> Ladder:
    """The ladder at `TIERWISE_LADDER`, else the one that ships; each file is read once per process."""
    return _read_once(os.environ.get("TIERWISE_LADDER"))


@lru_cache(maxsize=8)
def _read_once(path: str | None) -> Ladder:
    return Ladder.load(path)
