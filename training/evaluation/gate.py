"""gate(comparison): may the challenger serve? A pure decision, with the figures that made it.

Margins are those of non-inferiority: a challenger need not be proved better, but the whole 90 % interval
must lie on the side of "no worse by more than this". They are small against what they guard: half a
percentage point of under-tiering where the promise is five, and a hundredth of a correction's price.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._estimate import Estimate, plain
from ._pinned import broken_cases, read_pinned
from .compare import Comparison

UNDER_MARGIN = 0.005  # of all tasks
MONEY_MARGIN = 0.01  # of the price of a correction, per task
MAX_ECE = 0.05
MAX_UNPROVED = 0.05  # of tasks; above it a canary has to show the rest
MIN_IDENTIFIED = 0.5
VERDICTS = ("promote", "canary", "refuse")


@dataclass(frozen=True)
class Check:
    """figure : what was found. bound : where it would just pass. says : the sentence where it does not."""

    passed: bool
    figure: float
    bound: float
    says: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "figure": plain(self.figure),
            "bound": plain(self.bound),
            "says": self.says,
        }


@dataclass(frozen=True)
class GateReport:
    """verdict : "promote", "canary" (all that is known speaks for it, too much is not known) or "refuse".

    reasons : why it is no "promote", a sentence each. checks : name -> passed, figure, bound.
    """

    verdict: str
    reasons: tuple[str, ...]
    checks: Mapping[str, Check]

    def to_dict(self) -> dict[str, Any]:
        checks = {name: check.to_dict() for name, check in self.checks.items()}
        return {"verdict": self.verdict, "reasons": list(self.reasons), "checks": checks}

    def __str__(self) -> str:
        lines = [f"gate: {self.verdict}", *(f"- {reason}" for reason in self.reasons)]
        width = max(len(name) for name in self.checks)
        for name, check in self.checks.items():
            mark = "passed" if check.passed else "FAILED"
            lines.append(f"{mark}  {name:{width}}  {check.figure:>10.4f}  bound {check.bound:.4f}")
        return "\n".join(lines)


def gate(
    comparison: Comparison,
    *,
    pinned: str | os.PathLike[str] | Sequence[Mapping[str, Any]] | None = None,
    max_unproved: float = MAX_UNPROVED,
    under_margin: float = UNDER_MARGIN,
    money_margin_usd: float | None = None,
) -> GateReport:
    """Whether the challenger of a comparison may serve.

        report = gate(compare(champion, challenger, log), pinned="pinned.jsonl")
        report.verdict, report.reasons

    It is refused unless the 90 % interval of the difference lies below the margin in money and in
    under-tiering, on the identified part and, the unproved taken as is likely, on all tasks (the part
    that is identified leaves out just those outcomes that speak against a move); unless it predicts better
    than the table of task types, and that table is not shown to choose better; unless it is calibrated,
    judged on unseen rows, and keeps every pinned case. Where more than `max_unproved` of the tasks rest on
    what is likely, it gets a canary, not the place, unless even the worst case passes.

    pinned : cases that must not move: a JSONL file or mappings of task facts, with `"tier"`, which must come
        out, or `"at_least"`, the lowest that may.
    under_margin, money_margin_usd : what counts as no worse; see the constants (default of the latter:
        MONEY_MARGIN of the lowest price of a correction).

    Raises InvalidTraining for pinned cases that can't be read.
    """
    money = money_margin_usd
    if money is None:
        money = MONEY_MARGIN * comparison.about["correction_usd"][0]
    cases = read_pinned(pinned)
    broken = broken_cases(cases, comparison.challenger, comparison.policy)
    checks = _checks(comparison, money, under_margin)
    checks["pinned"] = Check(not broken, float(len(broken)), 0.0, " ".join(broken[:5]))
    failed = [check.says for check in checks.values() if not check.passed]
    if failed:
        return GateReport("refuse", tuple(failed), checks)
    worst_passes = comparison.worst_usd[1] <= money and comparison.worst_under[1] <= under_margin
    enough = comparison.unproved_share <= max_unproved or worst_passes
    says = (
        f"On {comparison.unproved_share:.1%} of tasks nothing is known of what it would do (at most "
        f"{max_unproved:.1%} may be): a canary has to show it."
    )
    checks["unproved"] = Check(enough, comparison.unproved_share, max_unproved, says)
    return GateReport("promote" if enough else "canary", () if enough else (says,), checks)


def _checks(found: Comparison, money: float, under: float) -> dict[str, Check]:
    ece = max(MAX_ECE, found.calibration.ece_by_chance)
    return {
        "unseen": Check(
            found.seen_in_training == 0,
            float(found.seen_in_training),
            0.0,
            f"{found.seen_in_training} judged tasks were in training: compare on later ones.",
        ),
        "identified_share": Check(
            found.identified_share >= MIN_IDENTIFIED,
            found.identified_share,
            MIN_IDENTIFIED,
            f"Only {found.identified_share:.1%} of tasks can be judged; {MIN_IDENTIFIED:.0%} are needed.",
        ),
        "identified_usd": _no_worse(found.identified_usd, money, "the identified part, money", "$"),
        "identified_under": _no_worse(
            found.identified_under, under, "the identified part, under-tiering", "%"
        ),
        "likely_usd": _no_worse(found.likely_usd, money, "all tasks, as is likely, money", "$"),
        "likely_under": _no_worse(found.likely_under, under, "all tasks, as is likely, under-tiering", "%"),
        "table_usd": _not_shown_worse(found.table_usd, money, "money", "$"),
        "table_under": _not_shown_worse(found.table_under, under, "under-tiering", "%"),
        "table_log_loss": Check(
            found.table_log_loss.value < 0.0,
            found.table_log_loss.value,
            0.0,
            f"Predicts no better than the table of types: log loss {found.table_log_loss.text()} against it.",
        ),
        "calibrated": Check(
            found.calibration.ece.value <= ece,
            found.calibration.ece.value,
            ece,
            f"Not calibrated: ECE {found.calibration.ece.text()}, at most {ece:.3f} may be.",
        ),
    }


def _no_worse(found: Estimate, margin: float, what: str, unit: str) -> Check:
    bound = Estimate(margin, margin, margin).text(unit).split(" ")[0]
    says = f"On {what} may be worse: {found.text(unit)} a task, and the upper end must not exceed {bound}."
    return Check(found.high <= margin, found.high, margin, says)  # NaN, no interval, does not pass


def _not_shown_worse(found: Estimate, margin: float, what: str, unit: str) -> Check:
    says = f"The table of types does better in {what}: {found.text(unit)} a task against it."
    return Check(found.low <= margin, found.low, margin, says)
