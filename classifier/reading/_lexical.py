"""The lexicon and its weights, arranged for speed: what words, pairs and marks of a text add up to.

`Lexicon.features` finds the same features by name, `_lexical_many.py` those of many texts; tests hold them
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
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
        n_units = len(lexicon.units)
        if n_units + 2 > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        self._lexicon, self._weights, self._n_places = lexicon, weights, n_units + 2
        self._packing = Packing(0, weights.shape[1])
        self._has_read = False

    @cached_property
    def _tables(self) -> _Tables:
        return _Tables(self._lexicon, self._packing.rows(self._weights), self._n_places)

    def place(self, unit_id: int) -> int:
        """The id counted from the front, so that it is never negative."""
        return unit_id % self._n_places

    def sums(self, text: str, places: Sequence[int], n_numbers: int) -> tuple[int, list[float]]:
        """Number of features and sum of their weights, (n_tiers,).

        places : of the unit of each word, at least one. n_numbers : distinct words with digits.
        """
        keys = set(map(add, map(self._n_places.__mul__, places), places[1:]))
        if self._has_read:
            total = self._tables.total(text, places, keys, n_numbers)
        else:
            self._has_read = True
            total = self._first_total(text, places, keys, n_numbers)
        _, count, sums = self._packing.unpack(total)
        return count, sums

    def _first_total(self, text: str, places: Sequence[int], keys: set[int], n_numbers: int) -> int:
        """Without the tables: they take as long as a hundred decisions, and many processes make just one."""
        lexicon, n_units = self._lexicon, self._n_places - 2
        first, second = lexicon.pairs.astype(np.int64).T
        is_in = np.isin(first * self._n_places + second, np.array([*keys], dtype=np.int64))
        of_marks = lexicon.all_marks
        marks = [
            *(sign for sign in PUNCTUATION if sign in text),
            LENGTHS[min(len(places), 256).bit_length()],
            NUMBERS[min(n_numbers, 3)],
            *openings(lexicon.units, tuple(places[:2])),
        ]
        features = [place for place in set(places) if place < n_units]
        features += (n_units + np.flatnonzero(is_in)).tolist()
        features += [of_marks[mark] for mark in marks if mark in of_marks]
        return sum(self._packing.row((), self._weights[feature].tolist()) for feature in features)


class _Tables:
    """What each unit, pair and mark adds."""

    def __init__(self, lexicon: Lexicon, rows: list[int], n_places: int) -> None:
        n_units, n_lexical = n_places - 2, n_places - 2 + len(lexicon.pairs)
        # in the two last places, where a list looks for UNKNOWN_WORD and NEUTRAL_WORD, there is nothing
        self._of_units = [*rows[:n_units], 0, 0]
        first, second = lexicon.pairs.astype(np.int64).T
        pair_keys = (first * n_places + second).tolist()
        self._of_pairs = dict(zip(pair_keys, rows[n_units:n_lexical], strict=True))
        self._units = lexicon.units
        self._of_marks = of_marks = dict(zip(lexicon.marks, rows[n_lexical:], strict=True))
        self._signs = [(sign, of_marks[sign]) for sign in PUNCTUATION if sign in of_marks]
        self._lengths = [of_marks.get(length, 0) for length in LENGTHS]
        self._numbers = [of_marks.get(number, 0) for number in NUMBERS]
        self._openings: dict[tuple[int, ...], int] = {}  # places of the first two units -> row

    def total(self, text: str, places: Sequence[int], keys: set[int], n_numbers: int) -> int:
        total = self._lengths[min(len(places), 256).bit_length()] + self._numbers[min(n_numbers, 3)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        first_two = tuple(places[:2])
        opening = self._openings.get(first_two)
        total += self._opening(first_two) if opening is None else opening
        total += sum(map(self._of_units.__getitem__, set(places)))
        of_pairs: int = sum(filter(None, map(self._of_pairs.get, keys)))
        return total + of_pairs

    def _opening(self, first_two: tuple[int, ...]) -> int:
        if len(self._openings) >= MAX_WORDS:  # begins anew, so that memory stays bounded
            self._openings.clear()
        names = openings(self._units, first_two)
        row = self._openings[first_two] = sum(self._of_marks.get(name, 0) for name in names)
        return row


def openings(units: Sequence[str], first_two: tuple[int, ...]) -> list[str]:
    """How a text opens, by name: of known units only, what opens with unknown ones opens in no way."""
    known = [units[place] if place < len(units) else None for place in first_two]
    if known[0] is None:
        return []
    both = [] if len(known) < 2 or known[1] is None else [f"{OPENS}{known[0]} {known[1]}"]
    return [f"{OPENS}{known[0]}", *both]
