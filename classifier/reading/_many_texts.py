"""What the words, pairs and marks of many texts add up to, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._lexical_many import LexicalColumns, OfTexts
from ._packed import ONE, Packing
from ._word_table import WordTable

MAX_WORDS = 131_072  # the words of some thousand texts; of fewer, the common ones were learned over and over

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]


class Sums(NamedTuple):
    """Per text. n_words : all of them. known : sum of familiarity. n_letters : distinct words of letters.
    sense : (n, n_tiers) logits of the distinct words. n_features, lexical : of units, pairs and marks;
    lexical is (n, n_tiers). chars : of each word, text after text.
    """

    n_words: Ints
    known: Ints
    n_letters: Ints
    n_distinct: Ints
    sense: Reals
    n_features: Ints
    lexical: Reals
    chars: Ints


class ManyTexts:
    """Reads up to MAX_TEXTS texts at a time.

    row_of : of a word (place of its unit, familiarity, is it a word of letters, has it a digit; its logits),
        packed as `packing` says. rows_of : of many words, the same rows, quicker.
    """

    def __init__(
        self,
        row_of: Callable[[str], int],
        packing: Packing,
        lexical: LexicalColumns,
        rows_of: Callable[[Sequence[str]], Sequence[int]],
    ) -> None:
        self._row_of, self._packing, self._lexical, self._rows_of = row_of, packing, lexical, rows_of
        self._table = WordTable(row_of, packing, rows_of)

    def sums(self, texts: Sequence[str]) -> Sums:
        """Of texts that have words."""
        table, n_texts = self._table, len(texts)  # another thread may begin a new table meanwhile
        number, n_words = table.numbers(texts)
        text, columns = np.repeat(np.arange(n_texts), n_words), table.columns()
        if len(table) > MAX_WORDS:  # what is needed is back at once, and memory stays bounded
            self._table = WordTable(self._row_of, self._packing, self._rows_of)
        distinct = OfTexts(number, text).once_per_text()

        def total(column: NDArray[np.floating] | Ints) -> Reals:
            return np.asarray(np.bincount(distinct.text, column.take(distinct.value), n_texts), np.float64)

        place, steps, is_word, has_digit = columns.whole
        known, n_letters, n_numbers = (
            total(column).astype(np.int64) for column in (steps, is_word, has_digit)
        )
        sense = np.stack([total(column) for column in columns.real], axis=1) / ONE
        n_distinct = np.bincount(distinct.text, minlength=n_texts)
        places = OfTexts(place.take(number), text)
        n_features, lexical = self._lexical.sums(texts, places, n_words, n_numbers)
        chars = columns.chars.take(number)
        return Sums(n_words, known, n_letters, n_distinct, sense, n_features, lexical, chars)
