"""What waits to be written: decisions, and what was tried and said of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ...decision import Decision
from .._add_decision import Prepared
from .._add_outcome import Verdict
from .._states import Learn


class Unwritten(NamedTuple):
    """A decision, when it was made, and the id of the one whose failed attempt it answers.

    number : of what a recorder was given, in the order in which it was. row : where it was made before it is
    written.
    """

    decision: Decision
    at: datetime
    follows: str | None
    number: int = 0
    row: Prepared | None = None


class Report(NamedTuple):
    """What an attempt took, what a program said of it, when, and what that teaches.

    attempt : values of its columns. decision : an id, where the decision is in the log.
    number : see `Unwritten`.
    """

    decision: Decision | str
    attempt: Mapping[str, Any]
    verdict: str | None
    note: str | None
    at_us: int
    learn: Learn
    number: int = 0

    @property
    def decision_id(self) -> str:
        return self.decision if isinstance(self.decision, str) else self.decision.decision_id

    @property
    def said(self) -> Verdict | None:
        """The check's verdict, as it is recorded."""
        return None if self.verdict is None else Verdict(self.verdict, "check", self.at_us, self.note)
