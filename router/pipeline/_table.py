"""A plan as a table for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .plan import PipelinePlan, PlannedStep

_HEAD = ("step", "tier", "mode", "in", "out", "USD", "seconds", "then", "reason")
_RIGHT = {"in", "out", "USD", "seconds"}


def table_of(plan: PipelinePlan) -> str:
    """Steps, then totals against one tier for everything, then assumptions."""
    lines = _aligned([_HEAD, *(_cells(step) for step in plan.steps)])
    what = "1 article" if plan.articles == 1 else f"{plan.articles:,} articles"
    totals = [("as planned", usd_of(plan.cost_usd))]
    if plan.with_retries_usd > plan.cost_usd:
        totals.append(("with retries", usd_of(plan.with_retries_usd)))
    for tier, usd in plan.baselines_usd.items():
        totals.append((f"all on {tier}", f"{usd_of(usd)}{_times(usd, plan.cost_usd)}"))
    if plan.batch_saves_usd:
        totals.append(("batches save", usd_of(plan.batch_saves_usd)))
    width = max(len(name) for name, _ in totals)
    found = [
        f"{plan.pipeline}: {what}; tokens are of one article, USD of {'it' if plan.articles == 1 else 'all'}"
    ]
    found += ["", *lines, "", *(f"{name:<{width}}  {said}" for name, said in totals)]
    if plan.latency_ms is not None:
        found.append(f"{'one article':<{width}}  {plan.latency_ms / 1000:.0f} s")
    found.append("")
    for sentence in plan.assumptions:
        found += textwrap.wrap(sentence, 110, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(found)


def usd_of(usd: float) -> str:
    """Cents of a cent where it is less than a dollar."""
    return f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"


def _cells(step: PlannedStep) -> tuple[str, ...]:
    if step.tier is None:
        return step.name, "-", step.mode, "", "", "", "", "", step.reason
    seconds = "" if step.latency_ms is None else f"{step.latency_ms / 1000:.1f}"
    then = ", ".join(str(tier) for tier in step.plan[1:])
    tokens = f"{step.input_tokens:,}", f"{step.output_tokens:,}"
    return step.name, str(step.tier), step.mode, *tokens, f"{step.cost_usd:.6f}", seconds, then, step.reason


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    lines = []
    for row in rows:
        cells = [
            f"{cell:>{width}}" if name in _RIGHT else f"{cell:<{width}}"
            for cell, width, name in zip(row, widths, _HEAD, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _times(usd: float, routed_usd: float) -> str:
    return f"  ({usd / routed_usd:.1f} x)" if routed_usd > 0 else ""
