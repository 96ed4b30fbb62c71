"""A probability in per cent, as people are told it."""

from __future__ import annotations


def percent(probability: float, decimals: int = 0) -> str:
    """Never "100%": a posterior is not certainty."""
    shown = f"{probability:.{decimals}%}"
    return f">{1 - 10.0 ** -(decimals + 2):.{decimals}%}" if shown.startswith("100") else shown


def threshold(probability: float) -> str:
    """What a probability is held against, to a tenth of a per cent: ".495" is not "50%"."""
    return f"{round(100 * probability, 1):g}%"
