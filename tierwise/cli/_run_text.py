"""What `tierwise run` says: a row a task, what all of it cost and would have cost, and how to go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..classifier.errors import InvalidRequest

if TYPE_CHECKING:
    from ..router.run.jobs import RunSummary, TaskResult

INTERRUPTED = 130  # exit code, as shells have it
_SHOWN_IDS = 5
_WHY_STOPPED = {
    "budget": "The next one is not affordable: run the same again with a larger --max-usd.",
    "errors": "Twenty in a row ended in errors: run the same again when that is put right.",
}


def journal_beside(stream: TextIO | None, ending: str) -> Path:
    """The journal's default place, beside the file. Raises InvalidRequest for stdin, which has none."""
    name = getattr(stream, "name", None)
    if stream is None or name in (None, "<stdin>", "-"):
        raise InvalidRequest(
            "Tasks from stdin need --journal FILE: results are written there, and the same command goes on "
            "from it.",
            about="journal",
        )
    return Path(f"{name}{ending}")


def header() -> str:
    return f"{'task':>6} {'status':<13} {'tier':<7} {'USD':>10}  answer"


def row(result: TaskResult) -> str:
    """One line; never the task's own text."""
    said = result.detail if result.status == "error" else " ".join(result.text.split())
    tier, status = result.tier or "", result.status + ("*" if result.was_in_flight else "")
    line = f"{result.number:>6} {status:<13} {tier:<7} {result.cost_usd:>10.6f}  {said}"
    return line[: max(shutil.get_terminal_size((110, 24)).columns, 90)]


def totals(summary: RunSummary, noun: str = "task") -> Iterator[str]:
    """Lines on the job as a whole."""
    done = ", ".join(f"{count:,} {status}" for status, count in summary.by_status.items()) or "none done"
    tiers = ", ".join(f"{tier} {count:,}" for tier, count in summary.by_tier.items())
    plural = "" if summary.n_tasks == 1 else "s"
    yield f"{summary.n_tasks:,} {noun}{plural}: {done}" + (f"; {tiers}" if tiers else "")
    exact = "" if summary.cost_is_exact else " at least (some requests failed in ways that may have cost)"
    batched = summary.by_mode.get("batch")
    yield f"${summary.cost_usd:.6f} spent{exact}" + (f", {batched:,} {noun}s in batch" if batched else "")
    for tier, usd in summary.would_cost_usd.items():
        yield f"all answers on {tier}: ${usd:.6f} ({_saved(summary, tier, usd)})"
    if summary.cut_bytes:
        yield f"The journal ended in half a line ({summary.cut_bytes} bytes), which was left out."
    if summary.in_flight:
        shown = ", ".join(summary.in_flight[:_SHOWN_IDS])
        more = (
            f" and {len(summary.in_flight) - _SHOWN_IDS:,} more"
            if len(summary.in_flight) > _SHOWN_IDS
            else ""
        )
        yield (
            f"{len(summary.in_flight):,} were in flight (*) when an earlier run died and may have been paid "
            f"twice: {shown}{more}"
        )
    if summary.n_left:
        why = _WHY_STOPPED.get(summary.stopped or "", "The same again tries them again.")
        yield f"{summary.n_left:,} left. {why}"


def _saved(summary: RunSummary, tier: str, usd: float) -> str:
    saved = summary.saved_usd[tier]
    share = f", {saved / usd:.0%}" if usd else ""
    return f"saved ${saved:.6f}{share}" if saved >= 0 else f"routing cost ${-saved:.6f} more"
