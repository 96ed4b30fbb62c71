"""Lexical features of many texts at once: which units, pairs and marks occur in which text.

They are found as serving finds those of many texts. `Lexicon.features` says the same of one text, by name; a
test holds the two together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...classifier.reading._lexical_many import LexicalFeatures, OfTexts
from ...classifier.reading._lexicon import NOT_A_WORD, Lexicon, has_digit
from ...classifier.reading._text import MAX_TEXTS
from .words import Words

Ints = NDArray[np.int64]


def lexical_features(words: Words, lexicon: Lexicon) -> csr_matrix:
    """(n_tasks, n_features), ones where a feature occurs; indices sorted."""
    finder = _Finder(words, lexicon)
    n_features = len(lexicon)
    columns, n_found = [np.empty(0, dtype=np.int32)], [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(words.texts), MAX_TEXTS):
        some = words.some(start, start + MAX_TEXTS)
        found = finder.of(some)
        in_order = np.sort(found.text * n_features + found.value)
        columns.append((in_order % n_features).astype(np.int32))
        n_found.append(np.bincount(in_order // n_features, minlength=len(some.texts)))
    column, ends = np.concatenate(columns), np.cumsum(np.concatenate(n_found))
    matrix = csr_matrix((np.ones(len(column)), column, ends), shape=(len(words.texts), n_features))
    return matrix if words.all_differ else csr_matrix(matrix[words.of_task])


class _Finder:
    """Features as the lexicon counts them. place, is_number : by word."""

    def __init__(self, words: Words, lexicon: Lexicon) -> None:
        self._features = LexicalFeatures(lexicon)
        self._place = words.unit_ids(lexicon) % self._features.numbered.n_places
        self._is_number = np.fromiter(map(has_digit, words.distinct), bool, len(words.distinct))

    def of(self, words: Words) -> OfTexts:
        """Each feature once in each of up to MAX_TEXTS texts."""
        numbered = self._features.numbered
        filled = np.flatnonzero(words.lengths)
        if not len(filled):
            return OfTexts(filled, filled)
        texts, lengths = [words.texts[row] for row in filled.tolist()], words.lengths[filled]
        text = np.repeat(np.arange(len(filled)), lengths)
        once = OfTexts(words.number.astype(np.int64), text).once_per_text()
        n_numbers = np.bincount(once.text, self._is_number.take(once.value), len(texts)).astype(np.int64)
        places = OfTexts(self._place.take(words.number), text)
        feature, text = self._features.of(texts, places, lengths, n_numbers)
        n_units, after = len(numbered.lexicon.units), numbered.n_places
        some = (feature < n_units) | (feature >= after)
        stored = np.where(feature < n_units, feature, feature - (after - n_units))
        return OfTexts(stored[some], filled.take(text[some]))


def familiarity(words: Words, lexicon: Lexicon) -> NDArray[np.float64]:
    """(n_tasks,): mean familiarity of the distinct words, as `Reader.familiarity` has it."""
    of_units = np.array([*lexicon.familiarity, NOT_A_WORD, 0.0])  # the last two: neutral and unknown words
    once, n_texts = words.once(), len(words.texts)
    known = of_units[words.unit_ids(lexicon)].take(once.number)
    text, is_word = once.text(), known != NOT_A_WORD
    n_words = np.bincount(text[is_word], minlength=n_texts)
    total = np.bincount(text[is_word], known[is_word], n_texts)
    return np.where(n_words > 0, total / np.maximum(n_words, 1), 1.0)[words.of_task]
