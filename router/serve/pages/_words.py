"""Values as a reader takes them: money, rates, facts, what in a text spoke for a tier."""

from __future__ import annotations

from typing import Any

from ....classifier.reading._lexicon import LENGTHS, OPENS


def usd(value: float) -> str:
    """$1,234.50; with more digits where that would say nothing."""
    digits = 2 if abs(value) >= 0.1 or value == 0 else 4 if abs(value) >= 0.01 else 6
    return f"{'−' if value < 0 else ''}${abs(value):,.{digits}f}"


def rate(value: float, bound: float) -> str:
    """5.2%; with more digits where it would read as its bound, and is not."""
    digits = next((n for n in (1, 2, 3) if value == bound or f"{value:.{n}%}" != f"{bound:.{n}%}"), 4)
    return f"{value:.{digits}%}"


def share(value: float) -> str:
    """60% or 49.5%: a threshold is not rounded to one that it isn't."""
    return f"{100 * value:.3g}%"


def as_fact(value: Any) -> str:
    """What was said of a task."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,}"
        case list():
            return ", ".join(map(str, value))
    return str(value)


def as_words(evidence: str) -> str:
    """What a word of the lexicon's stands for."""
    if evidence in LENGTHS:
        return _length(LENGTHS.index(evidence))
    said = evidence.removeprefix(OPENS)
    return f"begins with “{said}”" if said != evidence else evidence.replace("#", "‹number›")


def _length(bits: int) -> str:
    """Of texts whose number of words has so many bits; the last of them have no end."""
    least, most = (1 << bits) >> 1, (1 << bits) - 1
    if bits == len(LENGTHS) - 1:
        return f"{least} words or more"
    return f"{least} to {most} words" if most > 1 else "one word"
