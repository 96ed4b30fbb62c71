"""Reports as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._estimate import Estimate

if TYPE_CHECKING:
    from ._calibration import Calibration
    from .compare import Comparison
    from .evaluate import Evaluation

_MOST_TYPES = 10


def evaluation_text(report: Evaluation) -> str:
    about = report.about
    low, high = about["correction_usd"]
    price = f"${low:g}" if low == high else f"${low:g} to ${high:g}"
    lines = [
        f"{about['tasks']:,} tasks of {about['task_types']} types, {about['from'][:10]} to "
        f"{about['until'][:10]}; a correction costs {price}. Intervals: 90 %, over task types.",
        "",
        f"{'per task':28}{'cost, likely':>32}{'if the worst is true':>22}{'under-tiered, likely':>26}"
        f"{'somewhere in':>18}{'unproved':>10}",
    ]
    for each in report.policies:
        worst = f"${each.worst_usd[0]:.3f} - ${each.worst_usd[1]:.3f}"
        span = f"{each.under_interval[0]:.1%} - {each.under_interval[1]:.1%}"
        lines.append(
            f"{each.name:28}{each.cost_usd.text('$'):>32}{worst:>22}{each.under_tiered.text('%'):>26}"
            f"{span:>18}{each.shares['unproved']:>10.1%}"
        )
    lines += [
        "",
        f"Saved against {report.baseline} for everything: {report.saving_usd.text('$')} a task, corrections "
        "included.",
        f"Best constant tier: {report.best_constant}. Oracle, of tasks that some tier is known to have done: "
        f"{report.oracle_usd.text('$')}.",
        "Routed: "
        + ", ".join(f"{tier} {share:.0%}" for tier, share in report.routed.mix.items())
        + ". Known by: "
        + ", ".join(f"{name} {share:.1%}" for name, share in report.routed.shares.items())
        + ".",
        _upsets(report.upsets),
        "",
        f"{'P(clean) at the logged tier':28}{'log loss':>26}{'Brier':>26}{'ECE':>26}{'by chance':>11}",
    ]
    for name, found in (
        ("with history, as of then", report.with_history),
        ("by the text alone", report.by_text),
        ("table of types", report.table),
    ):
        lines.append(_calibration_line(name, found))
    lines += ["", *_table("tier", report.by_tier, ("tasks", "clean", "predicted", "moved_down", "moved_up"))]
    columns = ("tasks", "mostly", "cost_usd", "saving_usd", "under_tiered", "unproved")
    lines += ["", *_table("task_type", report.by_type[:_MOST_TYPES], columns)]
    if len(report.by_type) > _MOST_TYPES:
        lines.append(f"... and {len(report.by_type) - _MOST_TYPES} more types: to_dict()['by_type']")
    counts = report.errors["error"].value_counts()
    shown = ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "none"
    lines += ["", f"Errors: {shown}. Each of them: report.errors, or --errors-out."]
    lines += [f"Note: {note}" for note in report.notes]
    return "\n".join(lines)


def comparison_text(found: Comparison) -> str:
    about = found.about
    lines = [
        f"{about['tasks']:,} tasks of {about['task_types']} types, {about['from'][:10]} to "
        f"{about['until'][:10]}, unseen in training. Challenger minus champion, per task; 90 % intervals.",
        "",
        f"{'':34}{'money':>34}{'under-tiered':>28}",
        _pair("identified part", found.identified_usd, found.identified_under),
        _pair("all, the unproved as is likely", found.likely_usd, found.likely_under),
        f"{'all, whatever the unproved are':34}{_span(found.worst_usd, '$'):>34}"
        f"{_span(found.worst_under, '%'):>28}",
    ]
    if found.weighed is not None:
        lines.append(
            f"{'of it, by propensities alone':34}{found.weighed['ips_usd'].text('$'):>34}"
            f"{found.weighed['ips_under'].text('%'):>28}   effective sample size "
            f"{found.weighed['effective']:.0f} of {found.weighed['tasks']}"
        )
    lines += [
        _pair("minus table, identified part", found.table_usd, found.table_under),
        _pair("new types only", found.new_types_usd, found.new_types_under)
        if found.about["tasks_of_new_types"]
        else f"{'new types only':34}{'there are none':>34}{'there are none':>28}",
        "",
        "Same tier: {same:.1%} of tasks. Of all: ".format(**found.shares)
        + ", ".join(
            f"{name} {share:.1%}" for name, share in found.shares.items() if name not in ("same", "by_chance")
        )
        + f". Identified {found.identified_share:.1%}; of those that would move, unproved "
        f"{found.unproved_share:.1%}.",
        f"Log loss, challenger minus champion: {found.log_loss.text()}; minus table: "
        f"{found.table_log_loss.text()}.",
        f"Challenger's ECE {found.calibration.ece.text()}; perfectly calibrated models stay below "
        f"{found.calibration.ece_by_chance:.3f}.",
        _upsets(found.upsets),
        *(f"Note: {note}" for note in found.notes),
    ]
    return "\n".join(lines)


def _upsets(found: dict[str, Any]) -> str:
    return (
        f"Upsets (a higher tier fails what a lower one passes): {found['rate']:.1%} of tasks "
        f"[{found['low']:.1%}, {found['high']:.1%}], from {found['source']}."
    )


def _calibration_line(name: str, found: Calibration) -> str:
    cells = "".join(f"{each.text():>26}" for each in (found.log_loss, found.brier, found.ece))
    return f"{name:28}{cells}{found.ece_by_chance:>11.3f}"


def _pair(name: str, usd: Estimate, under: Estimate) -> str:
    return f"{name:34}{usd.text('$'):>34}{under.text('%'):>28}"


def _span(ends: tuple[float, float], unit: str) -> str:
    low, high = (Estimate(end, end, end).text(unit).split(" ")[0] for end in ends)
    return f"{low} to {high}"


def _table(first: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    width = max([len(first), *(len(str(row[first])) for row in rows)]) + 2
    lines = [f"{first:{width}}" + "".join(f"{name:>14}" for name in columns)]
    for row in rows:
        cells = "".join(f"{_cell(row[name]):>14}" for name in columns)
        lines.append(f"{row[first]:{width}}{cells}")
    return lines


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
