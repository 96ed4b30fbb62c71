"""What the seeds come to: promotions, refusals and canaries by the truth, and money beside others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ..simulator.figures import over_seeds

POLICIES = ("served", "always sonnet", "table of types", "oracle")
_MONEY, _UNDER = "cost_usd", "under_tiered"


def summary(seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts over all seeds; figures per task as mean and 90 % interval over seeds."""
    judged = [record for seed in seeds for record in seed["judgements"]]
    promoted = [each for each in judged if each["verdict"] == "promote"]
    refused = [each for each in judged if "raised_by" in each and each["verdict"] in ("refuse", "too little")]
    ended = [each for each in judged if each.get("was_canary") and _ends(each)]
    helpful = [each for each in refused if _helps(each)]
    return {
        "seeds": len(seeds),
        "weeks": len(seeds[0]["weekly"]),
        "tasks_a_week": round(float(np.mean([week["tasks"] for seed in seeds for week in seed["weekly"]]))),
        "judgements": dict(Counter(each["verdict"] for each in judged)),
        "promotions": len(promoted),
        "promotions_that_raised": {
            name: sum(name in each["raised"] for each in promoted) for name in (_MONEY, _UNDER)
        },
        "promotions_changed_by": {name: _mean(promoted, name) for name in (_MONEY, _UNDER)},
        "refusals": len(refused),
        "refusals_that_would_have_helped": len(helpful),
        "would_have_changed_by": {name: _mean(helpful, name) for name in (_MONEY, _UNDER)},
        "refusals_that_would_have_harmed": sum(bool(each["raised"]) for each in refused),
        "canaries": len(ended),
        "canaries_promoted": sum(each["verdict"] == "promote" for each in ended),
        "canaries_refused": sum(each["verdict"] == "refuse" for each in ended),
        "canaries_ended_unproved": sum(each["verdict"] == "canary" for each in ended),
        "canaries_ended_that_would_have_helped": sum(_helps(e) for e in ended if e["verdict"] != "promote"),
        "per_task": {name: _per_task(seeds, name) for name in POLICIES},
        "cpu_s": [seed["cpu_s"] for seed in seeds],
    }


def _nothing_judged(judgements: Mapping[str, int]) -> list[str]:
    """Zeros below would look like findings."""
    if set(judgements) & {"promote", "canary", "refuse"}:
        return []
    return [
        "No challenger was judged: too few weeks or too little work. What follows says nothing of the gate."
    ]


def as_text(found: dict[str, Any]) -> str:
    raised = found["promotions_that_raised"]
    lines = [
        f"{found['seeds']} seeds of {found['weeks']} weeks, {found['tasks_a_week']} tasks a week; "
        f"judgements: {found['judgements']}",
        *_nothing_judged(found["judgements"]),
        f"promotions: {found['promotions']}, of which raised true cost {raised[_MONEY]}, under-tiering "
        f"{raised[_UNDER]}; mean change {found['promotions_changed_by']}",
        f"refusals: {found['refusals']}, of which would have helped "
        f"{found['refusals_that_would_have_helped']} (by {found['would_have_changed_by']}), would have "
        f"harmed {found['refusals_that_would_have_harmed']}",
        f"canaries that came to an end: {found['canaries']}, promoted {found['canaries_promoted']}, refused "
        f"{found['canaries_refused']}, unproved {found['canaries_ended_unproved']}; ended though they would "
        f"have helped {found['canaries_ended_that_would_have_helped']}",
        "",
        f"{'per task':18}{'true expected cost, USD':>30}{'under-tiered, %':>24}",
    ]
    for name, each in found["per_task"].items():
        shown = [f"{v:.3f} ({a:.3f}-{b:.3f})" for v, a, b in (each[_MONEY], each[_UNDER])]
        lines.append(f"{name:18}{shown[0]:>30}{shown[1]:>24}")
    return "\n".join(lines)


def plot(seeds: Sequence[dict[str, Any]], path: Path) -> None:
    """Above: cost week by week. Below: every judgement by what it would truly have changed."""
    with mpl.rc_context({"svg.hashsalt": "tierwise", "font.size": 9}):
        figure = Figure(figsize=(10, 4.5), layout="constrained")
        cost, moves = figure.subplots(1, 2)
        for name in POLICIES:
            sums = np.array([[week[name][_MONEY] for week in seed["weekly"]] for seed in seeds])
            tasks = np.array([[week["tasks"] for week in seed["weekly"]] for seed in seeds])
            cost.plot(sums.sum(axis=0) / tasks.sum(axis=0), label=name, lw=1.4)
        cost.set(xlabel="week", title="true expected cost of a task, USD", ylim=(0, None))
        cost.legend(frameon=False)
        colours = {"promote": "#2e8b57", "canary": "#e0a030", "refuse": "#888888", "too little": "#cccccc"}
        for verdict, colour in colours.items():
            at = [
                (each["raised_by"][_MONEY], 100 * each["raised_by"][_UNDER])
                for seed in seeds
                for each in seed["judgements"]
                if each["verdict"] == verdict
            ]
            if at:
                moves.scatter(*np.array(at).T, s=12, color=colour, label=verdict)
        moves.axhline(0, color="black", lw=0.6)
        moves.axvline(0, color="black", lw=0.6)
        moves.set(
            title="challenger minus champion, in truth", xlabel="USD a task", ylabel="under-tiering, points"
        )
        if moves.collections:  # in a short run nothing may have come up for judgement
            moves.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})


def _ends(record: dict[str, Any]) -> bool:
    return record["verdict"] != "canary" or bool(record["is_over"])


def _helps(record: dict[str, Any]) -> bool:
    return not record["raised"] and record["raised_by"][_MONEY] < 0.0


def _mean(records: Sequence[dict[str, Any]], name: str) -> float | None:
    return round(float(np.mean([each["raised_by"][name] for each in records])), 4) if records else None


def _per_task(seeds: Sequence[dict[str, Any]], policy: str) -> dict[str, list[float]]:
    found = {}
    for name, scale in ((_MONEY, 1.0), (_UNDER, 100.0)):
        shares = [
            scale
            * sum(week[policy][name] for week in seed["weekly"])
            / sum(w["tasks"] for w in seed["weekly"])
            for seed in seeds
        ]
        found[name] = over_seeds(np.array(shares))
    return found
