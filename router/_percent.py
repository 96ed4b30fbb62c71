"""A probability in per cent, as people are told it."""

from __future__ import annotations


def percent(probability: float) -> str:
    """Never "100%": a posterior is not certainty."""
    return ">99%" if probability >= 0.995 else f"{probability:.0%}"
