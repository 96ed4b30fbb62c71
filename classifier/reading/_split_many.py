"""The words of many texts in columns, found without making a string of each.

A word is known again by a key, a polynomial of its characters modulo 2**63 (Karp and Rabin 1987) at a
base drawn anew for each table: nobody can choose words that share one, and words that nobody chose share
one about once in 2**60.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._hash_table import NONE
from ._text import MAX_WORDS_READ, running_words
from ._words import MAX_WORD_CHARS

Ints = NDArray[np.int64]
_LONGEST = 2 * MAX_WORDS_READ  # characters; no text within has more words than are read
_AT_ONCE = 1 << 15  # characters: what is worked out of them stays in the processor's cache
_KEY_BITS = np.uint64((1 << 63) - 1)  # no key is negative
_BEYOND = 0x3001  # no white space from here on
_IS_SPACE = np.array([chr(code).isspace() for code in range(_BEYOND)] + [False])


class Split(NamedTuple):
    """Words of texts, text after text. key : (n_words,), NONE for a word that is not known again. n_words :
    (n_texts,), of each. chars : (n_words,).
    """

    key: Ints
    n_words: Ints
    chars: Ints


class Splitter:
    """Splits as `running_words` does."""

    def __init__(self) -> None:
        base = int.from_bytes(os.urandom(8), "little") | 1  # odd, so that it has an inverse
        self._powers = _powers(base)
        self._inverses = _powers(pow(base, -1, 1 << 64))

    def of(self, texts: Sequence[str]) -> Split:
        none = np.empty(0, dtype=np.int64)
        found = [_plainly(run[0]) if len(run[0]) > _LONGEST else self._run(run) for run in _runs(texts)]
        return Split(*map(np.concatenate, zip((none, none, none), *found, strict=True)))

    def _run(self, texts: Sequence[str]) -> Split:
        together = "\n".join(["", *texts, ""])  # from white space to white space
        codes = np.frombuffer(together.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        is_space = _IS_SPACE.take(np.minimum(codes, _BEYOND))
        edges = np.flatnonzero(is_space[1:] != is_space[:-1]) + 1
        starts, ends = edges[::2], edges[1::2]
        up_to = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum((codes + np.uint32(1)) * self._powers[: len(codes)], out=up_to[1:])
        key = (up_to.take(ends) - up_to.take(starts)) * self._inverses.take(starts) & _KEY_BITS
        chars = ends - starts
        text_ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
        n_words = np.diff(np.searchsorted(starts, text_ends), prepend=0)
        return Split(np.where(chars > MAX_WORD_CHARS, NONE, key.view(np.int64)), n_words, chars)


def _powers(base: int) -> NDArray[np.uint64]:
    return np.multiply.accumulate(np.full(_AT_ONCE + 1, base, dtype=np.uint64), dtype=np.uint64)


def _plainly(text: str) -> Split:
    chars = np.array(list(map(len, running_words(text))), dtype=np.int64)
    return Split(np.full(len(chars), NONE), np.array([len(chars)], dtype=np.int64), chars)


def _runs(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Neighbours that are split together; each text that is too long by itself."""
    begin, size = 0, 1
    for at, text in enumerate(texts):
        size += len(text) + 1
        if size > _AT_ONCE or len(text) > _LONGEST or (at > begin and len(texts[at - 1]) > _LONGEST):
            if at > begin:
                yield texts[begin:at]
            begin, size = at, len(text) + 2
    if begin < len(texts):
        yield texts[begin:]
