"""The lexicon and its weights, arranged for speed: what words, pairs and marks of a text add up to.

`Lexicon.features` finds the same features by name, `_lexical_many.py` those of many texts; tests hold them
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import add

import numpy as np
from numpy.typing import NDArray

from ._lexicon import LENGTHS, NUMBERS, OPENS, PUNCTUATION, Lexicon
from ._packed import Packing

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
        self._units = [*rows[:n_units], 0, 0]
        first, second = lexicon.pairs.astype(np.int64).T
        pair_keys = first * self._n_places + second
        self._pairs = dict(zip(pair_keys.tolist(), rows[n_units:n_lexical], strict=True))
        row_of = {mark: rows[feature] for mark, feature in lexicon.mark_id.items()}
        self._signs = [(sign, row_of[sign]) for sign in PUNCTUATION if sign in row_of]
        self._lengths = [row_of.get(length, 0) for length in LENGTHS]
        self._numbers = [row_of.get(number, 0) for number in NUMBERS]
        openings = {tuple(lexicon.opening(mark)): row_of[mark] for mark in row_of if mark.startswith(OPENS)}
        self._first = {ids[0]: row for ids, row in openings.items() if len(ids) == 1}
        self._first_two: dict[tuple[int | None, ...], int] = {
            ids: row for ids, row in openings.items() if len(ids) == 2
        }

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % self._n_places

    def sums(self, text: str, places: Sequence[int], n_numbers: int) -> tuple[int, list[float]]:
        """Number of features and sum of their weights, (n_tiers,).

        places : of the unit of each word, at least one. n_numbers : distinct words with digits.
        """
        keys = set(map(add, map(self._n_places.__mul__, places), places[1:]))
        total = self._marks(text, places, n_numbers)
        total += sum(map(self._units.__getitem__, set(places)))
        total += sum(map(self._pairs.get, keys, repeat(0)))  # type: ignore[arg-type]
        _, count, sums = self._packing.unpack(total)
        return count, sums

    def _marks(self, text: str, places: Sequence[int], n_numbers: int) -> int:
        total = self._lengths[min(len(places), 256).bit_length()] + self._numbers[min(n_numbers, 3)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        return total + self._first.get(places[0], 0) + self._first_two.get(tuple(places[:2]), 0)
