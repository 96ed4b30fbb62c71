"""How far a job is and what it has spent and saved: on stderr, where a person watches."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ..router.run.jobs import TaskResult


class MoneyBar:
    """unit : what is counted, in the plural."""

    def __init__(self, total: int, unit: str) -> None:
        from tqdm import tqdm

        self._spent_usd = self._would_usd = 0.0
        self._bar = tqdm(total=total, unit=f" {unit}", disable=None, leave=False)

    def add(self, result: TaskResult) -> None:
        """One more is done. What is saved is against the production tier for everything."""
        self._spent_usd += result.cost_usd
        self._would_usd += next(iter(result.would_cost_usd.values()), 0.0)
        saved_usd = self._would_usd - self._spent_usd
        self._bar.set_postfix_str(f"spent ${self._spent_usd:.4f}, saved ${saved_usd:.4f}", refresh=False)
        self._bar.update()

    def aside(self, stream: TextIO) -> AbstractContextManager[None]:
        """The bar is out of the way while lines are written there."""
        found: AbstractContextManager[None] = self._bar.external_write_mode(file=stream)
        return found

    def close(self) -> None:
        self._bar.close()
