"""Reads a task: text and facts to one logit per needed tier. The serving path of the features.

Training computes the same features the plain way (`training/design.py`); a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._encoder import StaticEncoder, length_weight
from ._guards import Guards
from ._lexicon import NOT_A_WORD, UNKNOWN_WORD, Lexicon, has_digit
from ._text import running_words
from ._words import LookUp, WordTable
from .features import fact_features
from .task import Task

Array = NDArray[np.float32]
CHUNK = 256  # texts read at once; more would leave the processor's cache
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
        self._no_feature = len(lexical)  # a row of zeros, for texts without any known feature
        self._lexical = np.concatenate([lexical, np.zeros((1, len(bias)), dtype=lexical.dtype)])
        self._words = WordTable(self._row_of, lexicon.unit_id, len(bias) + _EXTRA)

    def read(self, task: Task) -> Reading:
        """Logits by the text and the facts, whatever the guard says."""
        return self._read_chunk([task])[0]

    def read_many(self, tasks: Sequence[Task]) -> list[Reading]:
        """Each exactly as `read` reads it: sums run in text order, however many are read at once."""
        starts = range(0, len(tasks), CHUNK)
        return [reading for start in starts for reading in self._read_chunk(tasks[start : start + CHUNK])]

    def familiarity(self, text: str) -> float:
        """Mean familiarity of the distinct words, 0 to 1; 1 for a text without words of letters."""
        words = running_words(text)
        if not words:
            return 1.0
        *_, known, n_words, _ = self._words.compute(words)[0].sum(axis=0).tolist()
        return known / n_words if n_words else 1.0

    def _read_chunk(self, tasks: Sequence[Task]) -> list[Reading]:
        word_lists = [running_words(task.specification) for task in tasks]
        if not all(word_lists):
            return [self._read_apart(task) for task in tasks]
        found = self._words.look_up(word_lists)
        if found is None:
            return [self._read_apart(task) for task in tasks]
        return self._logits(tasks, word_lists, found)

    def _read_apart(self, task: Task) -> Reading:
        """A text without words, or with words that the table can't hold."""
        words = running_words(task.specification)
        if not words:
            return Reading(tuple(self._bias), self.guards.before_reading(words, task.specification))
        found = self._words.look_up([words])
        if found is None:
            rows, unit_ids = self._words.compute(words)
            found = LookUp(rows, [len(rows)], [unit_ids])
        return self._logits([task], [words], found)[0]

    def _logits(self, tasks: Sequence[Task], word_lists: Sequence[list[str]], found: LookUp) -> list[Reading]:
        guards, features_of, bias = self.guards, self.lexicon.features, self._bias
        summed = _sums(found.rows, found.n_distinct)
        features = [
            list(features_of(task.specification, unit_ids, int(sums[-1]))) or [self._no_feature]
            for task, unit_ids, sums in zip(tasks, found.unit_ids, summed, strict=True)
        ]
        weights = self._lexical.take(list(chain.from_iterable(features)), axis=0)
        lexical = _sums(weights, [len(each) for each in features])
        readings = []
        for task, words, n_distinct, sums, each, weight in zip(
            tasks, word_lists, found.n_distinct, summed, features, lexical, strict=True
        ):
            of_sense, of_lexical = length_weight(n_distinct), len(each) ** -0.5
            logits = [b + of_sense * s + of_lexical * w for b, s, w in zip(bias, sums, weight, strict=False)]
            known = fact_features(task)
            if known is not None:
                logits = [a + b for a, b in zip(logits, (known @ self.facts).tolist(), strict=True)]
            guard = guards.before_reading(words, task.specification)
            if guard is None and sums[-2]:
                guard = guards.after_reading(sums[-3] / sums[-2])
            readings.append(Reading(tuple(logits), guard))
        return readings

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


def _sums(rows: Array, lengths: Sequence[int]) -> list[list[float]]:
    """Sums of consecutive runs of rows, each run from its first row to its last."""
    starts = [0, *accumulate(lengths[:-1])]
    sums: list[list[float]] = np.add.reduceat(rows, starts, axis=0).tolist()
    return sums
