"""Keys of many texts without sorting them: each distinct one once, and what is known of each.

A sort of a chunk's words takes twice as long; nothing that is added up depends on the order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NONE = -1  # what is known of a key that was not given
_EMPTY = -1  # no key is negative
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: its product's high bits are well mixed


def _places(keys: Ints, bits: int) -> Ints:
    """A place below 2**bits for each key."""
    return np.asarray((keys.view(np.uint64) * _SPREAD >> np.uint64(64 - bits)).view(np.int64))


def distinct(keys: Ints) -> Ints:
    """Each key once, in any order."""
    if not len(keys):
        return keys
    bits = (4 * len(keys)).bit_length()
    places, number = _places(keys, bits), np.arange(len(keys), dtype=np.int32)
    writer = np.empty(1 << bits, dtype=np.int32)
    writer[places] = number  # where several keys have one place, the last one has it
    last = writer.take(places)
    others = keys[keys.take(last) != keys]  # of another key than the one that has the place
    return np.concatenate([keys[last == number], np.unique(others)])


class Lookup:
    """Keys >= 0, each given once, to numbers >= 0; NONE for what is no key."""

    def __init__(self, keys: Ints, numbers: Ints) -> None:
        self._begin(keys, numbers)

    def _begin(self, keys: Ints, numbers: Ints) -> None:
        self._bits = max(8 * len(keys), 2).bit_length()
        size = 1 << self._bits
        self._keys, self._numbers, self._n_keys = np.full(size, _EMPTY), np.full(size, NONE), 0
        self._place(keys, numbers)

    def _place(self, keys: Ints, numbers: Ints) -> None:
        self._n_keys += len(keys)
        left, place = np.arange(len(keys)), _places(keys, self._bits)
        while len(left):  # a key whose place is taken goes to the next one
            free = self._keys[place] == _EMPTY
            self._keys[place[free]], self._numbers[place[free]] = keys[left[free]], numbers[left[free]]
            out = self._keys[place] != keys[left]
            left, place = left[out], (place[out] + 1) & (len(self._keys) - 1)

    def add(self, keys: Ints, numbers: Ints) -> None:
        """More of them; some may be there, or NONE, or given twice. Not while another thread asks."""
        new, at = np.unique(keys, return_index=True)
        is_new = (self.of(new) == NONE) & (new != NONE)
        new, numbers = new[is_new], numbers[at[is_new]]
        if 4 * (self._n_keys + len(new)) > len(self._keys):
            known = self._keys != _EMPTY
            new, numbers = (
                np.concatenate([self._keys[known], new]),
                np.concatenate([self._numbers[known], numbers]),
            )
            self._begin(new, numbers)
        else:
            self._place(new, numbers)

    def of(self, keys: Ints) -> Ints:
        """(n,) of (n,) keys."""
        place = _places(keys, self._bits)
        there = self._keys.take(place)
        hit = there == keys
        found = np.where(hit, self._numbers.take(place), NONE)
        left = np.flatnonzero(~hit & (there != _EMPTY))
        place = place.take(left)
        while len(left):  # on to the next place, until the key or an empty place is there
            place = (place + 1) & (len(self._keys) - 1)
            there = self._keys.take(place)
            hit = there == keys.take(left)
            found[left[hit]] = self._numbers.take(place[hit])
            on = ~hit & (there != _EMPTY)
            left, place = left[on], place[on]
        return found
