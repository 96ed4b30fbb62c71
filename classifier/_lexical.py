"""The lexicon and its weights as packed rows: what words, pairs and marks of a text add up to.

`Lexicon.features` finds the same features by name; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import add

import numpy as np
from numpy.typing import NDArray

from ._lexicon import LENGTHS, NUMBERS, OPENS, PUNCTUATION, Lexicon, opening_units
from ._packed import Packing

UNIT_BITS = 20
_BASE = (
    1_048_583  # a pair of unit ids is the int first * _BASE + second; a prime, so that a dict spreads them
)


class LexicalRows:
    """Sums of weights, (n_features, n_tiers), over the distinct features of a text."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        n_units, n_lexical = len(lexicon.units), len(lexicon.units) + len(lexicon.pairs)
        self.packing = Packing(0, weights.shape[1])
        rows = self.packing.rows(weights)
        # in the two last places, where a list looks for UNKNOWN_WORD and NEUTRAL_WORD, there is nothing
        self._units = [*rows[:n_units], 0, 0]
        if len(self._units) > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        first, second = lexicon.pairs.astype(np.int64).T
        self._pairs = dict(zip((first * _BASE + second).tolist(), rows[n_units:n_lexical], strict=True))
        row_of = {mark: rows[feature] for mark, feature in lexicon.mark_id.items()}
        self._signs = [(sign, row_of[sign]) for sign in PUNCTUATION if sign in row_of]
        self._lengths = [row_of.get(length, 0) for length in LENGTHS]
        self._numbers = [row_of.get(number, 0) for number in NUMBERS]
        self._first: dict[int, int] = {}
        self._first_two: dict[int, int] = {}
        for mark in row_of:
            if mark.startswith(OPENS):
                places = [self.place(lexicon.unit_id(unit)) for unit in opening_units(mark)]
                if len(places) == 1:
                    self._first[places[0]] = row_of[mark]
                else:
                    self._first_two[places[0] * _BASE + places[1]] = row_of[mark]

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % len(self._units)

    def total(self, text: str, places: Sequence[int], n_numbers: int) -> int:
        """Sum of the rows of a text, given as text, place of the unit of each word, words with digits."""
        keys = list(map(add, map(_BASE.__mul__, places), places[1:]))
        total: int = sum(map(self._units.__getitem__, set(places)))
        total += sum(map(self._pairs.get, set(keys), repeat(0)))  # type: ignore[arg-type]
        for sign, row in self._signs:
            if sign in text:
                total += row
        total += self._lengths[min(len(places), 256).bit_length()]
        total += self._numbers[min(n_numbers, 3)]
        total += self._first.get(places[0], 0)
        if keys:
            total += self._first_two.get(keys[0], 0)
        return total
