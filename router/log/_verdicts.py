"""Verdicts, what they rest on, and which of several counts.

The latest verdict of the strongest basis counts; all are kept. Strongest first:

person      somebody who knows what the work was for has looked at the result.
check       a program has looked: exact about what it checks, blind to all else.
downstream  a later step went on or stumbled: it speaks of the result, but only indirectly.
imported    came from a file or another system that didn't say more.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, case

from ...classifier.errors import InvalidOutcome, suggestion
from ._schema import outcomes

CLEAN, CORRECTED, FAILED, REFUSED, CUT_OFF = "clean", "corrected", "failed", "refused", "cut_off"
VERDICTS = (CLEAN, CORRECTED, FAILED, REFUSED, CUT_OFF)
NOT_CLEAN = (CORRECTED, FAILED)  # refused and cut_off say nothing about capability
BASES = ("person", "check", "downstream", "imported")
_STRENGTH = {basis: len(BASES) - place for place, basis in enumerate(BASES)}


class Standing(NamedTuple):
    """What makes a verdict count before another one; the greatest of a decision counts."""

    strength: int
    at_us: int
    outcome_id: int


def standing(basis: str, at_us: int, outcome_id: int) -> Standing:
    return Standing(_STRENGTH[basis], at_us, outcome_id)


def standing_sql() -> tuple[ColumnElement[object], ...]:
    """The same order for ORDER BY, the verdict that counts first."""
    strength = case(_STRENGTH, value=outcomes.c.basis, else_=0)
    return strength.desc(), outcomes.c.at_us.desc(), outcomes.c.outcome_id.desc()


def check_verdict(verdict: object) -> str:
    return _one_of("verdict", verdict, VERDICTS)


def check_basis(basis: object) -> str:
    return _one_of("basis", basis, BASES)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in allowed:
        return str(value)
    hint = suggestion(value, allowed) if isinstance(value, str) else "."
    raise InvalidOutcome(f"{name} must be one of {', '.join(allowed)}; got {value!r:.80}{hint}", about=name)
