"""A bounded cache of words: all that depends on one word alone, kept once per distinct word.

Real text repeats its words and a text's embedding is a sum over them, so a text costs one gather
and one sum; splitting a word into pieces is paid for on first sight only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float32]
MAX_WORDS = 65_536
MAX_WORD_CHARS = 64  # longer "words" (hashes, base64, URLs) are computed, not kept


class _Generation(NamedTuple):
    index_of: dict[str, int]
    rows: NDArray[np.float32]
    unit_ids: list[int]


class LookUp(NamedTuple):
    """rows : (n, width), the distinct words of each text in text order, one text after the other.
    n_distinct : per text. unit_ids : per text, of every running word.
    """

    rows: Row
    n_distinct: list[int]
    unit_ids: list[list[int]]


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

    def look_up(self, word_lists: Sequence[list[str]]) -> LookUp | None:
        """Rows and units of the words of several texts; None where the table can't hold them all."""
        found = _look_up(self._generation, word_lists)
        return found or self._learn(word_lists)

    def compute(self, words: list[str]) -> tuple[Row, list[int]]:
        """(n_distinct, width) rows of the distinct words, and each word's unit id, past the table."""
        rows = np.stack([self._row_of(word) for word in dict.fromkeys(words)])
        return rows, [self._unit_id_of(word) for word in words]

    def _learn(self, word_lists: Sequence[list[str]]) -> LookUp | None:
        distinct = dict.fromkeys(chain.from_iterable(word_lists))
        if len(distinct) > self._max_words or max(map(len, distinct)) > MAX_WORD_CHARS:
            return None
        with self._lock:
            if len(self) + len(distinct) > self._max_words:
                self._generation = self._empty()  # readers keep the former generation until they are done
            index_of, rows, unit_ids = self._generation
            for word in distinct:
                if word not in index_of:
                    rows[len(unit_ids)] = self._row_of(word)
                    unit_ids.append(self._unit_id_of(word))
                    index_of[word] = len(unit_ids) - 1  # last: a reader never finds an index without its row
            return _look_up(self._generation, word_lists)

    def _empty(self) -> _Generation:
        # np.empty reserves address space only; pages are used as words arrive
        return _Generation({}, np.empty((self._max_words, self._width), dtype=np.float32), [])


def _look_up(generation: _Generation, word_lists: Sequence[list[str]]) -> LookUp | None:
    index_of, rows, unit_ids = generation
    try:
        indices = [list(map(index_of.__getitem__, words)) for words in word_lists]
    except KeyError:
        return None
    distinct = [list(dict.fromkeys(each)) for each in indices]  # in text order, whatever the table's
    gathered = rows.take(list(chain.from_iterable(distinct)), axis=0)
    units = [list(map(unit_ids.__getitem__, each)) for each in indices]
    return LookUp(gathered, [len(each) for each in distinct], units)
