"""What `log stats` shows: counts per type and tier, and what should move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..router._percent import percent
from ..router.reasons import MEANING
from ._columns import aligned

if TYPE_CHECKING:
    from ..router.log import Stats
    from ..router.movements import Movement, Movements

_COUNTS = ("clean", "corrected", "failed", "refused", "cut_off")
_COUNT_HEAD = ("task type", "tier", "clean", "corrected", "failed", "refused", "cut off")
_NAMED = 5  # types in a sentence


def counts_table(found: Stats) -> str:
    """One line per type and tier, then totals."""
    lines: list[tuple[str, ...]] = [(*_COUNT_HEAD, "pass rate, 90 %", "last seen")]
    for task_type, tiers in found.types.items():
        for tier, each in tiers.items():
            numbers = [str(each.counts.get(name, 0)) for name in _COUNTS]
            rate = "-"
            if each.pass_rate is not None and each.interval is not None:
                low, high = each.interval
                rate = f"{each.pass_rate:.0%} [{low:.0%}, {high:.0%}]"
            lines.append((task_type or "-", tier, *numbers, rate, f"{each.last_seen:%Y-%m-%d %H:%M}Z"))
    return "\n".join([*(aligned(lines) if found.types else ["no outcomes yet"]), "", *_totals(found)])


def movements_table(found: Movements) -> str:
    """Which types go where, then the rest in sentences."""
    parts = [
        _moving("Ready to go down", "P(needed <= to)", found.of("down")),
        _moving("Must go up", "P(needed > now)", found.of("up")),
        "\n".join(_held(each) for each in found.of("held")),
        "\n".join([*_others(found), *_volume(found)]),
    ]
    return "\n\n".join(part for part in parts if part)


def _moving(title: str, probability: str, movements: Sequence[Movement]) -> str:
    if not movements:
        return f"{title}: none"
    head = ("task type", "now", "to", probability, "by text", "asked", "clean of all", "tasks a month")
    lines = [(*head, "USD saved per 1,000", "")]
    for each in movements:
        asked = "-" if each.threshold is None else f"{each.threshold:.0%}"
        lines.append(
            (
                each.task_type,
                each.now,
                _goal(each),
                percent(each.probability),
                "-" if each.text_probability is None else percent(each.text_probability),
                asked,
                ", ".join(f"{tier} {clean}/{clean + not_}" for tier, (clean, not_) in each.outcomes.items()),
                f"{each.tasks_per_month:.0f}",
                f"{each.saves_usd_per_1000:+.2f}",
                _remark(each),
            )
        )
    return "\n".join([title, *aligned(lines)])


def _goal(each: Movement) -> str:
    """Where a price decided, the rest of the plan belongs to the answer."""
    return ", then ".join(each.plan) if each.threshold is None else each.to


def _remark(each: Movement) -> str:
    said = [each.rule] if each.rule else ["by expected cost"] if each.threshold is None else []
    if each.evidence == "text":
        said.append("no outcome shows it yet" if each.direction != "down" else f"not yet tried at {each.to}")
    return ", ".join(said)


def _held(each: Movement) -> str:
    untried = "; by the text, no outcome shows it yet" if each.evidence == "text" else ""
    return (
        f"{each.task_type} stays at {each.now}. {MEANING[str(each.rule)]} Without that: {each.to} "
        f"({percent(each.probability)} sure{untried})."
    )


def _others(found: Movements) -> list[str]:
    stay, unsure = found.of("stay"), found.of("unsure")
    where = "stays where it is" if len(stay) == 1 else "stay where they are"
    lines = [f"{_types(len(stay))} {where}."] if stay else []
    if earned := [each for each in stay if each.went_down]:
        lines.append(f"Below what their texts alone ask for, earned by outcomes: {_earned(earned)}.")
    if unsure:
        lines.append(f"Too little is known of {_types(len(unsure))}: {_names(unsure)}.")
    if found.n_left_out:
        lines.append(f"{found.n_left_out:,} types with fewer verdicts were not looked at.")
    return lines


def _earned(movements: Sequence[Movement]) -> str:
    return _some(
        f"{each.task_type} at {each.now} ({percent(each.probability)} sure, "
        f"by text {percent(each.text_probability)})"
        for each in movements
        if each.text_probability is not None
    )


def _volume(found: Movements) -> list[str]:
    if not found.types:
        return [
            "Nothing can be said of what should move: no task type has both verdicts and first attempts at "
            "tiers of this ladder yet."
        ]
    what = "tokens and expected corrections" if found.priced else "tokens only: corrections have no price"
    saved = found.baseline_saves_usd_per_month
    against = f"{found.baseline} for everything ({what})"
    if saved < 0:
        lines = [f"Routed so, the tasks cost ${-saved:,.2f} a month more than {against}."]
    else:
        lines = [f"Routed so, the tasks cost ${saved:,.2f} a month less than {against}."]
    if not found.pays:
        lines.append(_does_not_pay(saved, found.worth_usd))
        if not found.priced:
            lines.append("What it avoids counts once corrections have a price: --correction-minutes.")
        return lines
    small = [each for each in found.types if 0 < each.baseline_saves_usd_per_month < found.worth_usd]
    if small:
        lines.append(
            f"Too small to pay, each under ${found.worth_usd:,.2f} a month: {_types(len(small))} "
            f"({_names(small)})."
        )
    return lines


def _does_not_pay(saved: float, worth_usd: float) -> str:
    if saved < 0:
        return "By cost alone routing does not pay here, whatever the volume: more of such tasks cost more."
    return (
        f"That is under ${worth_usd:,.2f}, a person's look at it once a month: by cost alone routing does "
        "not pay at this volume."
    )


def _types(n: int) -> str:
    return "1 type" if n == 1 else f"{n:,} types"


def _names(movements: Sequence[Movement]) -> str:
    return _some(each.task_type for each in movements)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED:,} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def _totals(found: Stats) -> list[str]:
    from ..router.log._text import CANNOT

    lines = [
        f"{found.n_decisions:,} decisions, {found.n_outcomes:,} verdicts, "
        f"{found.n_without_verdict:,} decisions without one"
    ]
    for stored, n in sorted(found.texts.items()):
        if CANNOT[stored]:
            lines.append(f"{n:,} with text stored as {stored!r}: {CANNOT[stored]}")
    return lines
