"""What the log holds, in numbers: per task type and tier the outcomes and the rate of clean ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from .._counting import tallies
from .._schema import decisions, outcomes
from .._times import from_us
from .._verdicts import CLEAN, NOT_CLEAN, VERDICTS

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
    by_text = select(decisions.c.text_stored, func.count()).group_by(decisions.c.text_stored)
    texts: dict[str, int] = dict(connection.execute(by_text).all())
    n_outcomes = connection.execute(select(func.count()).select_from(outcomes)).scalar_one()
    n_judged = connection.execute(
        select(func.count()).select_from(outcomes).where(outcomes.c.is_effective)
    ).scalar_one()
    gathered: dict[str | None, dict[str, tuple[dict[str, int], int]]] = {}
    for task_type, tier, verdict, n, last_us in connection.execute(tallies()):
        counts, last = gathered.setdefault(task_type, {}).setdefault(tier, ({}, last_us))
        counts[verdict] = n
        gathered[task_type][tier] = counts, max(last, last_us)
    n_decisions = sum(texts.values())
    return Stats(
        n_decisions,
        n_outcomes,
        n_decisions - n_judged,
        texts,
        {
            task_type: {
                tier: TierStats(counts, from_us(last)) for tier, (counts, last) in sorted(tiers.items())
            }
            for task_type, tiers in sorted(gathered.items(), key=lambda pair: pair[0] or "")
        },
    )


def wilson(clean: int, n: int) -> tuple[float, float] | None:
    if n == 0:
        return None
    rate, z2 = clean / n, Z * Z
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)
