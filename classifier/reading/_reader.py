"""Reads a task: text and facts to one logit per needed tier. The serving path of the features.

Training computes the same features the plain way (`training/features/design.py`); a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..task import Task
from ._ask import ask_of
from ._encoder import StaticEncoder, length_weight
from ._guards import Guards
from ._lexical import UNIT_BITS, LexicalRows, feature_weight
from ._lexicon import NOT_A_WORD, UNKNOWN_WORD, Lexicon, has_digit
from ._packed import Packing
from ._shape import Shape, shape_of, shapes_of
from ._text import MAX_TEXTS, MAX_WORDS_READ, running_words
from ._words import WordRows
from .features import fact_features

if TYPE_CHECKING:
    from ._many_texts import ManyTexts, Sums

Array = NDArray[np.float32]
FAMILIARITY_STEPS = 1 << 20  # familiarity is a whole column, in steps this small
_PLACE = (1 << UNIT_BITS) - 1  # the lowest bits of a word's row: the place of its unit
_MOST_FEATURES = 2 * MAX_WORDS_READ + 98  # units, pairs, marks


class _Weights(dict[int, float]):
    """Number of words or features -> weight of each; worked out once."""

    def __init__(self, weight: Callable[[int], float], most: int) -> None:
        self._weight, self._most = weight, most

    def __missing__(self, n: int) -> float:
        self[n] = self._weight(n)
        return self[n]

    @cached_property
    def all(self) -> NDArray[np.float64]:
        """(most + 1,), by number."""
        return np.array([self._weight(n) for n in range(self._most + 1)])


_SENSE_WEIGHTS = _Weights(length_weight, MAX_WORDS_READ)
_LEXICAL_WEIGHTS = _Weights(feature_weight, _MOST_FEATURES)


class Reading(NamedTuple):
    """Logits of the needed tier, (n_tiers,), and the guard that found the text unreadable, if any."""

    logits: tuple[float, ...]
    guard: str | None


class Readings(NamedTuple):
    """Those of n tasks. logits : (n, n_tiers). guards : (n,)."""

    logits: NDArray[np.float64]
    guards: Sequence[str | None]

    def of(self, rows: Sequence[int]) -> Readings:
        """Some of them, in this order."""
        return Readings(self.logits[list(rows)], [self.guards[row] for row in rows])


class Reader:
    """Encoder, lexicon and a linear head, arranged for speed: the head is folded into the words.

    Parameters
    ----------
    lexical : (n_features, n_columns) weights of lexical features, idf included. Columns: the logit of each
        tier, and then, where outcomes have corrected the reading, what they add to each.
    embedding : (n_dims, n_columns). facts : (n_facts, n_columns). bias : (n_columns,).
    asked : (n_features, n_tiers) weights of the same features in what the text asks (`ask_of`), added to the
        logits of the first columns; None where a model makes no difference.
    shape : what the text's shape adds; None where it says nothing.
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
        asked: Array | None = None,
        shape: Shape | None = None,
    ) -> None:
        self.encoder, self.lexicon, self.guards = encoder, lexicon, guards
        self.lexical, self.embedding, self.facts, self.bias = lexical, embedding, facts, bias
        self.asked, self.shape = asked, shape
        self._bias: list[float] = bias.tolist()
        self._weights = lexical if asked is None else np.hstack([lexical, asked])
        self._lexical = LexicalRows(lexicon, self._weights)
        self._of_words = Packing(4, len(bias))
        self._words = WordRows(self._row_of)

    def read(self, task: Task) -> Reading:
        """Logits by the text and the facts, whatever the guard says."""
        words = running_words(task.specification)
        if not words:
            return Reading(tuple(self._bias), self.guards.before_reading(0, task.specification))
        places, total = self._look_up(words)
        (_, known, n_letters, n_numbers), n_distinct, sense = self._of_words.unpack(total)
        of_sense = _SENSE_WEIGHTS[n_distinct]
        logits = [b + of_sense * s for b, s in zip(self._bias, sense, strict=True)]
        for at, added in enumerate(self._of_lexicon(task.specification, places, n_numbers)):
            logits[at] += added
        facts = fact_features(task)
        if facts is not None:
            logits = [a + b for a, b in zip(logits, (facts @ self.facts).tolist(), strict=True)]
        if self.shape is not None:
            of_shape = self.shape.logits([shape_of(task.specification, words)])[0].tolist()
            logits = [a + b for a, b in zip(logits, of_shape, strict=True)]
        guard = self.guards.before_reading(len(words), task.specification)
        if guard is None and n_letters:
            guard = self.guards.after_reading(known / n_letters / FAMILIARITY_STEPS)
        return Reading(tuple(logits), guard)

    def read_many(self, tasks: Sequence[Task]) -> Readings:
        """Each exactly as `read` reads it: the sums are exact, and the rest is the same arithmetic."""
        texts = [task.specification for task in tasks]
        blank = [not text or text.isspace() for text in texts]
        logits = np.tile(np.array(self._bias), (len(tasks), 1))
        guards = [
            self.guards.before_reading(0, text) if b else None for b, text in zip(blank, texts, strict=True)
        ]
        rows = [row for row, is_blank in enumerate(blank) if not is_blank]
        for start in range(0, len(rows), MAX_TEXTS):
            some = rows[start : start + MAX_TEXTS]
            found = self._read_chunk([tasks[row] for row in some])
            logits[some] = found.logits
            for row, guard in zip(some, found.guards, strict=True):
                guards[row] = guard
        return Readings(logits, guards)

    def _read_chunk(self, tasks: Sequence[Task]) -> Readings:
        """Of up to MAX_TEXTS texts that have words."""
        texts = [task.specification for task in tasks]
        sums = self._many.sums(texts)
        of_sense = _SENSE_WEIGHTS.all.take(sums.n_distinct)[:, None]
        logits = np.array(self._bias) + of_sense * sums.sense
        logits += self._of_lexicon_many(texts, sums)
        for row, task in enumerate(tasks):
            facts = fact_features(task)
            if facts is not None:
                logits[row] += facts @ self.facts
        if self.shape is not None:
            logits += self.shape.logits(shapes_of(texts, sums.n_words, sums.chars))
        known = np.full(len(texts), float(FAMILIARITY_STEPS))  # where there are no words of letters
        np.divide(sums.known, sums.n_letters, out=known, where=sums.n_letters > 0)
        familiarity = known / FAMILIARITY_STEPS
        return Readings(logits, self.guards.of_many(sums.n_words.tolist(), texts, familiarity.tolist()))

    def _of_lexicon(self, text: str, places: Sequence[int], n_numbers: int) -> list[float]:
        """(n_columns,): what units, pairs and marks add, as those of the whole text and as those of its ask.

        places : of the unit of each word. n_numbers : distinct words with digits.
        """
        n_columns = len(self._bias)
        n_features, sums = self._lexical.sums(text, places, n_numbers)
        weight = _LEXICAL_WEIGHTS[n_features]
        out = [weight * of_whole for of_whole in sums[:n_columns]]
        ask = text if self.asked is None else ask_of(text)
        if ask is not text:
            places, total = self._look_up(running_words(ask))
            whole, _, _ = self._of_words.unpack(total)
            n_features, sums = self._lexical.sums(ask, places, whole[-1])
            weight = _LEXICAL_WEIGHTS[n_features]
        for tier, of_ask in enumerate(sums[n_columns:]):
            out[tier] += weight * of_ask
        return out

    def _of_lexicon_many(self, texts: Sequence[str], sums: Sums) -> NDArray[np.float64]:
        """(n, n_columns): the same of many texts with words. sums : of these texts."""
        n_columns = len(self._bias)
        weighted = _LEXICAL_WEIGHTS.all.take(sums.n_features)[:, None] * sums.lexical
        out, of_asks = weighted[:, :n_columns], weighted[:, n_columns:]
        asks = texts if self.asked is None else list(map(ask_of, texts))
        rows = [row for row, ask in enumerate(asks) if ask is not texts[row]]
        if rows:
            n_features, lexical = self._many.lexical([asks[row] for row in rows])
            of_asks[rows] = _LEXICAL_WEIGHTS.all.take(n_features)[:, None] * lexical[:, n_columns:]
        out[:, : of_asks.shape[1]] += of_asks
        return out

    @cached_property
    def _many(self) -> ManyTexts:
        from ._lexical_many import LexicalColumns  # one text needs neither
        from ._many_texts import ManyTexts

        columns = LexicalColumns(self.lexicon, self._weights)
        return ManyTexts(self._words.__getitem__, self._of_words, columns, self._rows_of)

    def _look_up(self, words: list[str]) -> tuple[list[int], int]:
        """The place of each word's unit, and the sum of the rows of the distinct words."""
        rows = list(map(self._words.__getitem__, words))
        total = sum(dict(zip(words, rows, strict=True)).values())
        return list(map(_PLACE.__and__, rows)), total

    def familiarity(self, text: str) -> float:
        """Mean familiarity of the distinct words, 0 to 1; 1 for a text without words of letters."""
        rows = [self._words[word] for word in set(running_words(text))]
        (_, known, n_letters, _), _, _ = self._of_words.unpack(sum(rows))
        return known / n_letters / FAMILIARITY_STEPS if n_letters else 1.0

    def _row_of(self, word: str) -> int:
        """Place of its unit, familiarity, is it a word of letters, has it a digit; then its logits."""
        logits = (self.encoder.word_vector(word) @ self.embedding).tolist()
        return self._of_words.row(self._whole_of(word), logits)

    def _rows_of(self, words: Sequence[str]) -> list[int]:
        """The same of many words, to the last bit."""
        vectors = self.encoder.word_vectors(words)
        logits = np.matmul(vectors[:, None, :], self.embedding)[:, 0]  # one by one, as a single word's
        return self._of_words.rows(logits, np.array(list(map(self._whole_of, words)), dtype=np.int64))

    def _whole_of(self, word: str) -> tuple[int, int, bool, bool]:
        unit = self.lexicon.unit_id(word)
        familiarity = 0.0 if unit == UNKNOWN_WORD else NOT_A_WORD
        if unit >= 0:
            familiarity = self.lexicon.familiarity[unit]
        is_word = familiarity != NOT_A_WORD
        steps = round(familiarity * FAMILIARITY_STEPS) if is_word else 0
        return self._lexical.place(unit), steps, is_word, has_digit(word)
