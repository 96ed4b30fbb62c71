"""Weeks of deciding and hearing: a Router on a log whose clock is the simulation's."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tierwise import OutcomeLog, Router
from tierwise.classifier.model import TierModel
from tierwise.router.canary import Canary

from ..simulator.tasks import SILENT
from ..simulator.worlds import TIERS, Integers
from .world import POLICY, Months, Week

START = datetime(2026, 1, 5, tzinfo=UTC)
_WORKING = timedelta(days=5)
_UNTIL_HEARD_H = 12.0  # on average
_TOP = len(TIERS) - 1


class Operator:
    """Decides, hears, tries again. The log is real; only its clock is not."""

    def __init__(self, folder: Path, champion: TierModel, months: Months, seed: int) -> None:
        self.now = START
        self.log = OutcomeLog(folder / "log.db", clock=lambda: self.now)
        self.months = months
        self._rng, self._chance = np.random.default_rng((seed, 9)), random.Random(seed)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._turn = itertools.count()
        self.serve(champion)

    def serve(
        self, champion: TierModel, challenger: TierModel | None = None, canary: Canary | None = None
    ) -> None:
        """From now on this champion, perhaps beside a canary."""
        self.router = Router(
            champion, POLICY, self.log, challenger=challenger, canary=canary, rng=self._chance
        )

    def live(self, week: Week) -> Integers:
        """(n,): the tiers at which the week's tasks were first done; what is heard later is heard later."""
        monday = START + timedelta(weeks=week.number)
        chosen = np.full(len(week.work.tasks), -1)
        moments = np.sort(self._rng.random(len(chosen)))
        for row, moment in enumerate(moments):
            self._at(monday + float(moment) * _WORKING, self._deciding(week, row, chosen))
        self._run(until=monday + timedelta(weeks=1))
        return chosen

    def close(self) -> None:
        """The log's connections."""
        self.log.close()

    def _at(self, moment: datetime, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._turn), what))

    def _run(self, until: datetime) -> None:
        while self._events and self._events[0][0] < until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until

    def _deciding(self, week: Week, row: int, chosen: Integers, follows: Any = None) -> Callable[[], None]:
        def decide() -> None:
            decision = self.router.decide(week.work.tasks[row], follows=follows)
            tier = TIERS.index(str(decision.tier))
            if follows is None:
                chosen[row] = tier
            verdict = int(week.fates.verdicts[row, tier])
            if verdict != SILENT:
                heard = self.now + timedelta(hours=float(self._rng.exponential(_UNTIL_HEARD_H)))
                self._at(heard, self._hearing(week, row, decision, tier, clean=verdict == 1))

        return decide

    def _hearing(self, week: Week, row: int, decision: Any, tier: int, *, clean: bool) -> Callable[[], None]:
        def hear() -> None:
            self.router.record_outcome(decision, "clean" if clean else "corrected")
            if not clean and tier < _TOP and self._rng.random() < self.months.retried:
                again = self._deciding(week, row, np.zeros(0, dtype=int), follows=decision)
                self._at(self.now + timedelta(minutes=2), again)

        return hear
