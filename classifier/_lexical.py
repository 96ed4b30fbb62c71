"""The lexicon and its weights, arranged for speed: what words, pairs and marks of a text add up to.

`Lexicon.features` finds the same features by name; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import chain, repeat
from operator import add

import numpy as np
from numpy.typing import NDArray

from ._lexicon import LENGTHS, NUMBERS, OPENS, PUNCTUATION, Lexicon
from ._packed import ONE, Packing, fixed_point

UNIT_BITS = 20
TEXT_BITS = 10
MAX_TEXTS = 1 << TEXT_BITS  # so many are read at once: the arrays stay small, the calls of NumPy few


class LexicalRows:
    """Sums of weights, (n_features, n_tiers), over the distinct features of a text."""

    def __init__(self, lexicon: Lexicon, weights: NDArray[np.floating]) -> None:
        n_units, n_lexical = len(lexicon.units), len(lexicon.units) + len(lexicon.pairs)
        if n_units + 2 > 1 << UNIT_BITS:
            raise ValueError(f"a lexicon has at most {(1 << UNIT_BITS) - 2:,} units; got {n_units:,}")
        self._weights, self._n_units, self._n_places = weights, n_units, n_units + 2
        self._packing = Packing(0, weights.shape[1])
        rows = self._packing.rows(weights)
        # in the two last places, where a list looks for UNKNOWN_WORD and NEUTRAL_WORD, there is nothing
        self._units = [*rows[:n_units], 0, 0]
        first, second = lexicon.pairs.astype(np.int64).T
        self._pair_keys = first * self._n_places + second
        self._pairs = dict(zip(self._pair_keys.tolist(), rows[n_units:n_lexical], strict=True))
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

    def sums_of_many(
        self, texts: Sequence[str], places: Sequence[Sequence[int]], n_numbers: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n,) and (n, n_tiers): what `sums` gives for each of at most MAX_TEXTS texts."""
        n_texts = len(texts)
        units, unit_text = _flat(list(map(set, places)))
        known = units < self._n_units
        flat, of_text = _flat(places)
        within = of_text[1:] == of_text[:-1]
        keys = (flat[:-1] * self._n_places + flat[1:])[within]
        together = np.unique(keys << TEXT_BITS | of_text[1:][within])  # each pair once per text, and sorted
        keys, pair_text = together >> TEXT_BITS, together & (MAX_TEXTS - 1)
        sorted_keys, order = self._sorted_pairs
        nearest = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
        found = sorted_keys[nearest] == keys
        features = np.concatenate([units[known], self._n_units + order[nearest[found]]])
        in_text = np.concatenate([unit_text[known], pair_text[found]])
        marks = [self._marks(*each) for each in zip(texts, places, n_numbers, strict=True)]
        _, count, sums = self._packing.unpack_many(marks)
        for tier, weights in enumerate(self._fixed_columns):  # whole numbers below 2**53: exact in any order
            sums[:, tier] += np.bincount(in_text, weights[features], n_texts) / ONE
        return count + np.bincount(in_text, minlength=n_texts), sums

    def _marks(self, text: str, places: Sequence[int], n_numbers: int) -> int:
        total = self._lengths[min(len(places), 256).bit_length()] + self._numbers[min(n_numbers, 3)]
        for sign, row in self._signs:
            if sign in text:
                total += row
        return total + self._first.get(places[0], 0) + self._first_two.get(tuple(places[:2]), 0)

    @cached_property
    def _sorted_pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Keys of the pairs, rising, and the pair of each; at the end a key that no two words have."""
        order = np.argsort(self._pair_keys)
        return np.append(self._pair_keys[order], np.iinfo(np.int64).max), np.append(order, 0)

    @cached_property
    def _fixed_columns(self) -> NDArray[np.float64]:
        """(n_tiers, n_features) weights in fixed point."""
        return np.ascontiguousarray(fixed_point(self._weights).T.astype(np.float64))


def _flat(groups: Sequence[Collection[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All values, one group after the other, and the number of the group of each."""
    lengths = [len(group) for group in groups]
    values = np.fromiter(chain.from_iterable(groups), dtype=np.int64, count=sum(lengths))
    return values, np.repeat(np.arange(len(groups)), lengths)
