"""What `LexicalRows.sums` says of one text, of many at once: features as flat arrays, sums by `bincount`.

Sums of weights are whole numbers below 2**53 and so exact in any order: both ways agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._hashed import NONE, Lookup, distinct
from ._lexicon import LENGTHS, NUMBERS, OPENS, PUNCTUATION, Lexicon
from ._packed import ONE, fixed_point
from ._text import MAX_TEXTS, TEXT_BITS

Ints = NDArray[np.int64]
_LONGEST = 256  # words; from here on, lengths are not told apart


class WordsOfTexts(NamedTuple):
    """Words of several texts, one text after the other. value : (n,). text : (n,), rising."""

    value: Ints
    text: Ints

    def once_per_text(self) -> WordsOfTexts:
        """Each value once in each text, in no order that matters."""
        together = distinct(self.value << TEXT_BITS | self.text)
        return WordsOfTexts(together >> TEXT_BITS, together & (MAX_TEXTS - 1))


class LexicalColumns:
    """The lexicon and its weights, (n_features, n_tiers), in columns."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        n_units = len(lexicon.units)
        self._n_places = n_units + 2  # in the two last ones is what is no unit, and weighs nothing
        columns = np.vstack([np.ones(len(weights)), fixed_point(weights).T])
        self._columns = np.insert(columns, [n_units, n_units], 0.0, axis=1)  # the first one counts
        first, second = lexicon.pairs.astype(np.int64).T
        features = self._n_places + np.arange(len(lexicon.pairs))
        self._pairs = Lookup(first * self._n_places + second, features)
        marks = {mark: feature + 2 for mark, feature in lexicon.mark_id.items()}
        self._lengths = np.array(
            [marks.get(LENGTHS[n.bit_length()], NONE) for n in range(_LONGEST + 1)], dtype=np.int64
        )
        self._numbers = np.array([marks.get(number, NONE) for number in NUMBERS], dtype=np.int64)
        self._signs = [(sign, marks[sign]) for sign in PUNCTUATION if sign in marks]
        opening = {
            feature: lexicon.opening(mark) for mark, feature in marks.items() if mark.startswith(OPENS)
        }
        ones = [(units[0], feature) for feature, units in opening.items() if len(units) == 1]
        twos = [(units, feature) for feature, units in opening.items() if len(units) == 2]
        keys = [int(a or 0) * self._n_places + int(b or 0) for (a, b), _ in twos]
        self._first = _lookup([int(unit or 0) for unit, _ in ones], [feature for _, feature in ones])
        self._first_two = _lookup(keys, [feature for _, feature in twos])

    def sums(
        self, texts: Sequence[str], places: WordsOfTexts, lengths: Ints, n_numbers: Ints
    ) -> tuple[Ints, NDArray[np.float64]]:
        """(n,) number of features and (n, n_tiers) sums of their weights.

        places : of the units of all words. lengths : (n,) words a text, at least one. n_numbers : (n,).
        """
        keys = places.value[:-1] * self._n_places + places.value[1:]
        pair = self._pairs.of(keys)
        pair[np.cumsum(lengths)[:-1] - 1] = NONE  # of two texts
        known = np.flatnonzero(pair != NONE)
        units_and_pairs = WordsOfTexts(
            np.concatenate([places.value, pair.take(known)]),
            np.concatenate([places.text, places.text.take(known)]),
        ).once_per_text()
        mark, mark_text = self._marks(texts, places.value, keys, lengths, n_numbers)
        feature = np.concatenate([units_and_pairs.value, mark])
        in_text = np.concatenate([units_and_pairs.text, mark_text])
        count, *sums = [np.bincount(in_text, column.take(feature), len(texts)) for column in self._columns]
        return count.astype(np.int64), np.stack(sums, axis=1) / ONE

    def _marks(
        self, texts: Sequence[str], places: Ints, keys: Ints, lengths: Ints, n_numbers: Ints
    ) -> tuple[Ints, Ints]:
        """Features of the marks of form, and their texts."""
        start, everyone = np.cumsum(lengths) - lengths, np.arange(len(texts))
        has_two = lengths > 1
        found = [
            (self._lengths[np.minimum(lengths, _LONGEST)], everyone),
            (self._numbers[np.minimum(n_numbers, len(NUMBERS) - 1)], everyone),
            (self._first.of(places[start]), everyone),
            (self._first_two.of(keys[start[has_two]]), everyone[has_two]),
        ]
        for sign, feature in self._signs:
            has_it = np.flatnonzero([sign in text for text in texts])
            found.append((np.full(len(has_it), feature), has_it))
        mark, text = (np.concatenate(each) for each in zip(*found, strict=True))
        return mark[mark != NONE], text[mark != NONE]


def _lookup(keys: Sequence[int], features: Sequence[int]) -> Lookup:
    return Lookup(np.array(keys, dtype=np.int64), np.array(features, dtype=np.int64))
