"""gate(comparison): may the challenger serve? A pure decision, with the figures that made it.

To be promoted, a challenger must be *proved* no worse than the champion, in money and in under-tiering.
"Proved" is at 99.9 %, because a gate is asked every week: at 95 % a year of looks at challengers that are no
better would let two or three through. What is likely but not proved gets a canary, which makes the evidence.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._checks import Check, GateReport, known
from ._estimate import Estimate
from ._pinned import broken_cases, read_pinned
from .compare import Comparison

UNDER_MARGIN = 0.0  # of all tasks: what counts as no worse
MONEY_MARGIN = 0.0  # of the price of a correction, per task
MAX_ECE = 0.05
MAX_UNPROVED = 0.2  # of the tasks that would move; above it a canary has to show the rest
MIN_KNOWN = 0.5  # of all tasks: something is known of what both would do
VERDICTS = ("promote", "canary", "refuse")


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

    "promote": it is

    - no worse than the champion: the upper end of the difference, at 99.9 %, is not above the margin, in
      money and in under-tiering; on the identified part, and on all tasks, the rest taken as is likely;
    - better than the table of task types: it predicts verdicts better, with the 90 % interval on its side,
      and is not shown to do worse in money or under-tiering. (Predictions are tested by every verdict. What
      the table's choices would have come to is identified only where they are the same or were drawn; that
      they cost more is asked of no challenger, because a table that has learned enough chooses alike.)
    - not shown to predict verdicts worse than the champion does;
    - calibrated on rows that it has not seen, and keeps every pinned case;
    - and of the tasks that would move, chance decided between the two tiers for all but `max_unproved`, or
      even the worst case passes.

    "canary": nothing of this is shown to be false, but something is not proved; a canary draws between the
    two tiers, which is what identifies the difference. "refuse": something speaks against it: a 90 % interval
    lies above the margin, it predicts no better than the table or is shown to predict worse than the
    champion, it is shown not to be calibrated, a pinned case moved, rows of its training are judged, or too
    little is known of what either would do.

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
    checks = {
        **_can_be_judged(comparison),
        **_no_worse(comparison, money, under_margin),
        **_better_than_table(comparison),
        "champion_log_loss": _predicts_no_worse(comparison),
        "calibrated": _calibrated(comparison),
        "pinned": _pinned(cases, broken_cases(cases, comparison.challenger, comparison.policy)),
        "unproved": _unproved(comparison, max_unproved, money, under_margin),
    }
    against = tuple(check.says for check in checks.values() if check.speaks_against)
    if against:
        return GateReport("refuse", against, checks)
    unproved = tuple(check.says for check in checks.values() if not check.passed)
    return GateReport("canary" if unproved else "promote", unproved, checks)


def _can_be_judged(found: Comparison) -> dict[str, Check]:
    share = round(1.0 - found.shares["unproved"], 4)
    return {
        "unseen": known(
            found.seen_in_training == 0,
            float(found.seen_in_training),
            0.0,
            "None of the judged tasks was in training.",
            f"{found.seen_in_training} judged tasks were in training: compare on later ones.",
        ),
        "known_share": known(
            share >= MIN_KNOWN,
            share,
            MIN_KNOWN,
            f"{share:.1%} of tasks can be judged; {MIN_KNOWN:.0%} are needed.",
            f"Only {share:.1%} of tasks can be judged; {MIN_KNOWN:.0%} are needed.",
        ),
    }


def _no_worse(found: Comparison, money: float, under: float) -> dict[str, Check]:
    parts = {"identified": "the identified part", "likely": "all tasks (the unproved as is likely)"}
    units = {"usd": ("Money", "$", money, math.inf), "under": ("Under-tiering", "%", under, 1.0)}
    checks = {}
    for part, where in parts.items():
        for figure, (what, unit, margin, largest) in units.items():
            name = f"{part}_{figure}"
            at_most = min(found.at_most[name], largest)  # NaN stays: as the first it is no larger
            checks[name] = _difference(getattr(found, name), at_most, margin, f"{what} on {where}", unit)
    return checks


def _difference(found: Estimate, at_most: float, margin: float, what: str, unit: str) -> Check:
    shown, bound = Estimate(at_most, at_most, at_most).text(unit), Estimate(margin, margin, margin).text(unit)
    shown, bound = shown.split(" ")[0], bound.split(" ")[0]
    is_worse = found.low > margin  # NaN, no interval, proves nothing and speaks against nothing
    how = "is no worse" if at_most <= margin else "is worse" if is_worse else "may be worse"
    says = f"{what} {how}: {found.text(unit)} a task; at 99.9 % up to {shown}, {bound} is allowed."
    return Check(at_most <= margin, at_most, margin, says, speaks_against=is_worse, estimate=found)


def _better_than_table(found: Comparison) -> dict[str, Check]:
    loss = found.table_log_loss
    better = "Predicts" if loss.high < 0.0 else "Not shown to predict"
    return {
        "table_usd": _not_beaten(found.table_usd, "money", "$"),
        "table_under": _not_beaten(found.table_under, "under-tiering", "%"),
        "table_log_loss": Check(
            loss.high < 0.0,
            loss.high,
            0.0,
            f"{better} better than the table of types: log loss {loss.text()} against it.",
            speaks_against=not loss.value < 0.0,
            estimate=loss,
        ),
    }


def _not_beaten(found: Estimate, what: str, unit: str) -> Check:
    is_beaten = found.low > 0.0
    how = "does better" if is_beaten else "is not shown to do better"
    says = f"The table of types {how} in {what}: {found.text(unit)} a task against it."
    return Check(not is_beaten, found.low, 0.0, says, speaks_against=is_beaten, estimate=found)


def _predicts_no_worse(found: Comparison) -> Check:
    """Whoever predicts worse what was seen has no claim to what was not; it gets no canary either."""
    loss, is_worse = found.log_loss, found.log_loss.low > 0.0
    how = "It predicts verdicts worse" if is_worse else "Not shown to predict verdicts worse"
    says = f"{how} than the champion: log loss {loss.text()} against it."
    return Check(not is_worse, loss.low, 0.0, says, speaks_against=is_worse, estimate=loss)


def _calibrated(found: Comparison) -> Check:
    ece, most = found.calibration.ece, max(MAX_ECE, found.calibration.ece_by_chance)
    passed = ece.value <= most
    return Check(
        passed,
        ece.value,
        most,
        f"{'Calibrated' if passed else 'Not calibrated'}: ECE {ece.text()}, at most {most:.3f} may be.",
        speaks_against=ece.low > most,  # outcomes of a type are alike, which chance alone is not
        estimate=ece,
    )


def _pinned(cases: Sequence[Any], broken: Sequence[str]) -> Check:
    kept = (
        f"Every pinned case is kept, {len(cases)} of {len(cases)}."
        if cases
        else "No pinned cases were given."
    )
    return known(not broken, float(len(broken)), 0.0, kept, " ".join(broken[:5]))


def _unproved(found: Comparison, most: float, money: float, under: float) -> Check:
    worst_passes = found.worst_usd[1] <= money and found.worst_under[1] <= under
    passed = found.unproved_share <= most or worst_passes
    says = f"Chance has decided {1.0 - found.unproved_share:.1%} of the tasks that would move; "
    if found.unproved_share > most and worst_passes:
        says += "it passes all the same, because even the worst that the rest may hide is no worse."
    else:
        says += f"{1.0 - most:.1%} are needed" + ("." if passed else ": a canary has to show it.")
    return Check(passed, found.unproved_share, most, says)
