"""Guards: texts about which the classifier must not have an opinion.

"Nothing recognised" is not evidence that a task is simple. Each guard has a code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ._text import MAX_WORDS_READ, is_very_long

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

    def of_many(
        self, n_words: Sequence[int], texts: Sequence[str], familiarity: Sequence[float]
    ) -> list[str | None]:
        """What `before_reading` or else `after_reading` says of each."""
        least, most = self.min_words, MAX_WORDS_READ  # within them few texts need a closer look
        return [
            (None if least <= n < most and text[0].isalnum() else self.before_reading(n, text))
            or (None if known >= self.min_familiarity else self.after_reading(known))
            for n, text, known in zip(n_words, texts, familiarity, strict=True)
        ]

    def after_reading(self, familiarity: float) -> str | None:
        """The words are too rare in training: another language, or none."""
        return UNFAMILIAR if familiarity < self.min_familiarity else None

    def to_dict(self) -> dict[str, float]:
        return self._asdict()
