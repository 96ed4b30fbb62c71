"""The ladder: tiers as data, with prices, limits and the date and source of each fact."""

from __future__ import annotations

import datetime
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ..classifier.errors import InvalidLadder
from .prices import PriceStep
from .tier import Tier, index_of, ladder_tiers

LADDER_FORMAT = 1
ROLES = ("volume", "production", "strategy")


@dataclass(frozen=True)
class Rung:
    """One tier: what it is called, what it costs and what it can hold."""

    tier: str
    model: str
    prices: tuple[PriceStep, ...]
    checked_on: datetime.date
    source: str
    role: str | None = None
    line: str | None = None
    enabled: bool = True
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    output_tokens_per_second: float | None = None
    first_token_ms: float = 0.0
    accepts: tuple[str, ...] = ()
    retires_on: datetime.date | None = None
    replaced_by: str | None = None

    @cached_property
    def has_batch(self) -> bool:
        return all(None not in (step.batch_input, step.batch_output) for step in self.prices)


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
        from ..data import TIERS
        from ._ladder_file import parse_ladder

        chosen = Path(path or os.environ.get("TIERWISE_LADDER") or TIERS)
        try:
            document = tomllib.loads(chosen.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidLadder(f"Can't read the ladder {chosen}: {error.strerror}.", about=chosen) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidLadder(f"{chosen} is not a TOML file: {error}.", about=chosen) from error
        return parse_ladder(document, where=str(chosen), enable=tuple(enable))


def default_ladder() -> Ladder:
    """The ladder at `TIERWISE_LADDER`, else the one that ships; each file is read once per process."""
    return _read_once(os.environ.get("TIERWISE_LADDER"))


@lru_cache(maxsize=8)
def _read_once(path: str | None) -> Ladder:
    return Ladder.load(path)
