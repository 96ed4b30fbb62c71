"""The lexicon and its weights, arranged for speed: what words, pairs and marks of a text add up to.

`Lexicon.features` finds the same features by name, `_lexical_many.py` those of many texts; tests hold them
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

import numpy as np
from numpy.typing import NDArray

from ._lexicon import LENGTHS, NUMBERS, OPENS, PUNCTUATION, Lexicon
from ._packed import PackedRows, Packing

UNIT_BITS = 20


class LexicalRows:
    """Sums of weights, (n_features, n_tiers), over the distinct features of a text."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        n_units, n_lexical = len(lexicon.units), len(lexicon.units) + len(lexicon.pairs)
        if n_units + 2 > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        self._n_places = n_units + 2
        self._packing = Packing(0, weights.shape[1])
        rows = self._rows = PackedRows(self._packing, weights)
        # ends before the two last places, where UNKNOWN_WORD and NEUTRAL_WORD stand: they weigh nothing
        self._of_units = PackedRows(self._packing, weights[:n_units])
        first, second = lexicon.pairs.astype(np.int64).T
        pair_keys = (first * self._n_places + second).tolist()
        self._pairs = dict(zip(pair_keys, range(n_units, n_lexical), strict=True))  # none is feature 0
        self._units, self._marks = lexicon.units, lexicon.all_marks
        none = len(weights)  # a feature that weighs nothing
        self._signs = [(sign, rows[self._marks[sign]]) for sign in PUNCTUATION if sign in self._marks]
        self._lengths = [rows[self._marks.get(length, none)] for length in LENGTHS]
        self._numbers = [rows[self._marks.get(number, none)] for number in NUMBERS]

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % self._n_places

    def sums(self, text: str, places: Sequence[int], n_numbers: int) -> tuple[int, list[float]]:
        """Number of features and sum of their weights, (n_tiers,).

        places : of the unit of each word, at least one. n_numbers : distinct words with digits.
        """
        keys = set(map(add, map(self._n_places.__mul__, places), places[1:]))
        total = self._of_marks(text, places, n_numbers)
        total += sum(map(self._of_units.__getitem__, set(places)))
        total += sum(map(self._rows.__getitem__, filter(None, map(self._pairs.get, keys))))
        _, count, sums = self._packing.unpack(total)
        return count, sums

    def _of_marks(self, text: str, places: Sequence[int], n_numbers: int) -> int:
        total = self._lengths[min(len(places), 256).bit_length()] + self._numbers[min(n_numbers, 3)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        return total + self._of_opening(places)

    def _of_opening(self, places: Sequence[int]) -> int:
        """By name, of known units only: what opens with unknown ones opens in no way."""
        n_units, total = len(self._units), 0
        name = OPENS
        for place in places[:2]:
            if place >= n_units:
                return total
            name = f"{OPENS}{self._units[place]}" if name is OPENS else f"{name} {self._units[place]}"
            feature = self._marks.get(name)
            if feature is not None:
                total += self._rows[feature]
        return total
