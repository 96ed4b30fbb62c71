"""Guards: texts about which the classifier must not have an opinion.

"Nothing recognised" is not evidence that a task is simple. Each guard has a code of its own.
"""

from __future__ import annotations

from typing import NamedTuple

from ._text import is_very_long

EMPTY, TOO_SHORT, UNFAMILIAR, VERY_LONG = "empty", "too_short", "unfamiliar", "very_long"


class Guards(NamedTuple):
    """Thresholds of the guards; `min_familiarity` is set from held-out task types at training."""

    min_words: int = 4
    min_familiarity: float = 0.5

    def before_reading(self, n_words: int, text: str) -> str | None:
        if n_words < self.min_words or not text[0].isalnum():
            if not any(char.isalnum() for char in text[:10_000]):
                return EMPTY
            if n_words < self.min_words:
                return TOO_SHORT
        return VERY_LONG if is_very_long(text) else None

    def after_reading(self, familiarity: float) -> str | None:
        """The words are too rare in training: another language, or none."""
        return UNFAMILIAR if familiarity < self.min_familiarity else None

    def to_dict(self) -> dict[str, float]:
        return self._asdict()
