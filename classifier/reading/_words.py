"""A bounded cache of words: all that depends on one word alone, kept once per distinct word.

Real text repeats its words, so splitting a word into pieces is paid for on first sight only.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_WORDS = 65_536
MAX_WORD_CHARS = 64  # longer "words" (hashes, base64, URLs) are computed, not kept


class WordRows(dict[str, int]):
    """Word -> its packed row, computed when it is first asked for. Shared by threads without a lock.

    A row is a function of its word, so it does not matter who computed it or how often. A full table
    starts anew: what is needed is back at once, and memory stays bounded.
    """

    def __init__(self, row_of: Callable[[str], int], *, max_words: int = MAX_WORDS) -> None:
        self._row_of = row_of
        self._max_words = max_words

    def __missing__(self, word: str) -> int:
        row = self._row_of(word)
        if len(word) <= MAX_WORD_CHARS:
            if len(self) >= self._max_words:
                self.clear()
            self[word] = row
        return row
