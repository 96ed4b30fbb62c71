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
from ._packed import Packing
from ._words import MAX_WORDS

UNIT_BITS = 20


class LexicalRows:
    """Sums of weights, (n_features, n_tiers), over the distinct features of a text."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        n_units, n_lexical = len(lexicon.units), len(lexicon.units) + len(lexicon.pairs)
        if n_units + 2 > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        self._n_places = n_units + 2
        self._packing = Packing(0, weights.shape[1])
        rows = self._packing.rows(weights)
        # in the two last places, where a list looks for UNKNOWN_WORD and NEUTRAL_WORD, there is nothing
        self._of_units = [*rows[:n_units], 0, 0]
        first, second = lexicon.pairs.astype(np.int64).T
        pair_keys = (first * self._n_places + second).tolist()
        self._of_pairs = dict(zip(pair_keys, rows[n_units:n_lexical], strict=True))
        self._units = lexicon.units
        self._of_marks = dict(zip(lexicon.marks, rows[n_lexical:], strict=True))
        self._signs = [(sign, self._of_marks[sign]) for sign in PUNCTUATION if sign in self._of_marks]
        self._lengths = [self._of_marks.get(length, 0) for length in LENGTHS]
        self._numbers = [self._of_marks.get(number, 0) for number in NUMBERS]
        self._openings: dict[tuple[int, ...], int] = {}  # places of the first two units -> row

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % self._n_places

    def sums(self, text: str, places: Sequence[int], n_numbers: int) -> tuple[int, list[float]]:
        """Number of features and sum of their weights, (n_tiers,).

        places : of the unit of each word, at least one. n_numbers : distinct words with digits.
        """
        keys = set(map(add, map(self._n_places.__mul__, places), places[1:]))
        total = self._marks(text, places, n_numbers)
        total += sum(map(self._of_units.__getitem__, set(places)))
        total += sum(filter(None, map(self._of_pairs.get, keys)))
        _, count, sums = self._packing.unpack(total)
        return count, sums

    def _marks(self, text: str, places: Sequence[int], n_numbers: int) -> int:
        total = self._lengths[min(len(places), 256).bit_length()] + self._numbers[min(n_numbers, 3)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        first_two = tuple(places[:2])
        opening = self._openings.get(first_two)
        return total + (self._opening(first_two) if opening is None else opening)

    def _opening(self, first_two: tuple[int, ...]) -> int:
        """By name, of known units only: what opens with unknown ones opens in no way."""
        names = [self._units[place] if place < len(self._units) else None for place in first_two]
        total = 0
        if names[0] is not None:
            total += self._of_marks.get(f"{OPENS}{names[0]}", 0)
            if len(names) > 1 and names[1] is not None:
                total += self._of_marks.get(f"{OPENS}{names[0]} {names[1]}", 0)
        if len(self._openings) >= MAX_WORDS:  # begins anew, so that memory stays bounded
            self._openings.clear()
        self._openings[first_two] = total
        return total
