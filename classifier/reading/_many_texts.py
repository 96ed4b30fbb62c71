"""What the words, pairs and marks of many texts add up to, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._lexical_many import LexicalColumns, OfTexts
from ._packed import ONE, Packing
from ._word_table import Columns, WordTable

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
        found, n_texts = self._look_up(texts), len(texts)
        _, steps, is_word, _ = found.columns.whole
        known, n_letters = (found.total(column).astype(np.int64) for column in (steps, is_word))
        sense = np.stack([found.total(column) for column in found.columns.real], axis=1) / ONE
        n_distinct = np.bincount(found.distinct.text, minlength=n_texts)
        n_features, lexical = self._lexical_of(texts, found)
        return Sums(found.n_words, known, n_letters, n_distinct, sense, n_features, lexical, found.chars)

    def lexical(self, texts: Sequence[str]) -> tuple[Ints, Reals]:
        """`n_features` and `lexical` of the sums alone."""
        return self._lexical_of(texts, self._look_up(texts))

    def _look_up(self, texts: Sequence[str]) -> _Found:
        table = self._table  # another thread may begin a new table meanwhile
        number, (_, n_words, chars) = table.numbers(texts)
        found = _Found(number, np.repeat(np.arange(len(texts)), n_words), n_words, chars, table.columns())
        if len(table) > MAX_WORDS:  # what is needed is back at once, and memory stays bounded
            self._table = WordTable(self._row_of, self._packing, self._rows_of)
        return found

    def _lexical_of(self, texts: Sequence[str], found: _Found) -> tuple[Ints, Reals]:
        place, _, _, has_digit = found.columns.whole
        places = OfTexts(place.take(found.number), found.text)
        return self._lexical.sums(texts, places, found.n_words, found.total(has_digit).astype(np.int64))


@dataclass(frozen=True)
class _Found:
    """number, text, chars : (n_all,), of all words of all texts. n_words : (n_texts,)."""

    number: Ints
    text: Ints
    n_words: Ints
    chars: Ints
    columns: Columns

    @cached_property
    def distinct(self) -> OfTexts:
        return OfTexts(self.number, self.text).once_per_text()

    def total(self, column: Reals | Ints) -> Reals:
        """(n_texts,): over the distinct words of each text."""
        distinct = self.distinct
        weights = column.take(distinct.value)
        return np.asarray(np.bincount(distinct.text, weights, len(self.n_words)), np.float64)
