"""Reads a task: text and facts to one logit per needed tier. The serving path of the features.

Training computes the same features the plain way (`training/design.py`); a test holds the two
together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._encoder import StaticEncoder, length_weight
from ._guards import Guards
from ._lexicon import NOT_A_WORD, UNKNOWN_WORD, Lexicon, has_digit
from ._text import running_words
from ._words import WordTable
from .features import fact_features
from .task import Task

Array = NDArray[np.float32]
_EXTRA = 3  # columns of a word's row after its logits: familiarity, is it a word, has it a digit


class Reading(NamedTuple):
    """Logits of the needed tier, (n_tiers,), and the guard that found the text unreadable, if any."""

    logits: tuple[float, ...]
    guard: str | None


class Reader:
    """Encoder, lexicon and a linear head, arranged for speed: the head is folded into the words.

    Parameters
    ----------
    lexical : (n_features, n_tiers) weights of lexical features, idf included.
    embedding : (n_dims, n_tiers). facts : (n_facts, n_tiers). bias : (n_tiers,).
    """

    def __init__(
        self,
        encoder: StaticEncoder,
        lexicon: Lexicon,
        guards: Guards,
        *,
        lexical: Array,
        embedding: Array,
        facts: Array,
        bias: Array,
    ) -> None:
        self.encoder, self.lexicon, self.guards = encoder, lexicon, guards
        self.lexical, self.embedding, self.facts, self.bias = lexical, embedding, facts, bias
        self._bias: list[float] = bias.tolist()
        self._words = WordTable(self._row_of, lexicon.unit_id, len(bias) + _EXTRA)

    def read(self, task: Task) -> Reading:
        """Logits by the text and the facts, whatever the guard says."""
        text = task.specification
        words = running_words(text)
        guard = self.guards.before_reading(words, text)
        if not words:
            return Reading(tuple(self._bias), guard)
        summed, n_distinct, unit_ids = self._words.read(words)
        *sense, familiarity, n_words, n_numbers = summed
        if guard is None and n_words:
            guard = self.guards.after_reading(familiarity / n_words)
        features = self.lexicon.features(text, unit_ids, int(n_numbers))
        lexical = np.add.reduce(self.lexical.take(list(features), axis=0), axis=0).tolist()
        of_sense, of_lexical = length_weight(n_distinct), max(len(features), 1) ** -0.5
        logits = [
            b + of_sense * s + of_lexical * w for b, s, w in zip(self._bias, sense, lexical, strict=True)
        ]
        known = fact_features(task)
        if known is not None:
            logits = [a + b for a, b in zip(logits, (known @ self.facts).tolist(), strict=True)]
        return Reading(tuple(logits), guard)

    def familiarity(self, text: str) -> float:
        """Mean familiarity of the distinct words, 0 to 1; 1 for a text without words of letters."""
        words = running_words(text)
        if not words:
            return 1.0
        *_, known, n_words, _ = self._words.read(words)[0]
        return known / n_words if n_words else 1.0

    def _row_of(self, word: str) -> Array:
        """The word's logits and its extra columns; all are summed over the distinct words of a text."""
        unit = self.lexicon.unit_id(word)
        familiarity = 0.0 if unit == UNKNOWN_WORD else NOT_A_WORD
        if unit >= 0:
            familiarity = self.lexicon.familiarity[unit]
        is_word = familiarity != NOT_A_WORD
        extra = (familiarity if is_word else 0.0, is_word, has_digit(word))
        return np.concatenate(
            [self.encoder.word_vector(word) @ self.embedding, np.array(extra, dtype=np.float32)]
        )
