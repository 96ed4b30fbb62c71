"""The lexicon and its weights, arranged for one text: what its words, pairs and marks add up to.

`Lexicon.features` finds the same features by name, `_lexical_many.py` those of many texts; tests hold them
together. What a feature adds is worked out when a text first has it: most texts have few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile
from operator import add

import numpy as np
from numpy.typing import NDArray

from ._lexicon import LENGTHS, NUMBERS, PUNCTUATION, Lexicon, length_mark, opening_marks
from ._packed import Packing
from ._words import MAX_WORDS

UNIT_BITS = 20
LONGEST = 1 << len(LENGTHS) - 2  # words; from here on, lengths are not told apart


def feature_weight(n_features: int) -> float:
    """What the sum of a text's lexical weights is multiplied by."""
    return float(max(n_features, 1) ** -0.5)


class Numbered:
    """The features of a lexicon, numbered: units by their places, then two places for what is no unit and
    no feature, then pairs, then marks.

    lengths : by words of a text, up to LONGEST. numbers : by distinct words with digits. A mark that the
    lexicon lacks has the number of a place without a feature.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        n_units = len(lexicon.units)
        if n_units + 2 > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        self.lexicon, self.n_places = lexicon, n_units + 2
        self.nothing = (n_units, n_units + 1)  # where an index looks for UNKNOWN_WORD and NEUTRAL_WORD
        self.lengths = [self.mark(length_mark(n_words)) for n_words in range(LONGEST + 1)]
        self.numbers = [self.mark(mark) for mark in NUMBERS]
        self.signs = [(sign, self.mark(sign)) for sign in PUNCTUATION if sign in lexicon.all_marks]

    def mark(self, name: str) -> int:
        found = self.lexicon.all_marks.get(name)
        return self.nothing[0] if found is None else found + len(self.nothing)

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Keys, first place * n_places + second place, and features."""
        first, second = self.lexicon.pairs.astype(np.int64).T
        return first * self.n_places + second, self.n_places + np.arange(len(self.lexicon.pairs))


class LexicalRows:
    """Sums of weights, (n_features, n_tiers), over the distinct features of a text."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        self._numbered = numbered = Numbered(lexicon)
        self._packing = Packing(0, weights.shape[1])
        self._rows = rows = _Rows(weights, self._packing, numbered.nothing)
        self._lengths = [rows[feature] for feature in numbered.lengths]
        self._numbers = [rows[feature] for feature in numbered.numbers]
        self._signs = [(sign, rows[feature]) for sign, feature in numbered.signs]
        self._openings: dict[tuple[int, ...], int] = {}  # places of the first two units -> row

    @cached_property
    def _pairs(self) -> dict[int, int]:
        keys, features = self._numbered.pairs()
        return dict(zip(keys.tolist(), features.tolist(), strict=True))

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % self._numbered.n_places

    def sums(self, text: str, places: Sequence[int], n_numbers: int) -> tuple[int, list[float]]:
        """Number of features and sum of their weights, (n_tiers,).

        places : of the unit of each word, at least one. n_numbers : distinct words with digits.
        """
        keys = set(map(add, map(self._numbered.n_places.__mul__, places), places[1:]))
        total = self._lengths[min(len(places), LONGEST)] + self._numbers[min(n_numbers, len(NUMBERS) - 1)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        first_two = tuple(places[:2])
        opening = self._openings.get(first_two)
        total += self._opening(first_two) if opening is None else opening
        of_feature = self._rows.__getitem__
        total += sum(map(of_feature, set(places)))
        total += sum(map(of_feature, filter(None, map(self._pairs.get, keys))))  # no pair has the number 0
        _, count, sums = self._packing.unpack(total)
        return count, sums

    def _opening(self, first_two: tuple[int, ...]) -> int:
        """A text opens with known units: what opens with an unknown one opens in no way."""
        if len(self._openings) >= MAX_WORDS:  # begins anew, so that memory stays bounded
            self._openings.clear()
        units = self._numbered.lexicon.units
        known = takewhile(len(units).__gt__, first_two)
        marks = opening_marks([units[place] for place in known])
        row = self._openings[first_two] = sum(self._rows[self._numbered.mark(mark)] for mark in marks)
        return row


class _Rows(dict[int, int]):
    """What a feature adds, packed; worked out when it is first asked for."""

    def __init__(self, weights: NDArray[np.floating], packing: Packing, nothing: Sequence[int]) -> None:
        super().__init__(dict.fromkeys(nothing, 0))
        self._weights, self._packing, self._after = weights, packing, nothing

    def __missing__(self, feature: int) -> int:
        stored = feature if feature < self._after[0] else feature - len(self._after)
        row = self[feature] = self._packing.row((), self._weights[stored].tolist())
        return row
