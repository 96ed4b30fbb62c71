"""What the log holds, in numbers: per task type and tier the outcomes and the rate of clean ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from .._times import from_us
from .._verdicts import CLEAN, NOT_CLEAN, VERDICTS
from ._tally import STORED, OfVerdict, Tally, tally

Z = 1.6448536  # 90 %, as all intervals of this project


@dataclass(frozen=True)
class TierStats:
    """Verdicts that count, by name; `last_seen` is the time of the latest."""

    counts: dict[str, int]
    last_seen: datetime

    @property
    def n_evidence(self) -> int:
        """Outcomes that say something about capability."""
        return sum(self.counts.get(verdict, 0) for verdict in (CLEAN, *NOT_CLEAN))

    @property
    def pass_rate(self) -> float | None:
        return self.counts.get(CLEAN, 0) / self.n_evidence if self.n_evidence else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """90 % Wilson interval of the pass rate: honest for few outcomes, and never outside 0 to 1."""
        return wilson(self.counts.get(CLEAN, 0), self.n_evidence)


@dataclass(frozen=True)
class Stats:
    """Counts of the whole log, and `types`: task type -> tier -> TierStats, None the type of no name."""

    n_decisions: int
    n_outcomes: int
    n_without_verdict: int
    texts: dict[str, int]
    types: dict[str | None, dict[str, TierStats]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = []
        for task_type, tiers in self.types.items():
            for tier, found in tiers.items():
                rows.append(
                    {
                        "task_type": task_type,
                        "tier": tier,
                        **{verdict: found.counts.get(verdict, 0) for verdict in VERDICTS},
                        "pass_rate": found.pass_rate,
                        "interval": found.interval,
                        "last_seen": found.last_seen.isoformat(),
                    }
                )
        return {
            "n_decisions": self.n_decisions,
            "n_outcomes": self.n_outcomes,
            "n_without_verdict": self.n_without_verdict,
            "texts": self.texts,
            "types": rows,
        }


def collect(connection: Connection) -> Stats:
    return stats_of(tally(connection))


def stats_of(counted: Tally) -> Stats:
    counting = [each for each in counted.verdicts if each.is_effective]
    n_decisions = sum(each.n for each in counted.decisions)
    stored = (sum(column) for column in zip(*(each.n_stored for each in counted.decisions), strict=True))
    gathered: dict[str | None, dict[str, list[OfVerdict]]] = {}
    for each in counting:
        if each.tier is not None:
            gathered.setdefault(each.task_type, {}).setdefault(each.tier, []).append(each)
    return Stats(
        n_decisions,
        sum(each.n for each in counted.verdicts),
        n_decisions - sum(each.n for each in counting),
        {name: n for name, n in zip(STORED, stored, strict=False) if n},
        {
            task_type: {tier: _of_tier(verdicts) for tier, verdicts in sorted(tiers.items())}
            for task_type, tiers in sorted(gathered.items(), key=lambda pair: pair[0] or "")
        },
    )


def _of_tier(verdicts: Sequence[OfVerdict]) -> TierStats:
    last_us = max(each.last_us for each in verdicts)
    return TierStats({each.verdict: each.n for each in verdicts}, from_us(last_us))


def wilson(clean: int, n: int) -> tuple[float, float] | None:
    if n == 0:
        return None
    rate, z2 = clean / n, Z * Z
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)
