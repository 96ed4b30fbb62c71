"""A bounded cache of words: all that depends on one word alone, kept once per distinct word.

Real text repeats its words and a text's embedding is a sum over them, so a text costs one gather
and one sum; splitting a word into pieces is paid for on first sight only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float32]
MAX_WORDS = 16_384
MAX_WORD_CHARS = 64  # longer "words" (hashes, base64, URLs) are computed, not kept


class _Generation(NamedTuple):
    index_of: dict[str, int]
    rows: NDArray[np.float32]
    unit_ids: list[int]


class WordTable:
    """Row and unit id of words; memory is bounded by `max_words` rows.

    row_of : word -> (width,) float32. unit_id_of : word -> int.
    """

    def __init__(
        self,
        row_of: Callable[[str], Row],
        unit_id_of: Callable[[str], int],
        width: int,
        *,
        max_words: int = MAX_WORDS,
    ) -> None:
        self._row_of = row_of
        self._unit_id_of = unit_id_of
        self._width = width
        self._max_words = max_words
        self._lock = threading.Lock()
        self._generation = self._empty()

    def __len__(self) -> int:
        return len(self._generation.index_of)

    def read(self, words: list[str]) -> tuple[list[float], int, list[int]]:
        """(width,) sum of the rows of the distinct words, their number, and each word's unit id."""
        index_of, rows, unit_ids = self._generation
        try:
            indices = [index_of[word] for word in words]
        except KeyError:
            return self._read_new(words)
        distinct = list(dict.fromkeys(indices))  # in text order: the sum must not depend on the cache
        summed = np.add.reduce(rows.take(distinct, axis=0), axis=0).tolist()
        return summed, len(distinct), [unit_ids[index] for index in indices]

    def _read_new(self, words: list[str]) -> tuple[list[float], int, list[int]]:
        """Learn the new words; then read as above, or, where the table can't hold them, directly."""
        with self._lock:
            if len(self) + len(set(words)) > self._max_words:
                self._generation = self._empty()  # readers keep the former generation until they are done
            index_of, rows, unit_ids = self._generation
            kept = True
            for word in dict.fromkeys(words):
                if word in index_of:
                    continue
                if len(word) > MAX_WORD_CHARS or len(unit_ids) >= self._max_words:
                    kept = False
                    continue
                rows[len(unit_ids)] = self._row_of(word)
                unit_ids.append(self._unit_id_of(word))
                index_of[word] = len(unit_ids) - 1  # last: a reader never finds an index without its row
        if kept:
            return self.read(words)
        distinct = dict.fromkeys(words)
        summed = np.add.reduce(np.stack([self._row_of(word) for word in distinct]), axis=0).tolist()
        return summed, len(distinct), [self._unit_id_of(word) for word in words]

    def _empty(self) -> _Generation:
        # np.empty reserves address space only; pages are used as words arrive
        return _Generation({}, np.empty((self._max_words, self._width), dtype=np.float32), [])
