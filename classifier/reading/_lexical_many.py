"""What `LexicalRows.sums` says of one text, of many at once: features as flat arrays, sums by `bincount`.

Sums of weights are whole numbers below 2**53 and so exact in any order: both ways agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._hash_table import NONE, Lookup, distinct
from ._lexical import LONGEST, Numbered
from ._lexicon import OPENS, Lexicon
from ._packed import ONE, fixed_point
from ._text import MAX_TEXTS, TEXT_BITS

Ints = NDArray[np.int64]


class OfTexts(NamedTuple):
    """Words or features of up to MAX_TEXTS texts. value : (n,). text : (n,), its text."""

    value: Ints
    text: Ints

    def once_per_text(self) -> OfTexts:
        """Each value once in each text, in no order that matters."""
        together = distinct(self.value << TEXT_BITS | self.text)
        return OfTexts(together >> TEXT_BITS, together & (MAX_TEXTS - 1))


class LexicalFeatures:
    """Finds the features of texts, numbered as `Numbered` says."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.numbered = numbered = Numbered(lexicon)
        self._pairs = Lookup(*numbered.pairs())
        self._lengths, self._numbers = (
            np.array(each, dtype=np.int64) for each in (numbered.lengths, numbered.numbers)
        )
        openings = {
            numbered.mark(mark): lexicon.opening(mark) for mark in lexicon.mark_id if mark.startswith(OPENS)
        }
        ones = {int(units[0] or 0): feature for feature, units in openings.items() if len(units) == 1}
        twos = {
            int(units[0] or 0) * numbered.n_places + int(units[1] or 0): feature
            for feature, units in openings.items()
            if len(units) == 2
        }
        self._first, self._first_two = _lookup(ones), _lookup(twos)

    def of(self, texts: Sequence[str], places: OfTexts, lengths: Ints, n_numbers: Ints) -> OfTexts:
        """Each feature of each text once; among them places without a feature.

        places : of the units of all words, one text after the other. lengths : (n,) words a text, at least
        one. n_numbers : (n,) distinct words with digits.
        """
        keys = places.value[:-1] * self.numbered.n_places + places.value[1:]
        pair = self._pairs.of(keys)
        pair[np.cumsum(lengths)[:-1] - 1] = NONE  # of two texts
        known = np.flatnonzero(pair != NONE)
        units_and_pairs = OfTexts(
            np.concatenate([places.value, pair.take(known)]),
            np.concatenate([places.text, places.text.take(known)]),
        ).once_per_text()
        marks = self._marks(texts, places.value, keys, lengths, n_numbers)
        feature, text = (np.concatenate(each) for each in zip(units_and_pairs, marks, strict=True))
        return OfTexts(feature, text)

    def _marks(
        self, texts: Sequence[str], places: Ints, keys: Ints, lengths: Ints, n_numbers: Ints
    ) -> OfTexts:
        """The marks of form."""
        start, everyone = np.cumsum(lengths) - lengths, np.arange(len(texts))
        has_two = lengths > 1
        found = [
            (self._lengths[np.minimum(lengths, LONGEST)], everyone),
            (self._numbers[np.minimum(n_numbers, len(self._numbers) - 1)], everyone),
            (self._first.of(places[start]), everyone),
            (self._first_two.of(keys[start[has_two]]), everyone[has_two]),
        ]
        for sign, feature in self.numbered.signs:
            has_it = np.flatnonzero([sign in text for text in texts])
            found.append((np.full(len(has_it), feature), has_it))
        mark, text = (np.concatenate(each) for each in zip(*found, strict=True))
        return OfTexts(mark[mark != NONE], text[mark != NONE])


class LexicalColumns:
    """The features of a lexicon and their weights, (n_features, n_tiers), in columns."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        self._features = LexicalFeatures(lexicon)
        columns = np.vstack([np.ones(len(weights)), fixed_point(weights).T])  # the first one counts
        n_units = len(lexicon.units)
        self._columns = np.insert(columns, [n_units] * len(self._features.numbered.nothing), 0.0, axis=1)

    def sums(
        self, texts: Sequence[str], places: OfTexts, lengths: Ints, n_numbers: Ints
    ) -> tuple[Ints, NDArray[np.float64]]:
        """(n,) number of features and (n, n_tiers) sums of their weights; given what `of` is given."""
        found = self._features.of(texts, places, lengths, n_numbers)
        count, *sums = [
            np.bincount(found.text, column.take(found.value), len(texts)) for column in self._columns
        ]
        return count.astype(np.int64), np.stack(sums, axis=1) / ONE


def _lookup(numbers: dict[int, int]) -> Lookup:
    return Lookup(np.array(list(numbers), dtype=np.int64), np.array(list(numbers.values()), dtype=np.int64))
