"""Words numbered as they come up, what depends on a word alone in columns: for reading many texts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._hash_table import NONE, Lookup
from ._packed import ONE, Packing
from ._split_many import Split, Splitter
from ._text import running_words
from ._words import MAX_WORD_CHARS

Ints = NDArray[np.int64]
_FIRST_CAPACITY = 1024
_LEARNT_AT_ONCE = 2_048  # words: what is worked out of them stays small


class Columns(NamedTuple):
    """By word number. whole : (n_whole, n) int64. real : (n_real, n), in fixed point, so whole as well."""

    whole: Ints
    real: NDArray[np.float64]


class WordTable(dict[str, int]):
    """Word -> its number, given when the word is first asked for. Threads may share it; it only grows.

    row_of : of a word, packed as `packing` says. rows_of : of many words, the same rows, quicker.
    """

    def __init__(
        self,
        row_of: Callable[[str], int],
        packing: Packing,
        rows_of: Callable[[Sequence[str]], Sequence[int]] | None = None,
    ) -> None:
        self._row_of, self._packing, self._rows_of = row_of, packing, rows_of
        self._rows: list[int] = []  # those that are not in the columns yet
        self._n_rows = 0  # those that are
        self._columns: Columns | None = None
        none = np.empty(0, dtype=np.int64)
        self._splitter, self._known = Splitter(), Lookup(none, none)  # the numbers again, by key
        self._lock = Lock()

    def numbers(self, texts: Sequence[str]) -> tuple[Ints, Split]:
        """(n_words,), of all words of all texts, in order."""
        split = self._splitter.of(texts)
        with self._lock:
            number = self._known.of(split.key)
        (without,) = np.nonzero(number == NONE)
        if len(without):
            number[without] = self._given(_words_at(without, texts, split.n_words))
            with self._lock:
                self._known.add(split.key[without], number[without])
        return number, split

    def _given(self, words: list[str]) -> list[int]:
        """The numbers of words that are new, or too long to be kept."""
        if self._rows_of is not None:
            self._learn([word for word in dict.fromkeys(words) if len(word) <= MAX_WORD_CHARS])
        return list(map(self.__getitem__, words))

    def _learn(self, words: Sequence[str]) -> None:
        for start in range(0, len(words), _LEARNT_AT_ONCE):
            some = words[start : start + _LEARNT_AT_ONCE]
            assert self._rows_of is not None
            for word, row in zip(some, self._rows_of(some), strict=True):
                self._add(word, row)

    def __missing__(self, word: str) -> int:
        known = None if len(word) <= MAX_WORD_CHARS else self.get(_short(word))
        return self._add(word, self._row_of(word)) if known is None else known

    def _add(self, word: str, row: int) -> int:
        key = word if len(word) <= MAX_WORD_CHARS else _short(word)
        with self._lock:
            if key not in self:
                self[key] = self._n_rows + len(self._rows)
                self._rows.append(row)
            return self[key]

    def columns(self) -> Columns:
        """Of all words that have a number; rows that come later are not in it."""
        with self._lock:
            if self._rows or self._columns is None:
                self._columns = self._with_rows(self._columns)
                self._n_rows += len(self._rows)
                self._rows = []
            return self._columns

    def _with_rows(self, known: Columns | None) -> Columns:
        """Room doubles, so that a new word costs the same however many there are."""
        whole, _, real = self._packing.unpack_many(self._rows)
        before, after = self._n_rows, self._n_rows + len(self._rows)
        if known is None or after > known.whole.shape[1]:
            capacity = max(_FIRST_CAPACITY, 2 * after)
            roomier = Columns(
                np.zeros((whole.shape[1], capacity), np.int64),
                np.zeros((real.shape[1], capacity)),
            )
            if known is not None:
                for more, few in zip(roomier, known, strict=True):
                    more[:, :before] = few[:, :before]
            known = roomier
        known.whole[:, before:after] = whole.T
        known.real[:, before:after] = real.T * ONE
        return known


def _words_at(places: Ints, texts: Sequence[str], n_words: Ints) -> list[str]:
    """The words at these places among those of all texts; few texts have to be split again."""
    ends = np.cumsum(n_words)
    of_text = np.searchsorted(ends, places, side="right")
    within = (places - (ends - n_words)[of_text]).tolist()
    words = {text: running_words(texts[text]) for text in np.unique(of_text).tolist()}
    return [words[text][place] for text, place in zip(of_text.tolist(), within, strict=True)]


def _short(word: str) -> str:
    """A key for a word too long to keep; no word has a space in it."""
    return " " + blake2b(word.encode("utf-8", "surrogatepass")).hexdigest()
