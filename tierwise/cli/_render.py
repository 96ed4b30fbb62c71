"""Decisions as a table for people, with what they cost against one tier for everything."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from ..router._percent import percent
from ..router.decision import Decision

_COLUMNS = (("tier", 8), ("mode", 6), ("needed", 6), ("reason", 18), ("cost USD", 11))


def header() -> str:
    return " ".join(f"{name:<{width}}" for name, width in _COLUMNS) + " task"


def row(decision: Decision) -> str:
    """One line, cut to the terminal."""
    routed = decision.mode != "none"
    needed = percent(decision.confidence) if routed and decision.probabilities else "-"
    cost = cost_usd(decision)
    tier = str(decision.tier) if routed else "-"
    cells = (tier, decision.mode, needed, decision.reason, f"{cost:.6f}")
    line = " ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    width = max(shutil.get_terminal_size((110, 24)).columns, 90)
    return f"{line} {' '.join(decision.task.specification.split())}"[:width]


def cost_usd(decision: Decision) -> float:
    """Expected cost of the chosen tier; 0 where no model runs."""
    return decision.expected_cost_usd.get(decision.tier, 0.0)


def totals(decisions: Sequence[Decision]) -> str:
    """What the decisions cost together, and what one tier for everything would have cost."""
    if not decisions:
        return "no tasks"
    routed = sum(map(cost_usd, decisions))
    lines = [f"{len(decisions)} tasks, ${routed:.6f} as routed"]
    ladder = decisions[0].evidence.ladder
    for tier in ladder.names[ladder.production :]:
        constant = sum(decision.expected_cost_usd.get(tier, 0.0) for decision in decisions)
        if constant > 0:
            lines.append(f"all on {tier}: ${constant:.6f} ({constant / routed:.1f} x)" if routed else "")
    counts = {tier: sum(d.tier == tier and d.mode != "none" for d in decisions) for tier in ladder.names}
    mix = ", ".join(f"{tier} {count}" for tier, count in counts.items() if count)
    priced = decisions[0].evidence.policy.correction_minutes is not None
    what = (
        "Tokens and expected corrections."
        if priced
        else "Token costs only: corrections have no price unless the policy gives one."
    )
    return "\n".join([*lines, f"mix: {mix}", what])
